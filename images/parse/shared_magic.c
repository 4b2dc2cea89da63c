/* images/parse/shared_magic.c - see magic.h; linked into minibox and minibox-parse. */
#include "images/parse/magic.h"

#include <string.h>

#include "runtime/base/str.h"

enum magic_form magic_form(const void *data, size_t n)
{
	static const struct {
		enum magic_form form;
		size_t at, n;
		const char *bytes;
	} magic[] = { { MAGIC_ZSTD, 0, 4, "\x28\xb5\x2f\xfd" },
		      { MAGIC_GZIP, 0, 2, "\x1f\x8b" },
		      { MAGIC_BZIP2, 4, 6, "1AY&SY" },
		      { MAGIC_XZ, 0, 6,
			"\xfd"
			"7zXZ\0" } };

	for (size_t i = 0; i < ARRAY_LEN(magic); i++)
		if (n >= magic[i].at + magic[i].n &&
		    memcmp((const char *)data + magic[i].at, magic[i].bytes,
			   magic[i].n) == 0)
			return magic[i].form;
	return MAGIC_PLAIN;
}
