/*
 * container/spawn.h - a child on borrowed memory: private to the container room.
 *
 * Knows clone3(2). The child shares the caller's memory and fd table while the caller
 * sleeps (as after vfork), so it costs neither page tables nor a copy, and errors it
 * fills are the caller's own. It has its own signal state, credentials, namespaces and
 * working directory.
 */
#ifndef CONTAINER_SPAWN_H
#define CONTAINER_SPAWN_H

#include <sys/types.h>

#include "runtime/base/err.h"

/**
 * container_spawn() - run @fn in such a child and reap it
 * @cgroup_fd: cgroup v2 directory that the child is born in, or -1
 * @what:      names the child in errors
 * @fn returns 0, or negative with @e (shared with the caller) filled.
 * Return: 0; -errno. -EOPNOTSUPP with @e empty where @cgroup_fd cannot be honoured.
 */
must_check int container_spawn(int (*fn)(void *arg, struct err *e), void *arg,
			       int cgroup_fd, const char *what, struct err *e);

#endif
