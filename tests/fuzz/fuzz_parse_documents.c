/* The archive's other JSON: index, manifest, oci-layout, manifest.json. Whatever is said
 * must be a whole list. */
#include <stdint.h>

#include "images/parse/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const jobs[])(const char *, size_t, struct buf *,
				   struct err *) = { job_index, job_version, job_docker,
						     job_token, job_refusal };

	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		AUTO_BUF struct buf b = BUF_INIT;
		struct err e = ERR_INIT, e2 = ERR_INIT;
		struct wire_list list;

		if ((jobs[i]((const char *)data, size, &b, &e) < 0) != (e.code != 0))
			abort();
		wire_put(&b, WIRE_END, "");
		if (wire_list(&b, &list, &e2) < 0)
			abort();
	}
	return 0;
}
