/* images/layer/tree.c - see tree.h. */
#include "images/layer/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "images/layer/tarname.h"
#include "runtime/base/fd.h"

#define XATTR_OPAQUE "trusted.overlay.opaque"

void tree_init(struct tree *t, int root, int below, enum tree_mode mode)
{
	*t = (struct tree){ .root = root, .below = below, .mode = mode, .dir = -1 };
	t->acl = mode == TREE_ABOVE; /* those below may have one */
}

void tree_forget(struct tree *t)
{
	fd_auto_close(&t->dir);
	t->dir = -1;
	free(t->dir_name);
	t->dir_name = NULL;
}

char *tree_path(const struct tree *t, const char *base)
{
	return t->dir_path.len ? str_fmt("%s/%s", t->dir_path.data, base) : str_dup(base);
}

void tree_free(struct tree *t)
{
	tree_forget(t);
	buf_free(&t->dir_path);
	strv_free(&t->whiteouts);
	tdestroy(t->links, free);
	strv_free(&t->copied);
	for (size_t i = 0; i < t->n_times; i++)
		free(t->times[i].path);
	free(t->times);
}

bool tree_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

int tree_set_opaque(int fd, struct err *e)
{
	return fsetxattr(fd, XATTR_OPAQUE, "y", 1, 0) < 0
		       ? err_set(e, errno, "set '%s'", XATTR_OPAQUE)
		       : 0;
}

bool tree_is_opaque(int fd)
{
	char value;

	return fgetxattr(fd, XATTR_OPAQUE, &value, 1) == 1 && value == 'y';
}

void tree_forget_acls(int fd)
{
	(void)fremovexattr(fd, "system.posix_acl_access");
	(void)fremovexattr(fd, "system.posix_acl_default");
}

int tree_mkdir(int dir, const char *base, bool opaque, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd = -1;

	if (mkdirat(dir, base, 0755) < 0)
		return err_set(e, errno, "mkdir '%s'", base);
	fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* chown: a set-gid parent would pass on its group; chmod: the umask is not ours
	 * to set */
	if (fd < 0 || fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0)
		return err_set(e, errno, "mkdir '%s'", base);
	tree_forget_acls(fd);
	if (opaque && tree_set_opaque(fd, e) < 0)
		return -e->code;
	*ret_fd = fd_take(&fd);
	return 0;
}

static int copy_xattr(int from, int to, const char *name, struct err *e)
{
	char value[XATTR_SIZE_MAX];
	ssize_t n = fgetxattr(from, name, value, sizeof(value));

	if (n < 0 || fsetxattr(to, name, value, (size_t)n, 0) < 0)
		return errno == ENODATA ? 0 : err_set(e, errno, "copy xattr '%s'", name);
	return 0;
}

int tree_copy_attrs(int from, int to, struct err *e)
{
	AUTO_FREE char *list = mem_new(1, XATTR_LIST_MAX);
	ssize_t n = flistxattr(from, list, XATTR_LIST_MAX);
	struct stat st;
	int r = 0;

	if (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
	    fchmod(to, st.st_mode & 07777) < 0)
		return err_set(e, errno, "copy the owner and mode");
	for (const char *p = list; r == 0 && n > 0 && p < list + n; p += strlen(p) + 1)
		if (!str_starts(p, "trusted.overlay.") && !str_starts(p, "user.overlay."))
			r = copy_xattr(from, to, p, e);
	return r;
}

void tree_late_mtime(struct tree *t, const char *path, struct timespec mtime)
{
	/* one entry per run of the same name: hostile layers repeat one a million times
	 */
	if (t->n_times && str_eq(t->times[t->n_times - 1].path, path)) {
		t->times[t->n_times - 1].mtime = mtime;
		return;
	}
	if ((t->n_times & (t->n_times - 1)) == 0)
		t->times = mem_grow(t->times, t->n_times ? 2 * t->n_times : 1,
				    sizeof(*t->times));
	t->times[t->n_times++] = (struct tree_time){ str_dup(path), mtime };
	t->remembered += strlen(path) + sizeof(*t->times);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(a, b);
}

void tree_note_link(struct tree *t, const char *path)
{
	char *copy = str_dup(path), **found = tsearch(copy, &t->links, by_path);

	if (!found)
		abort(); /* out of memory, as in base/str.h */
	if (*found != copy)
		free(copy);
	t->remembered += strlen(path) + 4 * sizeof(path);
}

bool tree_forget_link(struct tree *t, const char *path)
{
	char **found = tfind(path, &t->links, by_path), *owned;

	if (!found)
		return false;
	owned = *found;
	tdelete(path, &t->links, by_path);
	free(owned);
	return true;
}

void tree_late_whiteout(struct tree *t, const char *path)
{
	strv_add(&t->whiteouts, path);
	t->remembered += strlen(path) + sizeof(path);
}

/* Is the directory of @path, or one above it, opaque? */
static bool below_opaque(struct tree *t, const char *path)
{
	AUTO_FREE char *dir = tarname_dir(path);

	for (;;) {
		AUTO_CLOSE int fd = fd_open_beneath(t->root, *dir ? dir : ".",
						    O_RDONLY | O_DIRECTORY, 0);
		char *up;

		if (fd >= 0 && tree_is_opaque(fd))
			return true;
		if (!*dir)
			return false;
		up = tarname_dir(dir);
		free(dir);
		dir = up;
	}
}

static bool hides_something(struct tree *t, const char *path)
{
	AUTO_CLOSE int fd = -1;

	if (t->mode == TREE_BOTTOM || below_opaque(t, path))
		return false;
	if (t->mode == TREE_ALONE)
		return true; /* who knows */
	fd = fd_open_beneath(t->below, path, O_PATH | O_NOFOLLOW, 0);
	return fd >= 0;
}

static void drop_whiteout(struct tree *t, const char *path)
{
	AUTO_FREE char *name = tarname_dir(path);
	AUTO_CLOSE int dir =
		fd_open_beneath(t->root, *name ? name : ".", O_RDONLY | O_DIRECTORY, 0);
	const char *base = tarname_base(path);
	struct stat st;

	if (dir >= 0 && fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    tree_is_whiteout(&st) && !hides_something(t, path)) {
		(void)unlinkat(dir, base, 0);
		/* on top of others the same layer would need it */
		t->depends = t->depends || t->mode == TREE_BOTTOM;
	}
}

static void set_mtimes(struct tree *t)
{
	for (size_t i = 0; i < t->n_times; i++) {
		const char *path = *t->times[i].path ? t->times[i].path : ".";
		AUTO_CLOSE int fd =
			fd_open_beneath(t->root, path, O_RDONLY | O_DIRECTORY, 0);
		struct timespec ts[2] = { t->times[i].mtime, t->times[i].mtime };

		if (fd >= 0)
			(void)futimens(fd, ts);
	}
}

void tree_finish(struct tree *t)
{
	strv_foreach (i, &t->whiteouts)
		drop_whiteout(t, t->whiteouts.v[i]);
	set_mtimes(t);
}
