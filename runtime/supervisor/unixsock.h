/*
 * supervisor/unixsock.h - does somebody listen on a unix socket inside a container?
 *
 * Knows paths of another mount namespace. Does not know services.
 */
#ifndef SUPERVISOR_UNIXSOCK_H
#define SUPERVISOR_UNIXSOCK_H

/**
 * unixsock_try() - connect to @path in the root of a process, and hang up at once
 * @pid:   seen from here; its root is entered by /proc/PID/root (proc_pid_root(5)), and
 *         links on the way stay below it (openat2(2), RESOLVE_IN_ROOT)
 * @pidfd: of the same process, which must live still when its root is open
 * Never waits for the listener: a full queue of connections fails with EAGAIN (unix(7)).
 * Listeners of any type of socket are found.
 * Return: 0, or -errno (ENOTSOCK: something else stands there).
 */
int unixsock_try(int pid, int pidfd, const char *path);

#endif
