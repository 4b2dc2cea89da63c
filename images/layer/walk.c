/*
 * images/layer/walk.c - a path inside a layer, as if the container's root were there.
 *
 * Knows symlinks, whiteouts, opaque directories, and what is made where a directory is
 * missing. Every step is one component below an fd.
 */
#include "images/layer/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "images/layer/tarname.h"
#include "runtime/base/fd.h"

enum {
	LINKS_MAX = 40,                  /* as the kernel's own limit */
	REST_MAX = 2 * (TARNAME_MAX + 1) /* what is left to walk, symlinks put in */
};

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

int tree_walk(struct tree *t, const char *name, bool *ret_hidden, struct err *e)
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
