/* tests/fuzz/fuzz_container_spec.c - a stored spec, perhaps damaged; what parses is
 * stable. */
#include <stdint.h>

#include "runtime/container/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_JSON json_t *j = NULL, *a = NULL, *b = NULL;
	struct container_spec s, t;
	struct err e = ERR_INIT;

	if (json_parse((const char *)data, n, "input", &j, &e) < 0)
		return 0;
	container_spec_init(&s);
	container_spec_init(&t);
	if (container_spec_parse(j, &s, &e) == 0) {
		a = container_spec_format(&s);
		if (container_spec_parse(a, &t, &e) < 0)
			abort();
		b = container_spec_format(&t);
		if (!json_equal(a, b))
			abort();
	}
	container_spec_free(&s);
	container_spec_free(&t);
	return 0;
}
