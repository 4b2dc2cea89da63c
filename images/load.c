/*
 * images/load.c - an archive into the store.
 *
 * Knows the order of things: what the archive holds, its layers side by side in threads,
 * those that depend on others on top of these, then the record and the names. Does not
 * know formats.
 */
#include "images/load.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "images/archive/archive_image.h"
#include "images/archive/descriptor.h"
#include "images/imgconf.h"
#include "images/layer.h"
#include "images/mount.h"
#include "images/record.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"

enum { THREADS_MAX = 8, STREAMS = 3 };

struct load;

struct layer_job {
	struct load *load;
	size_t i;
	struct layer_want want;
	char *name; /* for messages: the blob's digest, else the diffID */
	char *key;
	struct layer_meta meta;
	bool cached;
	int r;
	struct err err;
};

/* One image being loaded; the mutex guards next, failed and the caller's progress
 * function. */
struct load {
	struct image_store *s;
	const struct image_progress *progress;
	struct layer_job *jobs;
	size_t n, next;
	bool failed;
	pthread_mutex_t mutex;
};

static void report(struct layer_job *j, uint64_t done, uint64_t total)
{
	const struct image_progress *p = j->load->progress;

	if (!p || !p->layer)
		return;
	pthread_mutex_lock(&j->load->mutex);
	p->layer(p->arg, j->i, j->load->n, j->name, done, total, j->cached);
	pthread_mutex_unlock(&j->load->mutex);
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct layer_job *j = arg;

	if (j->want.open) /* a stream does not know its own length */
		total = j->want.blob.size;
	/* all of it is said once, when it is also unpacked */
	report(j, total && done >= total ? total - 1 : done, total);
}

static void run_job(struct layer_job *j)
{
	uint64_t total = j->want.blob.size;

	j->r = layer_ensure(j->load->s, &j->want, &j->key, &j->meta, &j->cached, &j->err);
	if (j->r == 0)
		report(j, total, total);
}

static void *work(void *arg)
{
	struct load *l = arg;

	for (;;) {
		struct layer_job *j = NULL;

		pthread_mutex_lock(&l->mutex);
		if (!l->failed && l->next < l->n)
			j = &l->jobs[l->next++];
		pthread_mutex_unlock(&l->mutex);
		if (!j)
			return NULL;
		run_job(j);
		if (j->r < 0) {
			pthread_mutex_lock(&l->mutex);
			l->failed = true;
			pthread_mutex_unlock(&l->mutex);
		}
	}
}

/* Layers know nothing of each other at first, so each core takes the next one. */
static int run_jobs(struct load *l, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[THREADS_MAX];
	size_t want = cores > 1 ? (size_t)cores - 1 : 0, n = 0;

	/* what comes over a network keeps a core busy now and then only */
	if (l->n && l->jobs[0].want.open && want < STREAMS - 1)
		want = STREAMS - 1;
	while (n < want && n < THREADS_MAX && n + 1 < l->n &&
	       pthread_create(&threads[n], NULL, work, l) == 0)
		n++;
	work(l);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < l->n; i++)
		if (l->jobs[i].r < 0) {
			*e = l->jobs[i].err;
			return err_ctx(e, "layer '%s'", l->jobs[i].name);
		}
	return 0;
}

static int mount_below(struct load *l, size_t n, int *ret_fd, struct err *e)
{
	struct strv keys = { mem_new(n + 1, sizeof(char *)), n };
	int r;

	for (size_t i = 0; i < n; i++)
		keys.v[i] = l->jobs[i].key;
	r = mount_layers(l->s, &keys, ret_fd, e);
	free(keys.v); /* the strings are the jobs' */
	return r < 0 ? err_ctx(e, "mount the layers below") : r;
}

