/*
 * base/fd.h - file descriptors, files and directory trees, always below a directory fd.
 *
 * Knows the kernel's file calls. -1 is the only "unset" fd. Every fd made here is
 * O_CLOEXEC, no symbolic link is followed in a last component unless said.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

static inline void fd_auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define AUTO_CLOSE __attribute__((cleanup(fd_auto_close)))
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/** fd_open_in_root() - openat2 with RESOLVE_IN_ROOT: @path as seen by a process chrooted
 * to @root
 * @flags: open flags; O_CLOEXEC is added. Follows symlinks inside the root, never out of
 * it. Return: an fd, or -1 with errno set (an odd one out: callers probe with it). */
int fd_open_in_root(int root, const char *path, int flags);
/** fd_open_beneath() - openat2 with RESOLVE_BENEATH | NO_SYMLINKS | NO_MAGICLINKS; else
 * as above */
int fd_open_beneath(int dir, const char *path, int flags, mode_t mode);

/** fd_read_all() - everything from @fd (at most @max bytes; more is -EFBIG) appended to
 * @ret */
must_check int fd_read_all(int fd, size_t max, struct buf *ret, const char *what,
			   struct err *e);
/** fd_read_file() - a whole file below @dir (AT_FDCWD: a plain path), at most @max bytes
 */
must_check int fd_read_file(int dir, const char *name, size_t max, struct buf *ret,
			    struct err *e);
/** fd_write_all() - all @n bytes, retrying short writes; @what names the object in the
 * error */
must_check int fd_write_all(int fd, const void *data, size_t n, const char *what,
			    struct err *e);
/** fd_write_str() - open an existing file for writing (cgroup, proc) and write @text at
 * once */
must_check int fd_write_str(int dir, const char *name, const char *text, struct err *e);
/** fd_write_file() - make a file whole: temporary name, fsync, rename over @name
 * On failure the old file is untouched and no temporary file is left. */
must_check int fd_write_file(int dir, const char *name, const void *data, size_t n,
			     mode_t mode, struct err *e);
/** fd_mkdir() - mkdir unless there, then open it as a directory (not through a symlink)
 */
must_check int fd_mkdir(int dir, const char *name, mode_t mode, int *ret_fd,
			struct err *e);
/** fd_mkdirs() - like fd_mkdir for a path with several components ("a/b/c" or "/a/b") */
must_check int fd_mkdirs(int dir, const char *path, mode_t mode, int *ret_fd,
			 struct err *e);
/** fd_rm_rf() - remove a tree without following links or crossing mounts; absent is done
 * Return: 0; -EBUSY for a mount point inside, other -errno; what could be removed is
 * gone. */
must_check int fd_rm_rf(int dir, const char *name, struct err *e);
/** fd_list() - names in a directory, without . and .., sorted; appended to @ret */
must_check int fd_list(int dir, const char *name, struct strv *ret, struct err *e);
/** fd_lock() - open (create 0600) @name and take flock on it
 * @exclusive: LOCK_EX or LOCK_SH; @wait: block, else -EWOULDBLOCK. The file stays.
 * On a read-only file system the file must be there. */
must_check int fd_lock(int dir, const char *name, bool exclusive, bool wait, int *ret_fd,
		       struct err *e);
/** fd_send() - send @n bytes and up to one fd (-1: none) over a unix socket */
must_check int fd_send(int sock, const void *data, size_t n, int fd, struct err *e);
/** fd_recv() - receive a message; *@ret_fd is -1 when none came. Return: bytes or -errno.
 */
int fd_recv(int sock, void *data, size_t n, int *ret_fd);

#endif
