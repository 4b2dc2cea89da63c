/* The image configuration's JSON, by the parser and by whoever reads its answer; and the
 * same bytes as such an answer, as a parser gone bad might send. */
#include <stdint.h>

#include "images/imgconf.h"
#include "tests/lib/jail_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct wire_list list, int r, struct err *e)
{
	struct image *img = mem_new(1, sizeof(*img));

	if (r == 0)
		r = imgconf_decode(list, img, e);
	if ((r < 0) != (e->code != 0))
		abort();
	image_free(img);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct buf answer = BUF_INIT, raw = BUF_INIT;
	struct wire_list list = { NULL, NULL };
	struct err e = ERR_INIT, e2 = ERR_INIT;
	int r = jail_document(NULL, WIRE_CONFIG, (const char *)data, size, &answer, &list,
			      &e);

	decode(list, r, &e);
	buf_add(&raw, data, size);
	r = wire_list(&raw, &list, &e2);
	decode(list, r, &e2);
	return 0;
}
