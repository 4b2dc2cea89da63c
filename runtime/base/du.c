/*
 * base/du.c - see du.h.
 *
 * A tree may be deeper than files may be open: only every few levels a directory stays
 * open, those between are reached by their path from there.
 */
#include "runtime/base/du.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"

enum {
	DEPTH_MAX = 16384,
	STRIDE = 64,        /* levels from one open directory to the next */
	PATH_STRIDE = 2048, /* or bytes: the kernel takes 4095, and a name is 255 */
};

struct walk {
	struct du *du;
	uint64_t bytes, dev;
	unsigned depth;
};

void du_free(struct du *d)
{
	free(d->seen);
	*d = (struct du)DU_INIT;
}

static struct du_file *slot(const struct du *d, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino * 0x9E3779B97F4A7C15u) ^ dev;
	size_t i = (size_t)(h ^ h >> 32) & (d->cap - 1);

	while (d->seen[i].ino && (d->seen[i].ino != ino || d->seen[i].dev != dev))
		i = (i + 1) & (d->cap - 1);
	return &d->seen[i];
}

static void grow(struct du *d)
{
	struct du old = *d;

	d->cap = old.cap ? 2 * old.cap : 256;
	d->seen = mem_new(d->cap, sizeof(*d->seen));
	for (size_t i = 0; i < old.cap; i++)
		if (old.seen[i].ino)
			*slot(d, old.seen[i].dev, old.seen[i].ino) = old.seen[i];
	free(old.seen);
}

static bool counted(struct du *d, const struct stat *st)
{
	struct du_file *f;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return false;
	if (2 * (d->n + 1) > d->cap)
		grow(d);
	f = slot(d, st->st_dev, st->st_ino);
	if (f->ino)
		return true;
	*f = (struct du_file){ st->st_dev, st->st_ino };
	d->n++;
	return false;
}

/* What stands at @name counts; true if it is a directory to be looked into. */
static bool count(struct walk *w, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false; /* it has just vanished */
	if (!w->dev)
		w->dev = st.st_dev;
	if (st.st_dev != w->dev || counted(w->du, &st))
		return false;
	w->bytes += (uint64_t)st.st_blocks * DU_BLOCK;
	return S_ISDIR(st.st_mode);
}

/* Count all in the directory @dir; @ret gets the names of those below it. */
static int count_all(struct walk *w, int dir, struct strv *ret, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(dir, ".", &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (count(w, dir, names.v[i]))
			strv_add(ret, names.v[i]);
	return r;
}

static int visit(struct walk *w, int anchor, const char *path, struct err *e)
{
	AUTO_CLOSE int dir =
		fd_open_beneath(anchor, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	AUTO_STRV struct strv dirs = STRV_INIT;
	bool far = w->depth % STRIDE == 0 || strlen(path) > PATH_STRIDE;
	int r;

	if (dir < 0)
		return errno == ENOENT ? 0
				       : err_set(e, errno, "open directory '%s'", path);
	if (++w->depth > DEPTH_MAX)
		return err_msg(e, EOVERFLOW, "'%s' is nested too deep", path);
	r = count_all(w, dir, &dirs, e);
	if (!far)
		close(fd_take(&dir));
	for (size_t i = 0; r == 0 && i < dirs.n; i++) {
		AUTO_FREE char *below =
			far ? str_dup(dirs.v[i]) : str_fmt("%s/%s", path, dirs.v[i]);

		r = visit(w, far ? dir : anchor, below, e);
	}
	w->depth--;
	return r;
}

int du_tree(struct du *d, int dir, const char *name, uint64_t *bytes, struct err *e)
{
	struct walk w = { .du = d };
	int r = count(&w, dir, name) ? visit(&w, dir, name, e) : 0;

	if (r == 0)
		*bytes += w.bytes;
	return r;
}
