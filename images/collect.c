/* images/collect.c - layers that no image has any more; see store.h. */
#include <errno.h>

#include "images/record.h"
#include "images/store.h"
#include "runtime/base/fd.h"

static int used_layers(struct image_store *s, struct strv *ret, struct err *e)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = fd_list(s->images, ".", &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = record_layers(s, ids.v[i], ret, e);
	return r;
}

int store_collect(struct image_store *s, struct err *e)
{
	AUTO_STRV struct strv used = STRV_INIT, keys = STRV_INIT;
	AUTO_CLOSE int lock = -1;
	int r = fd_lock(s->root, "load.lock", true, false, &lock, e);

	if (r == -EWOULDBLOCK) { /* a load may be about to name them; the next removal
				    looks again */
		err_clear(e);
		return 0;
	}
	if (r == 0)
		r = used_layers(s, &used, e);
	if (r == 0)
		r = fd_list(s->layers, ".", &keys, e);
	for (size_t i = 0; r == 0 && i < keys.n; i++)
		if (keys.v[i][0] != '.' && !strv_has(&used, keys.v[i]))
			r = store_discard(s, s->layers, keys.v[i], e);
	return r;
}
