/* tests/fuzz/fuzz_cgroup_mountinfo.c - mount points may hold any byte a user chose. */
#include <stdint.h>

#include "runtime/cgroup/hier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_FREE char *text = str_ndup((const char *)data, n);
	struct cgroup_host h;

	cgroup_host_parse(text, &h);
	for (size_t i = 0; i < h.n; i++)
		free(h.hier[i].mount);
	return 0;
}
