/* Image names: the familiar form is its own familiar form, and a safe file name. */
#include <stdint.h>
#include <string.h>

#include "images/refname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = str_ndup((const char *)data, size), *file = NULL;
	AUTO_FREE char *back = NULL;
	AUTO_REFNAME struct refname ref = { NULL, NULL }, again = { NULL, NULL };

	if (!refname_parse(text, &ref))
		return 0;
	file = refname_file(ref.name);
	back = refname_from_file(file);
	if (strchr(file, '/') || file[0] == '.' || !str_eq(back, ref.name) ||
	    !refname_parse(ref.name, &again) || !str_eq(again.name, ref.name))
		abort();
	return 0;
}
