/* images/inflate.c - see inflate.h. */
#include "images/inflate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "runtime/base/str.h"

enum {
	IN_SIZE = 128 << 10,
	OUT_SIZE = 256 << 10, /* small enough to stay in the cache between inflate, hash
				 and write */
};

struct inflate {
	int fd;
	bool is_pipe;
	uint64_t offset, left, consumed;
	struct digest_ctx *raw;
	enum inflate_form form;
	z_stream z;
	ZSTD_DCtx *zstd;
	bool between; /* no member or frame is open: the end may come here */
	const unsigned char *in;
	size_t in_n;
	unsigned char in_buf[IN_SIZE], out_buf[OUT_SIZE];
};

/* At most @max more raw bytes behind those at hand. Without any, in_n stays as it is. */
static int fill(struct inflate *s, size_t max, struct err *e)
{
	size_t want = s->left < max ? (size_t)s->left : max;
	unsigned char *to = s->in_buf + s->in_n;
	ssize_t n = 0;

	if (want == 0)
		return 0;
	if (s->in_n)
		memmove(s->in_buf, s->in, s->in_n);
	s->in = s->in_buf;
	do
		n = s->is_pipe ? read(s->fd, to, want)
			       : pread(s->fd, to, want, (off_t)s->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "read it");
	if (n == 0 && !s->is_pipe)
		return err_msg(e, EINVAL, "the file ends in the middle of it");
	if (n == 0 || !s->is_pipe)
		s->left = n == 0 ? 0 : s->left - (uint64_t)n;
	s->offset += (uint64_t)n;
	s->consumed += (uint64_t)n;
	s->in_n += (size_t)n;
	if (s->raw)
		digest_update(s->raw, to, (size_t)n);
	return 0;
}

enum inflate_form inflate_form(const void *data, size_t n)
{
	static const struct {
		enum inflate_form form;
		size_t at, n;
		const char *bytes;
	} magic[] = { { INFLATE_ZSTD, 0, 4, "\x28\xb5\x2f\xfd" },
		      { INFLATE_GZIP, 0, 2, "\x1f\x8b" },
		      { INFLATE_BZIP2, 4, 6, "1AY&SY" },
		      { INFLATE_XZ, 0, 6,
			"\xfd"
			"7zXZ\0" } };

	for (size_t i = 0; i < ARRAY_LEN(magic); i++)
		if (n >= magic[i].at + magic[i].n &&
		    memcmp((const char *)data + magic[i].at, magic[i].bytes,
			   magic[i].n) == 0)
			return magic[i].form;
	return INFLATE_PLAIN;
}

static int start(struct inflate *s, struct err *e)
{
	int r = 0;

	/* A pipe may hand out its first bytes one by one; the magic must be seen whole.
	 */
	while (r == 0 && s->in_n < INFLATE_MAGIC && s->left)
		r = fill(s, INFLATE_MAGIC - s->in_n, e);
	if (r < 0)
		return r;
	s->form = inflate_form(s->in, s->in_n);
	if (s->form == INFLATE_BZIP2 || s->form == INFLATE_XZ)
		return err_msg(e, EINVAL,
			       "it is compressed by %s; gzip and zstd are known",
			       s->form == INFLATE_XZ ? "xz" : "bzip2");
	if (s->form == INFLATE_GZIP && inflateInit2(&s->z, 15 + 16) != Z_OK)
		return err_set(e, ENOMEM, "start zlib");
	if (s->form == INFLATE_ZSTD && !(s->zstd = ZSTD_createDCtx()))
		return err_set(e, ENOMEM, "start zstd");
	return 0;
}

int inflate_open(int fd, uint64_t offset, uint64_t size, struct digest_ctx *raw,
		 struct inflate **ret, struct err *e)
{
	struct inflate *s = mem_new(1, sizeof(*s));
	int r;

	s->fd = fd;
	s->is_pipe = size == UINT64_MAX;
	s->offset = offset;
	s->left = size;
	s->raw = raw;
	s->between = true;
	s->in = s->in_buf;
	r = start(s, e);
	if (r < 0)
		inflate_free(s);
	else
		*ret = s;
	return r;
}

static ssize_t next_plain(struct inflate *s, const void **ret)
{
	size_t n = s->in_n;

	*ret = s->in;
	s->in_n = 0;
	return (ssize_t)n;
}

/* Another member may follow the last; zeros may pad to a block; anything else is damage.
 */
static int next_member(struct inflate *s, struct err *e)
{
	while (s->in_n && *s->in == 0)
		s->in++, s->in_n--;
	if (!s->in_n)
		return 0;
	if (*s->in != 0x1f)
		return err_msg(e, EINVAL, "bytes follow the end of its gzip data");
	s->between = false;
	return inflateReset(&s->z) == Z_OK
		       ? 0
		       : err_msg(e, EINVAL, "its gzip data is damaged");
}

static ssize_t next_gzip(struct inflate *s, struct err *e)
{
	int r;

	if (s->between) {
		r = next_member(s, e);
		if (r < 0 || s->between)
			return r;
	}
	s->z.next_in = (unsigned char *)(uintptr_t)s->in;
	s->z.avail_in = (uInt)s->in_n;
	s->z.next_out = s->out_buf;
	s->z.avail_out = OUT_SIZE;
	r = inflate(&s->z, Z_NO_FLUSH);
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return err_msg(e, EINVAL, "its gzip data is damaged (%s)",
			       s->z.msg ? s->z.msg : "checksum");
	s->in = s->z.next_in;
	s->in_n = s->z.avail_in;
	s->between = r == Z_STREAM_END;
	return (ssize_t)(OUT_SIZE - s->z.avail_out);
}

static ssize_t next_zstd(struct inflate *s, struct err *e)
{
	ZSTD_inBuffer in = { s->in, s->in_n, 0 };
	ZSTD_outBuffer out = { s->out_buf, OUT_SIZE, 0 };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);

	if (ZSTD_isError(r))
		return err_msg(e, EINVAL, "its zstd data is damaged (%s)",
			       ZSTD_getErrorName(r));
	s->in += in.pos;
	s->in_n -= in.pos;
	s->between = r == 0;
	return (ssize_t)out.pos;
}

ssize_t inflate_next(struct inflate *s, const void **ret, struct err *e)
{
	ssize_t n = 0;

	while (n == 0) {
		int r = s->in_n ? 0 : fill(s, IN_SIZE, e);

		if (r < 0)
			return r;
		if (s->in_n == 0 && s->between)
			return 0;
		if (s->form == INFLATE_PLAIN)
			return next_plain(s, ret);
		*ret = s->out_buf;
		if (s->form == INFLATE_GZIP)
			n = next_gzip(s, e);
		else
			n = next_zstd(s, e);
		/* No more input and no output: the decoder waits for bytes that do not
		 * exist. */
		if (n == 0 && s->in_n == 0 && s->left == 0 && !s->between)
			return err_msg(e, EINVAL, "its compressed data is cut short");
	}
	return n;
}

uint64_t inflate_consumed(const struct inflate *s)
{
	return s->consumed;
}

struct inflate *inflate_free(struct inflate *s)
{
	if (!s)
		return NULL;
	if (s->form == INFLATE_GZIP)
		inflateEnd(&s->z);
	ZSTD_freeDCtx(s->zstd);
	free(s);
	return NULL;
}
