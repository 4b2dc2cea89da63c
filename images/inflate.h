/*
 * images/inflate.h - bytes of a file range, decompressed: gzip (all members), zstd, or as
 * they are.
 *
 * The form is told by the first bytes: media types lie. Knows nothing of tar or digests,
 * but shows each raw block to whoever wants to hash it.
 */
#ifndef IMAGES_INFLATE_H
#define IMAGES_INFLATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "images/digest.h"
#include "runtime/base/err.h"

struct inflate;

enum inflate_form {
	INFLATE_PLAIN,
	INFLATE_GZIP,
	INFLATE_ZSTD,
	INFLATE_BZIP2,
	INFLATE_XZ
};
enum { INFLATE_MAGIC = 10 }; /* bytes that tell the form */

/** inflate_form() - judge the first bytes of a file; bzip2 and xz are told, but not read
 */
enum inflate_form inflate_form(const void *data, size_t n);

/**
 * inflate_open() - read @size bytes of @fd from @offset on
 * @fd:     borrowed; read by pread, so that others may read it at the same time
 * @size:   UINT64_MAX: read(2) until the end instead (pipes)
 * @raw:    digest fed with the bytes before decompression; NULL: none
 */
must_check int inflate_open(int fd, uint64_t offset, uint64_t size,
			    struct digest_ctx *raw, struct inflate **ret, struct err *e);
/**
 * inflate_next() - the next block of output
 * @ret: valid until the next call
 * Return: its length, 0 at the end, -errno. A cut or damaged stream is -EINVAL.
 */
ssize_t inflate_next(struct inflate *in, const void **ret, struct err *e);
/** inflate_consumed() - raw bytes taken so far, for progress */
uint64_t inflate_consumed(const struct inflate *in);
struct inflate *inflate_free(struct inflate *in);

#endif
