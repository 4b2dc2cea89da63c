/* images/layer/compare.c - see compare.h. */
#include "images/layer/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "images/layer/tree.h"
#include "runtime/base/fd.h"

enum { CHUNK = 64 << 10 };

/* One name in both trees. */
struct pair {
	const struct compare *c;
	const char *path, *base; /* within the layer; below the two directories */
	int dir[2];              /* as it should be, as it is */
	struct stat st[2];
	struct buf what;
};

static void differs(struct pair *p, const char *attribute)
{
	buf_adds(&p->what, p->what.len ? ", " : "has another ");
	buf_adds(&p->what, attribute);
}

static void compare_stat(struct pair *p)
{
	const struct stat *a = &p->st[0], *b = &p->st[1];

	if ((a->st_mode & 07777) != (b->st_mode & 07777))
		differs(p, "mode");
	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		differs(p, "owner");
	if (S_ISREG(a->st_mode) && a->st_size != b->st_size)
		differs(p, "size");
	if (S_ISREG(a->st_mode) && a->st_nlink != b->st_nlink)
		differs(p, "number of links");
	if (a->st_rdev != b->st_rdev)
		differs(p, "device number");
	if (!tree_is_whiteout(a) && (a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
				     a->st_mtim.tv_nsec != b->st_mtim.tv_nsec))
		differs(p, "time");
}

static int compare_target(struct pair *p, struct err *e)
{
	char target[2][PATH_MAX];
	ssize_t n[2];

	if (!S_ISLNK(p->st[0].st_mode))
		return 0;
	for (int i = 0; i < 2; i++) {
		n[i] = readlinkat(p->dir[i], p->base, target[i], sizeof(target[i]));
		if (n[i] < 0)
			return err_set(e, errno, "read the symlink '%s'", p->path);
	}
	if (n[0] != n[1] || memcmp(target[0], target[1], (size_t)n[0]) != 0)
		differs(p, "target");
	return 0;
}

/* The host's own policy may label files as it likes, security.capability is the layer's.
 */
static bool counts(const char *xattr)
{
	return !str_starts(xattr, "security.") || str_eq(xattr, "security.capability");
}

/* "NAME\0LENGTH\0VALUE" of each xattr, in the names' order. */
static int read_xattrs(const struct pair *p, int which, struct buf *ret, struct err *e)
{
	AUTO_FREE char *list = mem_new(1, XATTR_LIST_MAX),
		       *value = mem_new(1, XATTR_SIZE_MAX);
	AUTO_FREE char *path = str_fmt("/proc/self/fd/%d/%s", p->dir[which], p->base);
	AUTO_STRV struct strv names = STRV_INIT;
	ssize_t n = llistxattr(path, list, XATTR_LIST_MAX);

	if (n < 0 && errno != EOPNOTSUPP)
		return err_set(e, errno, "list the xattrs of '%s'", p->path);
	for (const char *at = list; n > 0 && at < list + n; at += strlen(at) + 1)
		if (counts(at))
			strv_add(&names, at);
	strv_sort(&names);
	strv_foreach (i, &names) {
		n = lgetxattr(path, names.v[i], value, XATTR_SIZE_MAX);
		if (n < 0)
			return err_set(e, errno, "read xattr '%s' of '%s'", names.v[i],
				       p->path);
		buf_add(ret, names.v[i], strlen(names.v[i]) + 1);
		buf_add(ret, &n, sizeof(n));
		buf_add(ret, value, (size_t)n);
	}
	return 0;
}

static int compare_xattrs(struct pair *p, struct err *e)
{
	AUTO_BUF struct buf a = BUF_INIT, b = BUF_INIT;
	int r = read_xattrs(p, 0, &a, e);

	if (r == 0)
		r = read_xattrs(p, 1, &b, e);
	if (r == 0 && (a.len != b.len || (a.len && memcmp(a.data, b.data, a.len) != 0)))
		differs(p, "set of xattrs");
	return r;
}

