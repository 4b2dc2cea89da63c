/*
 * stack/volume.c - named and anonymous volumes: directories below ROOT/volumes/STACK.
 *
 * On disk the ids are the container's own (0..65535); a volume is shown to containers
 * through an idmapped mount, so nothing is ever chowned and a stack may get other host
 * ids tomorrow.
 */
#include "runtime/stack/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <linux/mount.h>

#include "runtime/base/fd.h"
#include "runtime/base/fsid.h"

char *volume_path(const struct stack_host *h, const char *stack, const char *name)
{
	return str_fmt("%s/volumes/%s/%s", h->root, stack, name);
}

int volume_clone_tree(int fd, int userns_fd, bool read_only, int *ret, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	AUTO_CLOSE int tree =
		open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0)
		return err_set(e, errno, "clone a mount");
	if (userns_fd >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)userns_fd;
	}
	if (read_only)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_set(e, errno, "set attributes of a mount");
	*ret = fd_take(&tree);
	return 0;
}

/* Extended attributes of an open file or directory; what the target cannot hold is an
 * error, because a file capability or an ACL that is silently lost changes what a program
 * may do. */
static int copy_xattrs(int src, int dst, const char *name, struct err *e)
{
	char list[8192], value[16384];
	ssize_t n = flistxattr(src, list, sizeof(list));

	if (n < 0)
		return errno == ENOTSUP ? 0
					: err_set(e, errno, "list xattrs of '%s'", name);
	for (char *key = list; key < list + n; key += strlen(key) + 1) {
		ssize_t len;

		if (str_starts(key, "trusted.overlay."))
			continue;
		len = fgetxattr(src, key, value, sizeof(value));
		if (len < 0 || fsetxattr(dst, key, value, (size_t)len, 0) < 0)
			return err_set(e, errno, "copy xattr '%s' of '%s'", key, name);
	}
	return 0;
}

/* Owner before mode: chown clears setuid bits. */
static int copy_meta(int src, int dst, const char *name, const struct stat *st,
		     struct err *e)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int r;

	if (fchown(dst, st->st_uid, st->st_gid) < 0 ||
	    fchmod(dst, st->st_mode & 07777) < 0)
		return err_set(e, errno, "set owner of '%s'", name);
	r = copy_xattrs(src, dst, name, e);
	if (r == 0 && futimens(dst, times) < 0)
		r = err_set(e, errno, "set times of '%s'", name);
	return r;
}

