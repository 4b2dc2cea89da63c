/*
 * images/layer/copyup.c - files of the layers below, or of this one, copied.
 *
 * Knows that a hard link needs its target's file in the same layer.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>

#include "images/layer/walk.h"
#include "runtime/base/fd.h"

static int copy_data(int from, int to, off_t size, struct err *e)
{
	while (size > 0) {
		/* not copy_file_range: from overlayfs to its own layer it is EXDEV */
		ssize_t n = sendfile(to, from, NULL, (size_t)size);

		if (n < 0)
			return err_set(e, errno, "copy it from the layers below");
		if (n == 0)
			break;
		size -= n;
	}
	return 0;
}

static int copy_file(struct tree *t, const char *path, const char *base, struct err *e)
{
	AUTO_CLOSE int from = fd_open_beneath(t->below, path, O_RDONLY | O_NOFOLLOW, 0);
	AUTO_CLOSE int to = -1;
	struct timespec ts[2];
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return err_set(e, errno, "open '%s' of the layers below", path);
	to = openat(t->dir, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (to < 0)
		return err_set(e, errno, "create '%s'", base);
	r = copy_data(from, to, st.st_size, e);
	if (r == 0)
		r = tree_copy_attrs(from, to, e);
	ts[0] = ts[1] = st.st_mtim;
	if (r == 0 && futimens(to, ts) < 0)
		r = err_set(e, errno, "set the time of '%s'", base);
	return r;
}

static int copy_symlink(struct tree *t, int from, const char *base, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, "", target, sizeof(target) - 1);
	struct timespec ts[2];
	struct stat st;

	if (n < 0 || fstat(from, &st) < 0)
		return err_set(e, errno, "read the symlink '%s'", base);
	target[n] = '\0';
	ts[0] = ts[1] = st.st_mtim;
	if (symlinkat(target, t->dir, base) < 0 ||
	    fchownat(t->dir, base, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(t->dir, base, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "copy the symlink '%s'", base);
	return 0;
}

int tree_copy_up(struct tree *t, const char *base, struct err *e)
{
	AUTO_FREE char *name = str_dup(t->dir_name), *path = NULL;
	AUTO_CLOSE int from = -1;
	bool hidden = false;
	struct stat st;
	int r;

	if (t->mode == TREE_ALONE)
		return TREE_E_DEPENDS;
	r = tree_walk(t, name, &hidden, e);
	if (r != 0)
		return r;
	path = tree_path(t, base);
	if (t->mode == TREE_ABOVE && !hidden)
		from = fd_open_beneath(t->below, path, O_PATH | O_NOFOLLOW, 0);
	if (from < 0 || fstat(from, &st) < 0)
		return err_set(e, ENOENT, "its hard link's target '%s'", path);
	strv_add(&t->copied, path);
	if (S_ISREG(st.st_mode))
		return copy_file(t, path, base, e);
	if (S_ISLNK(st.st_mode))
		return copy_symlink(t, from, base, e);
	return err_msg(e, EINVAL, "its hard link's target '%s' is no file", path);
}

int tree_copy_content(int from_dir, const char *from, int to_dir, const char *to,
		      struct err *e)
{
	AUTO_CLOSE int in = openat(from_dir, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int out =
		openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) < 0)
		return err_set(e, errno, "copy '%s'", from);
	return copy_data(in, out, st.st_size, e);
}
