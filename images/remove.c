/*
 * images/remove.c - names taken away, then images without names, then layers without
 * images.
 *
 * Order matters for a kill in between: what is left over is at worst an image without a
 * name.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "images/find.h"
#include "images/record.h"
#include "images/refname.h"
#include "images/store.h"

static void free_image(struct image **img)
{
	image_free(*img);
}

static int untag(struct image_store *s, const char *name, struct err *e)
{
	AUTO_FREE char *file = refname_file(name);

	if (unlinkat(s->refs, file, 0) < 0 && errno != ENOENT)
		return err_set(e, errno, "remove the name '%s'", name);
	return 0;
}

static int drop(struct image_store *s, const struct image *img, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < img->names.n; i++)
		r = untag(s, img->names.v[i], e);
	if (r == 0)
		r = store_sync(s->refs, "refs", e);
	if (r == 0)
		r = store_discard(s, s->images, img->id + strlen("sha256:"), e);
	return r < 0 ? r : store_collect(s, e);
}

int image_remove(struct image_store *s, const char *ref, const struct strv *used_ids,
		 struct err *e)
{
	AUTO_REFNAME struct refname name = { NULL, NULL };
	AUTO(free_image) struct image *img = NULL;
	AUTO_FREE char *hex = NULL;
	bool by_name;
	int r = find_hex(s, ref, &hex, &by_name, e);

	if (r == 0)
		r = record_read(s, hex, &img, e);
	if (r != 0)
		return r;
	if (by_name && img->names.n > 1 && refname_parse(ref, &name))
		return untag(s, name.name, e);
	if (used_ids && strv_has(used_ids, img->id))
		return IMAGE_E_IN_USE;
	r = drop(s, img, e);
	return r < 0 ? err_ctx(e, "remove image '%s'", ref) : 0;
}
