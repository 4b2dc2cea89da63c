/* tests/fuzz/fuzz_oci_config.c - a config.json, perhaps of a hostile bundle: taken or
 * refused, and all of it freed. */
#include <stdint.h>

#include "runtime/oci/config.h"
#include "runtime/oci/member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO_JSON json_t *j = NULL;
	struct oci_config c;
	struct err e = ERR_INIT;

	if (oci_json_parse((const char *)data, n, "input", &j, &e) < 0)
		return 0;
	oci_config_init(&c);
	if (oci_config_parse(j, "/bundle", &c, &e) == 0 &&
	    (c.spec.args.n == 0 || !c.rootfs || e.code))
		abort();
	oci_config_free(&c);
	return 0;
}
