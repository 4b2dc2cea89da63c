/* tests/fuzz/fuzz_container_profile.c - somebody's seccomp profile: a filter or an error.
 */
#include <stdint.h>

#include "runtime/base/str.h"
#include "runtime/container/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_FREE char *text = str_ndup((const char *)data, n);
	struct err e = ERR_INIT;

	if ((container_seccomp_check(text, &e) < 0) != (e.code != 0))
		abort();
	return 0;
}
