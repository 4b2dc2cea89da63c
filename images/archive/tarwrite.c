/* images/archive/tarwrite.c - see tarwrite.h. */
#include "images/archive/tarwrite.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, NAME_SIZE = 100 };
#define SIZE_MAX_USTAR 077777777777u /* eleven octal digits */

/* IEEE 1003.1, pax, "ustar Interchange Format" */
struct ustar {
	char name[NAME_SIZE], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8];
	char typeflag, linkname[100], magic[6], version[2], uname[32], gname[32];
	char devmajor[8], devminor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a header is one block");

static void add_block(struct buf *b, const char *name, uint64_t size, char type)
{
	struct ustar h = { .typeflag = type, .magic = "ustar", .version = { '0', '0' } };
	unsigned sum = 0;

	memcpy(h.name, name, strnlen(name, sizeof(h.name)));
	memcpy(h.mode, "0000644", 8);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	memcpy(h.mtime, "00000000000", 12);
	memset(h.chksum, ' ', sizeof(h.chksum)); /* as if, while it is summed up */
	snprintf(h.size, sizeof(h.size), "%011llo",
		 (unsigned long long)(size > SIZE_MAX_USTAR ? 0 : size));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const unsigned char *)&h)[i];
	snprintf(h.chksum, sizeof(h.chksum), "%06o", sum);
	buf_add(b, &h, sizeof(h));
}

/* "LENGTH KEY=VALUE\n", where the length counts its own digits. */
static void add_record(struct buf *b, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, n = rest + 1, digits = 0;

	while (digits != n - rest) {
		digits = n - rest;
		n = rest + (size_t)snprintf(NULL, 0, "%zu", rest + digits);
	}
	buf_addf(b, "%zu %s=%s\n", n, key, value);
}

void tarwrite_header(struct buf *b, const char *name, uint64_t size)
{
	AUTO_BUF struct buf records = BUF_INIT;
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)size);
	if (strlen(name) > NAME_SIZE)
		add_record(&records, "path", name);
	if (size > SIZE_MAX_USTAR)
		add_record(&records, "size", number);
	if (records.len) {
		add_block(b, "pax", records.len, 'x');
		buf_add(b, records.data, records.len);
		tarwrite_padding(b, records.len);
	}
	add_block(b, name, size, '0');
}

void tarwrite_padding(struct buf *b, uint64_t size)
{
	static const char zeros[BLOCK];

	buf_add(b, zeros, (BLOCK - (size_t)(size % BLOCK)) % BLOCK);
}

void tarwrite_end(struct buf *b)
{
	static const char zeros[2 * BLOCK];

	buf_add(b, zeros, sizeof(zeros));
}
