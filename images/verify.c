/*
 * images/verify.c - is what is in the store still what was loaded?
 *
 * Knows the order: a layer's tar stream is made again from its tree, in a thread; it is
 * hashed and unpacked here once more, by the confined parser and all, but for the
 * content; then the two trees' attributes are compared. So nothing has to be said twice
 * about what an entry means.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "images/layer/compare.h"
#include "images/find.h"
#include "images/layer.h"
#include "images/mount.h"
#include "images/record.h"
#include "images/layer/split.h"
#include "images/store.h"
#include "runtime/base/fd.h"

struct check {
	struct image_store *s;
	struct image_verify *v;
	const char *image, *layer; /* at hand, for messages */
	struct strv done;          /* layers that were looked at */
};

/* A layer's stream being made. Its thread alone uses this until it is joined. */
struct replay {
	int dir, out;
	pthread_t thread;
	bool started;
	struct strv faults; /* path, what, path, what … */
	int r;
	struct err err;
};

static void fault(struct check *c, const char *path, const char *what)
{
	c->v->faults++;
	c->v->fault(c->v->arg, c->image, c->layer, path, what);
}

/* Damage is a finding; that something could not be looked at is a failure. */
static int finding(struct check *c, int r, struct err *e)
{
	if (r != -EINVAL && r != -EPROTO && r != -ENOENT)
		return r;
	fault(c, "", err_text(e));
	err_clear(e);
	return 0;
}

/* ---- the stream, made again ---- */

static int on_bytes(void *arg, const void *data, size_t n, struct err *e)
{
	struct replay *p = arg;

	return fd_write_all(p->out, data, n, "pipe", e);
}

static void on_fault(void *arg, const char *path, const char *what)
{
	struct replay *p = arg;

	strv_add(&p->faults, path);
	strv_add(&p->faults, what);
}

static void *run_replay(void *arg)
{
	struct replay *p = arg;
	struct split_reader to = { on_bytes, on_fault, p };

	p->r = split_replay(p->dir, &to, &p->err);
	close(fd_take(&p->out));
	return NULL;
}

/* For layer_want.open. The thread takes no signals; SIGPIPE of a reader that gave up
 * stays blocked. */
static int open_replay(void *arg, int *ret_fd, struct err *e)
{
	struct replay *p = arg;
	sigset_t all, old;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, errno, "make a pipe");
	p->out = ends[1];
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(&p->thread, NULL, run_replay, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	p->started = r == 0;
	if (r) {
		close(ends[0]);
		close(fd_take(&p->out));
		return err_set(e, r, "start a thread");
	}
	*ret_fd = ends[0];
	return 0;
}

/* ---- one layer ---- */

static const char *within_root(const char *path)
{
	return str_starts(path, "fs/") ? path + strlen("fs") : path;
}

static void on_difference(void *arg, const char *path, const char *what)
{
	AUTO_FREE char *full = str_fmt("/%s", path);

	fault(arg, full, what);
}

static int compare(struct check *c, int scratch, const struct strv *copied, struct err *e)
{
	AUTO_CLOSE int want = -1, have = -1;
	struct compare cmp = { .content = copied, .fault = on_difference, .arg = c };
	int r = layer_open(c->s, c->layer, &have, e);

	if (r == IMAGE_E_NOT_FOUND)
		return err_msg(e, ENOENT, "its tree is missing");
	if (r == 0)
		r = fd_mkdir(scratch, "fs", 0755, &want, e);
	cmp.want = want;
	cmp.have = have;
	return r < 0 ? r : compare_trees(&cmp, e);
}

static void compare_meta(struct check *c, const struct layer_meta *want)
{
	struct layer_meta have = { 0 };
	struct err ignored = ERR_INIT;

	if (layer_meta(c->s, c->layer, &have, &ignored) != 0 ||
	    have.bytes != want->bytes || have.root != want->root ||
	    have.root_plain != want->root_plain)
		fault(c, "", "its 'layer.json' has changed");
}

/* What the replay found explains why a digest is another; without that, it is the kept
 * stream itself that has changed. */
static void report_replay(struct check *c, const struct replay *p,
			  const struct digest *want, const struct digest *got)
{
	for (size_t i = 0; i + 1 < p->faults.n; i += 2)
		fault(c, within_root(p->faults.v[i]), p->faults.v[i + 1]);
	if (!p->faults.n && !digest_eq(want, got))
		fault(c, "", "its kept stream has changed");
}

