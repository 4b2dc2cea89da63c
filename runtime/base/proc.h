/*
 * base/proc.h - clocks, pidfds and the identity of processes.
 *
 * A pid alone is no identity: it is reused. (pid, start time, boot id) is.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"

/** proc_now_ns() - CLOCK_MONOTONIC in nanoseconds */
uint64_t proc_now_ns(void);
/** proc_wall_ns() - CLOCK_REALTIME in nanoseconds since 1970 */
uint64_t proc_wall_ns(void);
/** proc_start_time() - field 22 of /proc/PID/stat (clock ticks since boot); 0 if it is
 * gone */
uint64_t proc_start_time(pid_t pid);
/** proc_parent() - field 4 of /proc/PID/stat; 0 if it is gone or has none */
pid_t proc_parent(pid_t pid);
/** proc_pidfd() - pidfd_open(2), close-on-exec; -1 with errno (ESRCH: gone) */
int proc_pidfd(pid_t pid);
/** proc_pidfd_as() - pidfd of @pid only if its start time is @start_time; -1 with ESRCH
 * else */
int proc_pidfd_as(pid_t pid, uint64_t start_time);
/** proc_kill() - pidfd_send_signal(2); 0 or -1 with errno */
int proc_kill(int pidfd, int sig);
/** proc_wait_exit() - wait until the process behind @pidfd has ended
 * @timeout_ms: -1 for ever. Works for processes that are not children.
 * Return: 1 ended, 0 timed out. */
int proc_wait_exit(int pidfd, int timeout_ms);
/** proc_self_dir() - directory of this executable, for finding its two siblings
 * @ret: at least @n bytes; filled with an absolute path without a trailing slash */
must_check int proc_self_dir(char *ret, size_t n, struct err *e);

#endif