static int copy_file(int src_dir, int dst_dir, const char *name, const struct stat *st,
		     struct err *e)
{
	AUTO_CLOSE int in = openat(src_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int out =
		openat(dst_dir, name,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	char chunk[65536];
	ssize_t n;

	if (in < 0 || out < 0)
		return err_set(e, errno, "copy '%s'", name);
	do
		n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
	while (n > 0);
	/* Older kernels and some file systems cannot: then by hand, from where it
	 * stopped. */
	while ((n = read(in, chunk, sizeof(chunk))) > 0) {
		int r = fd_write_all(out, chunk, (size_t)n, name, e);

		if (r < 0)
			return r;
	}
	if (n < 0)
		return err_set(e, errno, "read '%s'", name);
	return copy_meta(in, out, name, st, e);
}

static int copy_link(int src_dir, int dst_dir, const char *name, const struct stat *st,
		     struct err *e)
{
	char to[4097];
	ssize_t n = readlinkat(src_dir, name, to, sizeof(to) - 1);

	if (n < 0)
		return err_set(e, errno, "read link '%s'", name);
	to[n] = '\0';
	if (symlinkat(to, dst_dir, name) < 0 ||
	    fchownat(dst_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "make link '%s'", name);
	return 0;
}

static int copy_dir(int src_dir, int dst_dir, const char *name, const struct stat *st,
		    struct err *e)
{
	AUTO_CLOSE int in =
		openat(src_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int out = -1;
	int r;

	if (in < 0)
		return err_set(e, errno, "open directory '%s'", name);
	r = fd_mkdir(dst_dir, name, 0700, &out, e);
	if (r == 0)
		r = volume_tree_copy(in, out, e);
	if (r == 0)
		r = copy_meta(in, out, name, st, e);
	return r;
}

static int copy_entry(int src, int dst, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "stat '%s'", name);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_dir(src, dst, name, &st, e);
	case S_IFREG:
		return copy_file(src, dst, name, &st, e);
	case S_IFLNK:
		return copy_link(src, dst, name, &st, e);
	case S_IFIFO:
		if (mkfifoat(dst, name, st.st_mode & 07777) < 0 ||
		    fchownat(dst, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
			return err_set(e, errno, "make fifo '%s'", name);
		return 0;
	default:
		return 0; /* devices and sockets mean nothing in a volume */
	}
}

int volume_tree_copy(int src, int dst, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(src, ".", &names, e);

	strv_foreach (i, &names) {
		if (r < 0)
			break;
		r = copy_entry(src, dst, names.v[i], e);
	}
	return r;
}

int volume_fill(int dir, int root_fd, const char *target, int userns_fd, struct err *e)
{
	AUTO_CLOSE int src = fd_open_in_root(root_fd, target, O_RDONLY | O_DIRECTORY);
	AUTO_CLOSE int tree = -1, dst = -1;
	struct stat st;
	int r;

	if (src < 0) /* the image has nothing there */
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_set(e, errno, "open '%s'", target);
	r = volume_clone_tree(dir, userns_fd, false, &tree, e);
	if (r < 0)
		return r;
	dst = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dst < 0 || fstat(src, &st) < 0)
		return err_set(e, errno, "open volume directory");
	r = fsid_as_owner(dst, e);
	if (r < 0)
		return r;
	r = volume_tree_copy(src, dst, e);
	if (r == 0)
		r = copy_meta(src, dst, target, &st, e);
	fsid_restore();
	return r;
}

/* A crash in the middle of a fill must not leave half an image's data behind that the
 * next `up` takes for the user's, so the marker is there until the copy is whole. */
static int fill_once(const struct stack_host *h, const char *stack, const char *name,
		     int dir, int root_fd, const char *target, int userns_fd,
		     struct err *e)
{
	AUTO_FREE char *marker = str_fmt("volumes/%s/.filling-%s", stack, name);
	AUTO_CLOSE int fd =
		openat(h->root_fd, marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_set(e, errno, "create '%s'", marker);
	r = volume_fill(dir, root_fd, target, userns_fd, e);
	if (r == 0 && syncfs(dir) < 0)
		r = err_set(e, errno, "sync volume '%s'", name);
	if (r == 0)
		(void)unlinkat(h->root_fd, marker, 0);
	return r;
}

/* Remove what a fill that did not end left in the volume. */
static int undo_half_fill(const struct stack_host *h, const char *stack, const char *name,
			  struct err *e)
{
	AUTO_FREE char *marker = str_fmt("volumes/%s/.filling-%s", stack, name);
	AUTO_FREE char *rel = str_fmt("volumes/%s/%s", stack, name);

	if (faccessat(h->root_fd, marker, F_OK, 0) < 0)
		return 0;
	return fd_rm_rf(h->root_fd, rel, e);
}

int volume_prepare(const struct stack_host *h, const char *stack, const char *name,
		   int root_fd, const char *target, int userns_fd, bool want_fill,
		   struct err *e)
{
	AUTO_FREE char *rel = str_fmt("volumes/%s/%s", stack, name);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = -1;
	int r = undo_half_fill(h, stack, name, e);

	if (r == 0)
		r = fd_mkdirs(h->root_fd, rel, 0755, &dir, e);
	if (r == 0)
		r = fd_list(dir, ".", &names, e);
	if (r == 0 && names.n == 0 && want_fill)
		r = fill_once(h, stack, name, dir, root_fd, target, userns_fd, e);
	return r < 0 ? err_ctx(e, "volume '%s'", name) : 0;
}

int volume_remove_all(const struct stack_host *h, const char *stack, struct err *e)
{
	AUTO_FREE char *rel = str_fmt("volumes/%s", stack);

	return fd_rm_rf(h->root_fd, rel, e);
}
