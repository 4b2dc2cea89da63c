/*
 * images/parse/inflate.h - bytes of a descriptor, decompressed: gzip (all members), zstd,
 * or as they are.
 *
 * The form is told by the first bytes: media types lie. Knows nothing of tar or digests.
 */
#ifndef PARSE_INFLATE_H
#define PARSE_INFLATE_H

#include <stddef.h>
#include <sys/types.h>

#include "runtime/base/err.h"

struct inflate;

/** inflate_open() - read @fd (borrowed) to its end */
must_check int inflate_open(int fd, struct inflate **ret, struct err *e);
/**
 * inflate_next() - the next block of output
 * @ret: valid until the next call
 * Return: its length, 0 at the end, -errno. A cut or damaged stream is -EINVAL.
 */
ssize_t inflate_next(struct inflate *in, const void **ret, struct err *e);
struct inflate *inflate_free(struct inflate *in);

#endif
