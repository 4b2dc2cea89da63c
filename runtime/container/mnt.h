/*
 * container/mnt.h - the few things done with mount fds: private to the container room.
 *
 * Knows fsopen, open_tree, mount_setattr, move_mount. Does not know which mounts a
 * container has.
 */
#ifndef CONTAINER_MNT_H
#define CONTAINER_MNT_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "runtime/base/err.h"
#include "runtime/container/spec.h"

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x00000200
#endif

/**
 * container_mnt_fs() - a new file system as a detached mount
 * @options: "size=64k,mode=755,flag"; NULL or "": none
 * @attr:    MOUNT_ATTR_* of the mount
 */
must_check int container_mnt_fs(const char *type, const char *options, unsigned attr,
				int *ret_fd, struct err *e);
/** container_mnt_clone() - detached clone of what stands at @path below @dir ("": @dir
 * itself) */
must_check int container_mnt_clone(int dir, const char *path, bool recursive, int *ret_fd,
				   struct err *e);
/**
 * container_mnt_node() - the host's device node @path as a detached mount that is
 * read-only
 *
 * Devices are written to all the same (path_resolution(7)); but the inode is the host's,
 * and without a user namespace container root owns it: its mode would be theirs to
 * change.
 */
must_check int container_mnt_node(const char *path, int *ret_fd, struct err *e);
/** container_mnt_attach() - attach a detached mount at @name below @dir ("": @dir itself)
 */
must_check int container_mnt_attach(int tree, int dir, const char *name, struct err *e);
/** container_mnt_set() - add MOUNT_ATTR_* to a mount */
must_check int container_mnt_set(int tree, bool recursive, unsigned attr,
				 const char *what, struct err *e);
/** container_mnt_clone_bind() - a bind mount of the spec as a detached tree, attributes
 * final */
must_check int container_mnt_clone_bind(const struct container_mount *m, int userns_fd,
					int *ret_fd, struct err *e);
/**
 * container_mnt_target() - open @path inside @root, making it (and parents) where missing
 * @dir: wanted kind where it is missing. Symbolic links are followed inside the root
 * only.
 * @ret_made: may be NULL; true when the last component was made by us
 */
must_check int container_mnt_target(int root, const char *path, bool dir, int *ret_fd,
				    bool *ret_made, struct err *e);
/** container_mnt_is_proc() - whether @fd stands on a proc file system */
bool container_mnt_is_proc(int fd);

#endif
