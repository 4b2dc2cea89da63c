/* Replies of services to healthchecks: the first byte chooses the protocol, bit 7 the
 * end. */
#include <stdlib.h>
#include <string.h>

#include "runtime/supervisor/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum sup_health kinds[] = { SUP_HEALTH_HTTP, SUP_HEALTH_POSTGRES,
						 SUP_HEALTH_REDIS, SUP_HEALTH_TCP };
	char why[160] = "";
	char *copy;
	bool eof;

	if (size == 0)
		return 0;
	eof = data[0] & 0x80;
	copy = mem_new(size, 1); /* of the exact size, so that a byte beyond is found */
	memcpy(copy, data + 1, size - 1);
	if (size - 1 <= PROBE_REPLY_MAX &&
	    probe_judge(kinds[data[0] & 3], copy, size - 1, eof, why) == PROBE_MORE &&
	    eof)
		abort();
	if (!memchr(why, '\0', sizeof(why)))
		abort();
	free(copy);
	return 0;
}