static int redo_above(struct load *l, size_t i, struct err *e)
{
	struct layer_job *j = &l->jobs[i];
	AUTO_CLOSE int below = -1;
	int r = mount_below(l, i, &below, e);

	if (r == 0) {
		free(TAKE(j->key));
		j->want.below = below;
		run_job(j);
		j->want.below = -1;
		r = j->r;
		*e = j->err;
	}
	return r < 0 ? err_ctx(e, "layer '%s'", j->name) : r;
}

/* What depends on the layers below is done anew, bottom up, now that those are there. A
 * layer that says nothing of the root depends on them if the root below is not what a
 * layer's root is by default: overlayfs shows the uppermost one. */
static int settle_dependent(struct load *l, struct err *e)
{
	bool plain = true;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct layer_job *j = &l->jobs[i];

		if (j->r == TREE_E_DEPENDS || (!plain && !j->meta.root && i > 0))
			r = redo_above(l, i, e);
		plain = j->meta.root_plain;
	}
	return r;
}

static void init_jobs(struct load *l, const struct archive_image *ai,
		      const struct image *img)
{
	l->n = ai->n_layers;
	l->jobs = mem_new(l->n + 1, sizeof(*l->jobs));
	for (size_t i = 0; i < l->n; i++) {
		struct layer_job *j = &l->jobs[i];
		const struct archive_layer *al = &ai->layers[i];

		j->load = l;
		j->i = i;
		j->want = (struct layer_want){ .blob = al->blob,
					       .open = al->open,
					       .open_arg = al->open_arg,
					       .digest = al->has_digest ? &al->digest
									: NULL,
					       .bottom = i == 0,
					       .below = -1,
					       .progress = on_progress,
					       .arg = j };
		if (digest_parse(img->diff_ids.v[i], &j->want.diff_id))
			digest_chain(i ? &l->jobs[i - 1].want.chain_id : NULL,
				     &j->want.diff_id, &j->want.chain_id);
		j->name = al->has_digest ? digest_text(&al->digest)
					 : str_dup(img->diff_ids.v[i]);
	}
}

static void free_jobs(struct load *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->jobs[i].name);
		free(l->jobs[i].key);
	}
	free(l->jobs);
}

static int load_layers(struct image_store *s, const struct image_progress *p,
		       const struct archive_image *ai, struct image *img, struct err *e)
{
	struct load l = { .s = s, .progress = p, .mutex = PTHREAD_MUTEX_INITIALIZER };
	int r;

	init_jobs(&l, ai, img);
	r = run_jobs(&l, e);
	if (r == 0)
		r = settle_dependent(&l, e);
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		strv_add(&img->layers, l.jobs[i].key);
		img->size_bytes += l.jobs[i].meta.bytes;
	}
	free_jobs(&l);
	return r;
}

static void free_image(struct image **img)
{
	image_free(*img);
}

static int load_one(struct image_store *s, const struct image_progress *p,
		    const struct archive_image *ai, struct image **ret, struct err *e)
{
	AUTO(free_image) struct image *img = mem_new(1, sizeof(*img));
	AUTO_BUF struct buf answer = BUF_INIT;
	int r = imgconf_parse(s, ai->config.data, ai->config.len, &answer, img, e);

	if (r < 0)
		return r;
	if (img->diff_ids.n != ai->n_layers)
		return err_msg(e, EINVAL, "it has %zu layers, its config says %zu",
			       ai->n_layers, img->diff_ids.n);
	if (*img->architecture && !descriptor_is_host(img->architecture))
		log_warn("image '%s' is for %s: its programs may not run here",
			 ai->names.n ? ai->names.v[0] : img->id, img->architecture);
	strv_copy(&img->names, &ai->names);
	r = load_layers(s, p, ai, img, e);
	if (r == 0)
		r = record_write(s, img, &ai->config, &answer, ai->manifest, e);
	if (r == 0) /* read back: it may have had other names before */
		r = record_read(s, img->id + strlen("sha256:"), ret, e);
	if (r == IMAGE_E_NOT_FOUND) { /* someone has removed it already */
		*ret = TAKE(img);
		r = 0;
	}
	return r;
}

