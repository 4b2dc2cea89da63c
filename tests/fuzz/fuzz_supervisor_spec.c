/* The compiled spec: whatever passes the check must be safe to walk. */
#include <stdlib.h>
#include <string.h>

#include "runtime/supervisor/specfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *copy = mem_new(size + 1, 1);
	const struct sup_header *h = copy;
	const struct sup_service *s = (const void *)(h + 1);

	memcpy(copy, data, size);
	if (!specfile_check(copy, size))
		for (uint32_t i = 0; i < h->n_services; i++)
			for (uint32_t d = 0; d < s[i].n_deps; d++)
				if (s[i].deps[d].service >= h->n_services ||
				    s[i].deps[d].service == i)
					abort();
	free(copy);
	return 0;
}
