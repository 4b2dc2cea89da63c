/*
 * container/plan.h - everything a child needs, decided by the parent: private to the
 * room.
 *
 * Knows the spec and the host. The parent makes it with its own rights (mount trees,
 * filter, ids, environment); the child, which has none of those, only acts on it.
 */
#ifndef CONTAINER_PLAN_H
#define CONTAINER_PLAN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "runtime/container/container.h"

struct container_plan {
	const struct container_spec *spec; /* borrowed */
	struct container_user user;
	struct strv env;
	uint64_t caps;            /* bit n: capability n stays */
	uint64_t lent;            /* of these what a user other than root has */
	struct sock_fprog filter; /* len 0: none */
	const char *apparmor;     /* profile; NULL: none is asked for */
	struct rlimit limits[RLIM_NLIMITS];
	bool limit_set[RLIM_NLIMITS];

	/* a new container */
	int root_tree;   /* detached clone of the root file system */
	int *mount_tree; /* one a mount of the spec; -1 for a new file system */
	size_t n_trees;
	int init_fd; /* minibox-init on a read-only mount, -1: none */
	bool direct; /* it only executes the program in its own place */

	/* a process that joins one: pidfd >= 0 */
	int pidfd;
	int namespaces; /* CLONE_NEW* of it to enter */

	int sync; /* the child's end of the socket pair */
};

/** container_plan_free() - closes what the plan opened; copes with a half-made one */
void container_plan_free(struct container_plan *p);
/** container_plan_create() - plan a new container. On failure @p is freed. */
must_check int container_plan_create(const struct container_spec *s,
				     struct container_plan *p, struct err *e);
/** container_plan_exec() - plan a process that joins @pid (@pidfd: the same, checked) */
must_check int container_plan_exec(const struct container_spec *s, pid_t pid, int pidfd,
				   struct container_plan *p, struct err *e);

#endif