/* An archive may list one image under several names. */
static bool merge(struct image **v, size_t n, struct image *img)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i]->id, img->id)) {
			image_free(v[i]);
			v[i] = img;
			return true;
		}
	return false;
}

static int load_all(struct image_store *s, const struct image_progress *p,
		    const struct archive_images *list, struct image ***ret, size_t *n,
		    struct err *e)
{
	struct image **v = mem_new(list->n + 1, sizeof(*v));
	size_t done = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		struct image *img = NULL;

		r = load_one(s, p, &list->v[i], &img, e);
		if (r == 0 && !merge(v, done, img))
			v[done++] = img;
	}
	if (r == 0) {
		*ret = v;
		*n = done;
		return 0;
	}
	for (size_t i = 0; i < done; i++)
		image_free(v[i]);
	free(v);
	return r;
}

/* Several descriptors of one manifest are one image with several names. */
static size_t count_distinct(const struct archive_images *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= list->v[i].config.len == list->v[k].config.len &&
				memcmp(list->v[i].config.data, list->v[k].config.data,
				       list->v[i].config.len) == 0;
		n += !seen;
	}
	return n;
}

int load_images(struct image_store *s, const struct archive_images *list,
		const struct image_progress *p, struct image ***ret, size_t *n,
		struct err *e)
{
	struct err ignored = ERR_INIT;
	int lock = -1, r = fd_lock(s->root, "load.lock", false, true, &lock, e);

	image_store_set_limit(s, s->unpacked_max); /* begins anew */
	if (r == 0)
		r = load_all(s, p, list, ret, n, e);
	fd_auto_close(&lock);
	if (r < 0) /* layers that were good but now belong to nothing */
		(void)!store_collect(s, &ignored);
	return r;
}

/* What `up` means by an archive must be one image. */
static int check_single(const struct archive_images *list, struct err *e)
{
	size_t n = count_distinct(list);

	return n == 1 ? 0
		      : err_msg(e, EINVAL,
				"it holds %zu images: `load` it and write the name of "
				"the one meant",
				n);
}

int load_foresee(struct image_store *s, int dir, const char *path, char **ret_id,
		 struct err *e)
{
	struct archive_images list = { NULL, 0 };
	struct source *src = NULL;
	int r = source_open(s, dir, path, &src, e);

	if (r == 0)
		r = archive_images_read(src, &list, e);
	if (r == 0)
		r = check_single(&list, e);
	if (r == 0) {
		struct digest d;

		digest_of(DIGEST_SHA256, list.v[0].config.data, list.v[0].config.len, &d);
		*ret_id = digest_text(&d);
	}
	archive_images_free(&list);
	source_free(src);
	return r < 0 ? err_ctx(e, "archive '%s'", path) : 0;
}

static int load_source(struct image_store *s, struct source *src,
		       const struct image_progress *p, bool single, struct image ***ret,
		       size_t *n, struct err *e)
{
	struct archive_images list = { NULL, 0 };
	int r = archive_images_read(src, &list, e);

	if (r == 0 && single)
		r = check_single(&list, e);
	if (r == 0)
		r = load_images(s, &list, p, ret, n, e);
	archive_images_free(&list);
	return r;
}

int load_archive(struct image_store *s, int dir, const char *path,
		 const struct image_progress *p, bool single, struct image ***ret,
		 size_t *n, struct err *e)
{
	struct source *src = NULL;
	int r = source_open(s, dir, path, &src, e);

	if (r == 0)
		r = load_source(s, src, p, single, ret, n, e);
	source_free(src);
	return r < 0 ? err_ctx(e, "archive '%s'", path) : 0;
}

int image_load(struct image_store *s, int dir, const char *path,
	       const struct image_progress *p, struct image ***ret, size_t *n,
	       struct err *e)
{
	return load_archive(s, dir, path, p, false, ret, n, e);
}
