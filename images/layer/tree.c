/* images/layer/tree.c - see tree.h. */
#include "images/layer/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "images/layer/tarname.h"
#include "runtime/base/fd.h"

#define XATTR_OPAQUE "trusted.overlay.opaque"

enum {
	LINKS_MAX = 40,                  /* as the kernel's own limit */
	REST_MAX = 2 * (TARNAME_MAX + 1) /* what is left to walk, symlinks put in */
};

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

/* One walk from the root along a path whose components may be missing or symlinks. */
struct walk {
	struct tree *t;
	struct buf path; /* so far, without symlinks */
	struct buf rest; /* still to walk */
	int fd;          /* of path */
	bool hidden; /* the layers below do not show here: an opaque directory was passed
		      */
	unsigned links;
};

static int walk_reopen(struct walk *w, struct err *e)
{
	int fd = fd_open_beneath(w->t->root, w->path.len ? w->path.data : ".",
				 O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return err_set(e, errno, "open '%s'", w->path.data);
	fd_auto_close(&w->fd);
	w->fd = fd;
	return 0;
}

static int walk_up(struct walk *w, struct err *e)
{
	AUTO_FREE char *up = tarname_dir(w->path.len ? w->path.data : "");

	w->path.len = 0;
	buf_adds(&w->path, up);
	return walk_reopen(w, e);
}

/* Take @fd (a directory named @name) as the new place. */
static int walk_into(struct walk *w, const char *name, int fd, struct err *e)
{
	if (w->path.len)
		buf_addc(&w->path, '/');
	buf_adds(&w->path, name);
	fd_auto_close(&w->fd);
	w->fd = fd;
	w->hidden = w->hidden || tree_is_opaque(fd);
	if (w->path.len > TARNAME_MAX)
		return err_msg(e, ENAMETOOLONG, "its path becomes too long");
	return 0;
}

static int walk_link(struct walk *w, int link, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	AUTO_BUF struct buf rest = BUF_INIT;

	if (n < 0)
		return err_set(e, errno, "read a symlink in '%s'", w->path.data);
	target[n] = '\0';
	if (++w->links > LINKS_MAX || (size_t)n + w->rest.len > REST_MAX)
		return err_set(e, ELOOP, "follow '%s'", target);
	buf_adds(&rest, target);
	buf_addc(&rest, '/');
	buf_add(&rest, w->rest.data, w->rest.len);
	buf_free(&w->rest);
	w->rest = rest;
	rest = (struct buf)BUF_INIT;
	if (target[0] != '/')
		return 0;
	w->path.len = 0;
	buf_adds(&w->path, "");
	w->hidden = tree_is_opaque(w->t->root);
	return walk_reopen(w, e);
}

static char *join(const struct buf *dir, const char *base)
{
	return dir->len ? str_fmt("%s/%s", dir->data, base) : str_dup(base);
}

/* A directory of the layers below becomes one of this layer, with the same attributes. */
static int adopt(struct walk *w, const char *path, const char *name, struct err *e)
{
	AUTO_CLOSE int from =
		fd_open_beneath(w->t->below, path, O_RDONLY | O_DIRECTORY, 0);
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return err_set(e, errno, "open '%s' of the layers below", path);
	r = tree_mkdir(w->fd, name, false, &fd, e);
	if (r == 0)
		r = tree_copy_attrs(from, fd, e);
	if (r < 0)
		return r;
	tree_late_mtime(w->t, path, st.st_mtim);
	return walk_into(w, name, fd_take(&fd), e);
}

/* Docker makes what nobody has, 0755 root; its time is fixed so that loads are
 * repeatable. */
static int invent(struct walk *w, const char *name, bool opaque, struct err *e)
{
	int fd = -1, r = tree_mkdir(w->fd, name, opaque, &fd, e);

	if (r == 0)
		r = walk_into(w, name, fd, e);
	if (r == 0)
		tree_late_mtime(w->t, w->path.data, (struct timespec){ 0, 0 });
	return r;
}

static int walk_missing(struct walk *w, const char *name, struct err *e)
{
	AUTO_FREE char *path = join(&w->path, name);
	AUTO_CLOSE int below = -1;
	struct stat st;

	if (w->hidden)
		return invent(w, name, false, e);
	if (w->t->mode == TREE_ALONE)
		return TREE_E_DEPENDS;
	if (w->t->mode == TREE_BOTTOM) {
		w->t->depends = true;
		return invent(w, name, false, e);
	}
	below = fd_open_beneath(w->t->below, path, O_PATH | O_NOFOLLOW, 0);
	if (below < 0 && errno == ENOENT)
		return invent(w, name, false, e);
	if (below < 0 || fstat(below, &st) < 0)
		return err_set(e, errno, "look up '%s' in the layers below", path);
	if (S_ISDIR(st.st_mode))
		return adopt(w, path, name, e);
	if (S_ISLNK(st.st_mode))
		return walk_link(w, below, e);
	return err_set(e, ENOTDIR, "'%s' of the layers below", path);
}

static int walk_down(struct walk *w, const char *name, struct err *e)
{
	AUTO_CLOSE int fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int dir;

	if (fd < 0 && errno == ENOENT)
		return walk_missing(w, name, e);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open '%s'", name);
	if (S_ISLNK(st.st_mode))
		return walk_link(w, fd, e);
	if (tree_is_whiteout(&st)) { /* hidden earlier in this layer, now made anew */
		if (unlinkat(w->fd, name, 0) < 0)
			return err_set(e, errno, "remove '%s'", name);
		return invent(w, name, true, e);
	}
	dir = openat(w->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, errno, "open directory '%s'", name);
	return walk_into(w, name, dir, e);
}

/* The next component of w->rest, owned by the caller; NULL at the end. */
static char *walk_next(struct walk *w)
{
	const char *p = w->rest.data + strspn(w->rest.data, "/");
	size_t n = strcspn(p, "/");
	char *name;

	if (n == 0)
		return NULL;
	name = str_ndup(p, n);
	p += n;
	w->rest.len -= (size_t)(p - w->rest.data);
	memmove(w->rest.data, p, w->rest.len + 1);
	return name;
}

static int walk_all(struct walk *w, struct err *e)
{
	int r = walk_reopen(w, e);

	w->hidden = r == 0 && tree_is_opaque(w->fd);
	while (r == 0) {
		AUTO_FREE char *name = walk_next(w);

		if (!name)
			break;
		if (str_eq(name, "."))
			continue;
		r = str_eq(name, "..") ? walk_up(w, e) : walk_down(w, name, e);
	}
	return r;
}

static int tree_walk(struct tree *t, const char *name, bool *ret_hidden, struct err *e)
{
	struct walk w = { .t = t, .fd = -1 };
	int r;

	buf_adds(&w.path, "");
	buf_adds(&w.rest, name);
	r = walk_all(&w, e);
	buf_free(&w.rest);
	if (r != 0) {
		buf_free(&w.path);
		fd_auto_close(&w.fd);
		return r;
	}
	tree_forget(t);
	buf_free(&t->dir_path);
	t->dir = w.fd;
	t->dir_path = w.path;
	t->dir_name = str_dup(name);
	*ret_hidden = w.hidden;
	return 0;
}

int tree_parent(struct tree *t, const char *name, struct err *e)
{
	bool hidden;
	int fd;

	if (t->dir >= 0 && str_eq(t->dir_name, name))
		return 0;
	/* Nearly always the directory is there and no symlink on the way: one system
	 * call. */
	fd = fd_open_beneath(t->root, *name ? name : ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return tree_walk(t, name, &hidden, e);
	tree_forget(t);
	t->dir = fd;
	t->dir_name = str_dup(name);
	t->dir_path.len = 0;
	buf_adds(&t->dir_path, name);
	return 0;
}

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
	path = join(&t->dir_path, base);
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
