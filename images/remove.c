/*
 * images/remove.c - names taken away, then images without names, then layers without
 * images.
 *
 * Order matters for a kill in between: what is left over is at worst an image without a
 * name.
 */
#include "images/find.h"
#include "images/record.h"
#include "images/refname.h"
#include "images/store.h"
#include "runtime/base/fd.h"

static void free_image(struct image **img)
{
	image_free(*img);
}

/* What can no longer be read can still be removed. */
static int read_image(struct image_store *s, const char *hex, struct image **ret,
		      struct err *e)
{
	int r = record_read(s, hex, ret, e);

	if (r >= 0)
		return r;
	err_clear(e);
	return record_read_names(s, hex, ret, e);
}

/* @ret_gone: not only a name was taken away, so layers may be rubbish now */
static int remove_ref(struct image_store *s, const char *ref, const struct strv *used_ids,
		      bool *ret_gone, struct err *e)
{
	AUTO_REFNAME struct refname name = { NULL, NULL };
	AUTO(free_image) struct image *img = NULL;
	AUTO_FREE char *hex = NULL;
	AUTO_CLOSE int lock = -1;
	bool by_name;
	int r = store_lock_names(s, &lock, e);

	if (r == 0)
		r = find_hex(s, ref, &hex, &by_name, e);
	if (r == 0)
		r = read_image(s, hex, &img, e);
	if (r != 0)
		return r;
	if (by_name && img->names.n > 1 && refname_parse(ref, &name))
		return record_unname(s, name.name, e);
	if (used_ids && strv_has(used_ids, img->id))
		return IMAGE_E_IN_USE;
	*ret_gone = true;
	return record_drop(s, img, e);
}

int image_remove(struct image_store *s, const char *ref, const struct strv *used_ids,
		 struct err *e)
{
	bool gone = false;
	int r = remove_ref(s, ref, used_ids, &gone, e);

	if (r == 0 && gone)
		r = store_collect(s, e);
	return r < 0 ? err_ctx(e, "remove image '%s'", ref) : r;
}