static int compare_content(struct pair *p, struct err *e)
{
	AUTO_CLOSE int a = openat(p->dir[0], p->base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int b = openat(p->dir[1], p->base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FREE char *x = mem_new(1, CHUNK), *y = mem_new(1, CHUNK);
	ssize_t n, m;

	if (a < 0 || b < 0)
		return err_set(e, errno, "open '%s'", p->path);
	for (off_t at = 0; at < p->st[0].st_size; at += n) {
		n = pread(a, x, CHUNK, at);
		m = pread(b, y, CHUNK, at);
		if (n < 0 || m < 0)
			return err_set(e, errno, "read '%s'", p->path);
		if (n == 0)
			break;
		if (n != m || memcmp(x, y, (size_t)n) != 0) {
			differs(p, "content");
			break;
		}
	}
	return 0;
}

static int compare_pair(struct pair *p, struct err *e)
{
	int r = 0;

	if ((p->st[0].st_mode & S_IFMT) != (p->st[1].st_mode & S_IFMT)) {
		p->c->fault(p->c->arg, p->path, "is of another type");
		return 0;
	}
	compare_stat(p);
	r = compare_target(p, e);
	if (r == 0)
		r = compare_xattrs(p, e);
	if (r == 0 && S_ISREG(p->st[0].st_mode) && p->st[0].st_size == p->st[1].st_size &&
	    strv_has(p->c->content, p->path))
		r = compare_content(p, e);
	if (r == 0 && p->what.len)
		p->c->fault(p->c->arg, p->path, p->what.data);
	return r;
}

static int look(struct pair *p, int which, bool *ret_there, struct err *e)
{
	*ret_there =
		fstatat(p->dir[which], p->base, &p->st[which], AT_SYMLINK_NOFOLLOW) == 0;
	return *ret_there || errno == ENOENT ? 0
					     : err_set(e, errno, "look at '%s'", p->path);
}

/* @ret_dir: it is a directory in both, so there is more to compare */
static int compare_name(const struct compare *c, int want, int have, const char *path,
			const char *base, bool *ret_dir, struct err *e)
{
	struct pair p = { .c = c, .path = path, .base = base, .dir = { want, have } };
	bool there[2];
	int r = look(&p, 0, &there[0], e);

	*ret_dir = false;
	if (r == 0)
		r = look(&p, 1, &there[1], e);
	if (r == 0 && !there[1])
		c->fault(c->arg, path, "is missing");
	else if (r == 0 && !there[0])
		c->fault(c->arg, path, "should not be there");
	else if (r == 0) {
		*ret_dir = S_ISDIR(p.st[0].st_mode) && S_ISDIR(p.st[1].st_mode);
		r = compare_pair(&p, e);
	}
	buf_free(&p.what);
	return r;
}

static int list_both(int want, int have, struct strv *ret, struct err *e)
{
	AUTO_STRV struct strv all = STRV_INIT;
	int r = fd_list(want, ".", &all, e);

	if (r == 0)
		r = fd_list(have, ".", &all, e); /* sorts what both gave */
	strv_foreach (i, &all)
		if (i == 0 || !str_eq(all.v[i], all.v[i - 1]))
			strv_add(ret, all.v[i]);
	return r;
}

static int open_both(const struct compare *c, const char *path, int ret[2], struct err *e)
{
	const int roots[2] = { c->want, c->have };

	for (int i = 0; i < 2; i++) {
		ret[i] = fd_open_beneath(roots[i], *path ? path : ".",
					 O_RDONLY | O_DIRECTORY, 0);
		if (ret[i] < 0)
			return err_set(e, errno, "open directory '%s'", path);
	}
	return 0;
}

/* @dirs: gets the paths of directories that are in both */
static int compare_dir(const struct compare *c, const char *path, struct strv *dirs,
		       struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int want = -1, have = -1;
	int fds[2] = { -1, -1 }, r = open_both(c, path, fds, e);

	want = fds[0];
	have = fds[1];
	if (r == 0)
		r = list_both(want, have, &names, e);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *below =
			*path ? str_fmt("%s/%s", path, names.v[i]) : str_dup(names.v[i]);
		bool is_dir;

		r = compare_name(c, want, have, below, names.v[i], &is_dir, e);
		if (is_dir)
			strv_take(dirs, TAKE(below));
	}
	return r;
}

/* No directory stays open while those below it are looked at: layers may be deep. */
static int compare_below(const struct compare *c, const char *path, struct err *e)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	int r = compare_dir(c, path, &dirs, e);

	for (size_t i = 0; r == 0 && i < dirs.n; i++)
		r = compare_below(c, dirs.v[i], e);
	return r;
}

int compare_trees(const struct compare *c, struct err *e)
{
	bool is_dir;
	int r = compare_name(c, c->want, c->have, "", ".", &is_dir, e);

	return r < 0 || !is_dir ? r : compare_below(c, "", e);
}
