/*
 * images/prune.c - images nobody uses, and layers no image has, go together.
 *
 * Knows ages, names and room on the disk. Does not know who uses an image.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/record.h"
#include "images/store.h"
#include "runtime/base/du.h"
#include "runtime/base/fd.h"

struct prune {
	struct image_store *s;
	const struct image_prune_opts *o;
	struct image_pruned *ret;
	struct du du;
};

void image_pruned_free(struct image_pruned *p)
{
	for (size_t i = 0; i < p->n; i++)
		image_free(p->images[i]);
	free(p->images);
	*p = (struct image_pruned){ 0 };
}

/* When it was last loaded: what its config calls "created" is whatever its builder says.
 */
static uint64_t loaded_ns(struct image_store *s, const struct image *img)
{
	AUTO_FREE char *path = str_fmt("%s/record.json", img->id + strlen("sha256:"));
	struct stat st;

	if (fstatat(s->images, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return UINT64_MAX; /* not known: keep it */
	return (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
}

static bool may_go(const struct prune *p, const struct image *img)
{
	if (img->names.n && !p->o->all)
		return false;
	if (p->o->used_ids && strv_has(p->o->used_ids, img->id))
		return false;
	return p->o->since_ns == UINT64_MAX || loaded_ns(p->s, img) <= p->o->since_ns;
}

static int prune_image(struct prune *p, const struct image *img, struct err *e)
{
	int r = du_tree(&p->du, p->s->images, img->id + strlen("sha256:"), &p->ret->bytes,
			e);

	return r < 0 || p->o->dry_run ? r : record_drop(p->s, img, e);
}

/* @img goes to the result if it was removed, else it is freed here. */
static int consider(struct prune *p, struct image *img, struct err *e)
{
	int r = may_go(p, img) ? prune_image(p, img, e) : 1;

	if (r == 0) {
		p->ret->images[p->ret->n++] = img;
		return 0;
	}
	image_free(img);
	return r < 0 ? r : 0;
}

static int prune_images(struct prune *p, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct image **list = NULL;
	struct err one = ERR_INIT;
	size_t n = 0;
	int r = store_lock_names(p->s, &lock, e);

	if (r == 0)
		r = image_list(p->s, &list, &n, e);
	if (r < 0)
		return r;
	p->ret->images = mem_new(n + 1, sizeof(*p->ret->images));
	for (size_t i = 0; i < n; i++)
		if (consider(p, list[i], &one) < 0)
			err_keep_first(e, &one);
	free(list);
	return -e->code;
}

static int prune_layer(struct prune *p, const char *key, struct err *e)
{
	int r = du_tree(&p->du, p->s->layers, key, &p->ret->bytes, e);

	if (r == 0 && !p->o->dry_run)
		r = store_discard(p->s, p->s->layers, key, e);
	p->ret->layers += r == 0;
	return r;
}

static bool goes(const struct prune *p, const char *hex)
{
	for (size_t i = 0; i < p->ret->n; i++)
		if (str_eq(p->ret->images[i]->id + strlen("sha256:"), hex))
			return true;
	return false;
}

/* Layers of the images that stay; those that went are still there in a dry run. */
static int layers_to_keep(struct prune *p, struct strv *ret, struct err *e)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = fd_list(p->s->images, ".", &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		if (!goes(p, ids.v[i]))
			r = record_layers(p->s, ids.v[i], ret, e);
	return r;
}

static int prune_layers(struct prune *p, struct err *e)
{
	AUTO_STRV struct strv keys = STRV_INIT, keep = STRV_INIT;
	AUTO_CLOSE int lock = -1;
	int r = fd_lock(p->s->root, "load.lock", true, false, &lock, e);

	if (r == -EWOULDBLOCK) {
		err_clear(e);
		p->ret->layers_in_use = true;
		return 0;
	}
	if (r == 0)
		r = layers_to_keep(p, &keep, e);
	if (r == 0)
		r = fd_list(p->s->layers, ".", &keys, e);
	for (size_t i = 0; r == 0 && i < keys.n; i++)
		if (keys.v[i][0] != '.' && !strv_has(&keep, keys.v[i]))
			r = prune_layer(p, keys.v[i], e);
	return r;
}

int image_prune(struct image_store *s, const struct image_prune_opts *o,
		struct image_pruned *ret, struct err *e)
{
	struct prune p = { .s = s, .o = o, .ret = ret };
	int r;

	*ret = (struct image_pruned){ 0 };
	r = prune_images(&p, e);
	if (r == 0)
		r = prune_layers(&p, e);
	du_free(&p.du);
	return r;
}
