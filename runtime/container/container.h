/*
 * container/container.h - one spec becomes one confined process; exec into it.
 *
 * Knows namespaces, mounts inside a container, users, capabilities, seccomp, PID 1. Does
 * not know images, networks or stacks: it is handed fds. Linux 5.12 or later (idmapped
 * mounts).
 *
 * Life: container_create() returns with everything done and the process blocked just
 * before execve(2), no foreign code run yet; container_start() lets it go. `oci create`
 * and `oci start` are the same two calls.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <sys/types.h>

#include "runtime/base/err.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/container/spec.h"

enum { CONTAINER_IDS = 65536 }; /* ids of a user namespace */

struct container; /* one process that we made: a child of the caller */

/**
 * container_userns_create() - a user namespace that maps 0..65535 to @host_base..
 * @ret_fd: nsfs fd, owned by the caller. No process is left in it.
 */
must_check int container_userns_create(uid_t host_base, int *ret_fd, struct err *e);
/** container_netns_create() - a network namespace owned by @userns_fd (-1: the host's) */
must_check int container_netns_create(int userns_fd, int *ret_fd, struct err *e);
/** container_ns_pin() - keep a namespace alive by binding it on a new file @name below
 * @dir */
must_check int container_ns_pin(int ns_fd, int dir, const char *name, struct err *e);
/** container_pin_remove() - unmount (detached) and unlink a pin; absent is done */
must_check int container_pin_remove(int dir, const char *name, struct err *e);

/** container_can_idmap() - 0 when the mount of @fd can be idmapped; 1 when the file
 * system cannot (the caller falls back or fails, naming the path); -errno otherwise */
must_check int container_can_idmap(int fd, int userns_fd, struct err *e);

struct container_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary, owned */
	size_t n_groups;
	char *home; /* owned, never NULL */
};
/**
 * container_user_resolve() - "user[:group]" by /etc/passwd and /etc/group below
 * @rootfs_fd Read with RESOLVE_IN_ROOT; ids are the container's. Unknown name: -ENOENT
 * naming it.
 */
must_check int container_user_resolve(int rootfs_fd, const char *user,
				      struct container_user *ret, struct err *e);
void container_user_free(struct container_user *u);

/**
 * container_create() - make the process, blocked before execve
 * @ret: owned by the caller (container_free(), which neither kills nor waits)
 * The caller must be single-threaded. The process is the caller's child. On failure
 * nothing is left: what the child met is in @e, one line ("mount 'proc' on '/proc':
 * ...").
 */
must_check int container_create(const struct container_spec *s, struct container **ret,
				struct err *e);
/**
 * container_start() - let it exec
 * On failure the process is gone and reaped; container_exec_errno() tells why when it was
 * the execve itself (ENOENT: exit status 127, others: 126), 0 otherwise (125).
 */
must_check int container_start(struct container *c, struct err *e);
/**
 * container_exec() - a further process in a running container, started at once
 * @s:     the container's stored spec with args, env, user, cwd, tty, stdio replaced as
 * wanted
 * @pid:   the container's PID 1 on the host, @pidfd its pidfd
 * Same namespaces, cgroup, capabilities, seccomp; PATH is searched in the container. No
 * init: the program is the caller's child itself.
 * @ret: NULL on failure, except when the execve failed: then it holds
 * container_exec_errno()
 */
must_check int container_exec(const struct container_spec *s, pid_t pid, int pidfd,
			      struct container **ret, struct err *e);

/** container_seccomp_check() - can this text be a filter? -EINVAL names what is wrong */
must_check int container_seccomp_check(const char *profile, struct err *e);

/**
 * container_apparmor_check() - can a process be given this AppArmor profile here?
 * @profile: a loaded profile's name, or "unconfined", which can always be had
 * -EOPNOTSUPP: the host has no AppArmor; -ENOENT: it is not loaded. Where the host does
 * not show its profiles (no securityfs), only the start of a process tells.
 */
must_check int container_apparmor_check(const char *profile, struct err *e);

pid_t container_pid(const struct container *c);
int container_pidfd(const struct container *c); /* borrowed */
int container_tty(const struct container *c);   /* pty master, borrowed; -1 without tty */
int container_tty_take(struct container *c);    /* the same, owned by the caller now */
int container_exec_errno(const struct container *c);
/** container_wait() - reap; *@ret_status as by waitpid(2) */
must_check int container_wait(struct container *c, int *ret_status, struct err *e);
struct container *container_free(struct container *c);
/** container_abort() - SIGKILL, reap and free; NULL is fine */
struct container *container_abort(struct container *c);

/**
 * container_mount_swap() - show @tree_fd's directory at @target of a running container
 * @pid:     PID 1 of the container whose mount namespace is changed
 * @tree_fd: a detached tree (open_tree clone) with its final attributes; consumed on
 * success Linux 6.5: moved beneath the old mount, then the old one is detached: a reader
 * never misses a name. Older kernels: mounted on top (@force_stack forces that path).
 */
must_check int container_mount_swap(pid_t pid, const char *target, int tree_fd,
				    bool force_stack, struct err *e);

#endif
