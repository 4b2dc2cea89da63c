/*
 * container/rootfs.h - what a container sees as its file system: private to the room.
 *
 * Runs in the child, as root of the container's user namespace, in its new mount, pid,
 * ipc and cgroup namespaces, while the host's root is still "/".
 */
#ifndef CONTAINER_ROOTFS_H
#define CONTAINER_ROOTFS_H

#include "runtime/container/plan.h"

/** container_rootfs_build() - attach the root and build all mounts in it; "/" is the
 * host's still */
must_check int container_rootfs_build(const struct container_plan *p, struct err *e);
/** container_rootfs_enter() - make the new root "/"; the old is gone */
must_check int container_rootfs_enter(const struct container_plan *p, struct err *e);

/** container_exact_build() - the same mounts, but as spec->exact lists them */
must_check int container_exact_build(const struct container_plan *p, struct err *e);
/** container_exact_clone() - its bind mount @m as a detached tree, with the caller's
 * rights */
struct container_exact_mount;
must_check int container_exact_clone(const struct container_exact_mount *m, int *ret,
				     struct err *e);

/** container_exact_cgroup_bind() - without a cgroup namespace: the container's own
 * groups, at @at */
must_check int container_exact_cgroup_bind(int at, unsigned attr, struct err *e);

/** container_exact_copy_up() - copy what is below the directory @from to @to */
must_check int container_exact_copy_up(int from, int to, struct err *e);

/** container_cgroup_mount() - the hierarchies as this cgroup namespace shows them, at
 * @at
 * @attr: MOUNT_ATTR_* of the mounts
 * @useful_only: of v1 those that a program sizes itself by, else all of them */
must_check int container_cgroup_mount(int at, unsigned attr, bool useful_only,
				      struct err *e);

/** container_dev_mount() - /dev with its nodes, pts, shm and mqueue, on the directory @at
 */
must_check int container_dev_mount(int at, uint64_t shm_bytes, struct err *e);

/** container_masks_proc() - hide and write-protect what leaks or steers the host in @proc
 */
must_check int container_masks_proc(int proc, struct err *e);
/** container_masks_sys() - the same for @sys */
must_check int container_masks_sys(int sys, struct err *e);

/** container_sysctl_apply() - defaults and the spec's, through @proc while it is writable
 */
must_check int container_sysctl_apply(const struct container_spec *s, int proc,
				      struct err *e);

#endif
