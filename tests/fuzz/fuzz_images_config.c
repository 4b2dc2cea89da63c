/* The image configuration's JSON, and the same bytes as an image name. */
#include <stdint.h>
#include <string.h>

#include "images/imgconf.h"
#include "images/refname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = str_ndup((const char *)data, size), *file = NULL,
		       *back = NULL;
	struct image *img = mem_new(1, sizeof(*img));
	AUTO_REFNAME struct refname ref = { NULL, NULL }, again = { NULL, NULL };
	struct err e = ERR_INIT;

	if ((imgconf_parse((const char *)data, size, img, &e) < 0) != (e.code != 0))
		abort();
	image_free(img);
	if (!refname_parse(text, &ref))
		return 0;
	/* the familiar form is its own familiar form, and a safe file name */
	file = refname_file(ref.name);
	back = refname_from_file(file);
	if (strchr(file, '/') || file[0] == '.' || !str_eq(back, ref.name) ||
	    !refname_parse(ref.name, &again) || !str_eq(again.name, ref.name))
		abort();
	return 0;
}
