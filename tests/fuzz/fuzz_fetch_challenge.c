/* WWW-Authenticate, from whoever answers. */
#include <stdint.h>
#include <string.h>

#include "images/fetch/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = str_ndup((const char *)data, size);
	struct challenge c = { 0 };

	challenge_parse(text, &c);
	if (c.scheme == CHALLENGE_NONE && (c.realm || c.service || c.scope))
		abort();
	challenge_parse(text, &c); /* a second header never takes away */
	challenge_free(&c);
	return 0;
}
