/* images/usage.c - see usage.h. */
#include "images/usage.h"

#include <string.h>

#include "images/layer.h"
#include "images/store.h"

/* How many images have a layer. */
struct use {
	const char *key; /* an image's */
	unsigned images;
	struct image *last;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct use *)a)->key, ((const struct use *)b)->key);
}

/* Every layer of every image, sorted by key, each key once. */
static struct use *collect(struct image **list, size_t n, size_t *ret_n)
{
	struct use *v;
	size_t all = 0, k = 0;

	for (size_t i = 0; i < n; i++)
		all += list[i]->layers.n;
	v = mem_new(all + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		strv_foreach (j, &list[i]->layers)
			v[k++] = (struct use){ list[i]->layers.v[j], 1, list[i] };
	qsort(v, all, sizeof(*v), by_key);
	k = 0;
	for (size_t i = 0; i < all; i++) {
		if (k && str_eq(v[k - 1].key, v[i].key)) {
			/* an image may have one layer twice */
			v[k - 1].images += v[k - 1].last != v[i].last;
			v[k - 1].last = v[i].last;
		} else {
			v[k++] = v[i];
		}
	}
	*ret_n = k;
	return v;
}

void usage_unique(struct image_store *s, struct image **list, size_t n)
{
	size_t n_uses;
	struct use *v = collect(list, n, &n_uses);

	for (size_t i = 0; i < n_uses; i++) {
		struct err ignored =
			ERR_INIT; /* a layer that cannot be read counts as none */
		struct layer_meta m;

		if (v[i].images == 1 && layer_meta(s, v[i].key, &m, &ignored) == 0)
			v[i].last->unique_bytes += m.bytes;
	}
	free(v);
}
