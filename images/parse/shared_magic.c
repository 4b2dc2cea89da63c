/* images/parse/shared_magic.c - see magic.h; linked into minibox and minibox-parse. */
#include "images/parse/magic.h"

#include <stdint.h>
#include <string.h>

#include "runtime/base/str.h"

/* A frame to pass over, of which there are 16 kinds, may come first (RFC 8878, 3.1.2). */
#define ZSTD_SKIPPABLE 0x184d2a50u

static uint32_t magic_le32(const void *data)
{
	const unsigned char *p = data;

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

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
	if (n >= 4 && (magic_le32(data) & 0xfffffff0) == ZSTD_SKIPPABLE)
		return MAGIC_ZSTD;
	return MAGIC_PLAIN;
}

/* Blanks, then octal digits. */
static unsigned read_octal(const unsigned char *p, size_t n)
{
	unsigned v = 0;

	for (; n && *p == ' '; n--)
		p++;
	for (; n && *p >= '0' && *p <= '7'; n--)
		v = v << 3 | (*p++ - (unsigned)'0');
	return v;
}

bool magic_is_tar(const unsigned char block[MAGIC_TAR_SIZE])
{
	enum { SUM_AT = 148, SUM_SIZE = 8 };
	unsigned want = read_octal(block + SUM_AT, SUM_SIZE), sum = 0, odd = 0;

	for (size_t i = 0; i < MAGIC_TAR_SIZE; i++) {
		bool field = i >= SUM_AT && i < SUM_AT + SUM_SIZE;

		sum += field ? ' ' : block[i];
		odd += block[i] > 127 && !field; /* some add signed bytes */
	}
	return block[0] && (sum == want || sum - 256 * odd == want);
}
