/*
 * images/df.c - what the store takes up on the disk.
 *
 * Knows the store's directories. Everything below them is in exactly one of the sums.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "images/record.h"
#include "images/store.h"
#include "runtime/base/fd.h"

/* The layers' keys of all images, an image's own doubles left out. */
static int used_keys(struct image_store *s, size_t *ret_images, struct strv *ret,
		     struct err *e)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = fd_list(s->images, ".", &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_STRV struct strv keys = STRV_INIT;
		struct err damaged = ERR_INIT; /* its layers count as unused */

		if (record_layers(s, ids.v[i], &keys, &damaged) < 0)
			continue;
		strv_foreach (k, &keys) {
			bool twice = false;

			for (size_t j = 0; j < k; j++)
				twice |= str_eq(keys.v[j], keys.v[k]);
			if (!twice)
				strv_add(ret, keys.v[k]);
		}
	}
	*ret_images = ids.n;
	return r;
}

static int df_layers(struct image_store *s, struct du *d, const struct strv *used,
		     struct image_df *ret, struct err *e)
{
	AUTO_STRV struct strv keys = STRV_INIT;
	struct stat st;
	int r = fd_list(s->layers, ".", &keys, e);

	if (r == 0 && fstat(s->layers, &st) < 0)
		r = err_set(e, errno, "stat 'layers'");
	if (r == 0)
		ret->layer_bytes += (uint64_t)st.st_blocks * DU_BLOCK;
	for (size_t i = 0; r == 0 && i < keys.n; i++) {
		uint64_t bytes = 0;
		size_t users = 0;

		r = du_tree(d, s->layers, keys.v[i], &bytes, e);
		ret->layer_bytes += bytes;
		if (keys.v[i][0] == '.')
			continue;
		strv_foreach (k, used)
			users += str_eq(used->v[k], keys.v[i]);
		ret->layers++;
		ret->shared_bytes += users > 1 ? bytes : 0;
		ret->unused_bytes += users == 0 ? bytes : 0;
	}
	return r;
}

int image_df(struct image_store *s, struct du *d, struct image_df *ret, struct err *e)
{
	static const char *const small[] = { "images", "refs", "sources" };
	AUTO_STRV struct strv used = STRV_INIT;
	int r;

	*ret = (struct image_df){ 0 };
	r = used_keys(s, &ret->images, &used, e);
	if (r == 0)
		r = df_layers(s, d, &used, ret, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(small); i++)
		r = du_tree(d, s->root, small[i], &ret->image_bytes, e);
	if (r == 0)
		r = du_tree(d, s->root, "tmp", &ret->tmp_bytes, e);
	return r;
}