/* Return: as layer_rebuild(), but what the replay says goes before its effects. */
static int rebuild(struct check *c, const struct layer_want *w, struct replay *p,
		   int scratch, struct strv *ret_copied, struct err *e)
{
	struct layer_meta meta;
	struct digest got;
	int r = layer_rebuild(c->s, w, scratch, &meta, ret_copied, &got, e);

	if (p->started)
		pthread_join(p->thread, NULL);
	/* EPIPE: we gave up first, for a reason of our own */
	if (p->r == SPLIT_E_NONE || (p->r < 0 && p->r != -EPIPE)) {
		err_clear(e);
		if (p->r < 0)
			*e = p->err;
		return p->r < 0 ? p->r
				: err_msg(e, EINVAL,
					  "it cannot be verified: it was loaded by an "
					  "older version");
	}
	if (r == TREE_E_DEPENDS)
		r = err_msg(e, EINVAL, "its kept stream has changed");
	if (r < 0) {
		report_replay(c, p, &w->diff_id, &w->diff_id);
		return r;
	}
	report_replay(c, p, &w->diff_id, &got);
	compare_meta(c, &meta);
	return 0;
}

static int verify_in(struct check *c, struct layer_want *w, int scratch, struct err *e)
{
	AUTO_CLOSE int dir =
		fd_open_beneath(c->s->layers, c->layer, O_RDONLY | O_DIRECTORY, 0);
	AUTO_STRV struct strv copied = STRV_INIT;
	struct replay p = { .dir = dir, .out = -1 };
	int r;

	if (dir < 0)
		return errno == ENOENT ? err_msg(e, ENOENT, "it is missing")
				       : err_set(e, errno, "open it");
	w->open = open_replay;
	w->open_arg = &p;
	r = rebuild(c, w, &p, scratch, &copied, e);
	strv_free(&p.faults);
	return r < 0 ? r : compare(c, scratch, &copied, e);
}

static int verify_layer(struct check *c, struct layer_want *w, struct err *e)
{
	AUTO_FREE char *tmp = store_tmp_name("verify");
	AUTO_CLOSE int scratch = -1;
	struct err ignored = ERR_INIT;
	int r = fd_mkdir(c->s->tmp, tmp, 0700, &scratch, e);

	if (r < 0)
		return r;
	c->v->layers++;
	r = verify_in(c, w, scratch, e);
	(void)!fd_rm_rf(c->s->tmp, tmp, &ignored); /* else the next open clears it */
	return finding(c, r, e);
}

/* ---- one image ---- */

static int mount_below(struct check *c, const struct image *img, size_t n, int *ret,
		       struct err *e)
{
	struct strv keys = { img->layers.v, n };

	return mount_layers(c->s, &keys, ret, e);
}

static int verify_nth(struct check *c, const struct image *img, size_t i, struct err *e)
{
	struct layer_want w = { .bottom = i == 0, .below = -1 };
	AUTO_CLOSE int below = -1;
	int r = 0;

	c->layer = img->layers.v[i];
	if (strv_has(&c->done, c->layer))
		return 0;
	strv_add(&c->done, c->layer);
	if (!digest_parse(img->diff_ids.v[i], &w.diff_id))
		r = err_msg(e, EINVAL, "its diffID is no digest");
	if (r == 0 && i > 0 && str_starts(c->layer, "chain-"))
		r = mount_below(c, img, i, &below, e);
	w.below = below;
	return r < 0 ? finding(c, r, e) : verify_layer(c, &w, e);
}

static void free_image(struct image **img)
{
	image_free(*img);
}

static int verify_image(struct check *c, const char *hex, struct err *e)
{
	AUTO(free_image) struct image *img = NULL;
	int r = record_read(c->s, hex, &img, e);

	c->v->images++;
	c->image = img && img->names.n ? img->names.v[0] : hex;
	c->layer = "";
	if (r == 0)
		r = record_check(c->s, hex, e);
	if (r == IMAGE_E_NOT_FOUND)
		r = err_msg(e, ENOENT, "it has gone");
	if (r < 0) {
		r = finding(c, r, e);
		if (r < 0 || !img)
			return r;
	}
	for (size_t i = 0; r == 0 && i < img->layers.n; i++)
		r = verify_nth(c, img, i, e);
	return r < 0 ? err_ctx(e, "image '%s'", c->image) : 0;
}

static int resolve(struct image_store *s, const struct strv *refs, struct strv *ret,
		   struct err *e)
{
	if (!refs->n)
		return fd_list(s->images, ".", ret, e);
	strv_foreach (i, refs) {
		AUTO_FREE char *hex = NULL;
		bool by_name;
		int r = find_hex(s, refs->v[i], &hex, &by_name, e);

		if (r == IMAGE_E_NOT_FOUND)
			return err_msg(e, ENOENT, "there is no image '%s'", refs->v[i]);
		if (r < 0)
			return r;
		if (!strv_has(ret, hex))
			strv_add(ret, hex);
	}
	return 0;
}

int image_verify(struct image_store *s, const struct strv *refs, struct image_verify *v,
		 struct err *e)
{
	struct check c = { .s = s, .v = v };
	AUTO_STRV struct strv ids = STRV_INIT;
	AUTO_CLOSE int lock = -1;
	int r = fd_lock(s->root, "load.lock", false, true, &lock, e);

	v->images = v->layers = v->faults = 0;
	if (r == 0)
		r = resolve(s, refs, &ids, e);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = verify_image(&c, ids.v[i], e);
	strv_free(&c.done);
	return r;
}
