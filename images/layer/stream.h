/*
 * images/layer/stream.h - a layer's blob as a stream of verified bytes that stand in a
 * ring.
 *
 * Knows digests, decompression (in a confined child) and the ring that the tar parser
 * reads. Does not know tar. Three run at once: a thread that reads and hashes the blob, a
 * child that decompresses, a thread that hashes what comes out and puts it into the ring;
 * the caller consumes. Whatever the child puts out is hashed after it has left the child,
 * and what was hashed is what is parsed and written.
 */
#ifndef IMAGES_STREAM_H
#define IMAGES_STREAM_H

#include "images/digest.h"
#include "images/archive/source.h"

enum { STREAM_RING = 4 << 20 };

struct stream;

/**
 * stream_open() - start reading @blob
 * @raw:   algorithm of the blob's own digest, or NULL if none is wanted
 * @plain: algorithm of the diffID
 * The caller ends it by stream_close(), from the same thread.
 */
must_check int stream_open(struct image_store *s, const struct blob *blob,
			   const enum digest_alg *raw, enum digest_alg plain,
			   struct stream **ret, struct err *e);
/** stream_fds() - for the tar parser: the pipe of counts and the ring, opened read-only;
 * borrowed. stream_parser_has_them() closes them here once the parser is started. */
void stream_fds(const struct stream *st, int *ret_counts, int *ret_ring);
void stream_parser_has_them(struct stream *st);
/**
 * stream_get() - bytes at stream position @at, which must not be before the last release
 * Waits for at least one. Return: how many stand at *@ret in one piece; 0 at the end;
 * -errno.
 */
must_check ssize_t stream_get(struct stream *st, uint64_t at, const void **ret,
			      struct err *e);
/** stream_release() - bytes before @upto are wanted no more */
void stream_release(struct stream *st, uint64_t upto);
/** stream_failed() - did reading fail? Then everything after it is an effect; fills @e */
bool stream_failed(struct stream *st, struct err *e);
/** stream_raw_done() - bytes of the blob read so far, for progress */
uint64_t stream_raw_done(struct stream *st);
/** stream_finish() - once stream_get() has said 0: both digests (@raw if it was wanted)
 */
must_check int stream_finish(struct stream *st, struct digest *raw, struct digest *plain,
			     struct err *e);
/** stream_close() - stop all of it, wherever it stands */
struct stream *stream_close(struct stream *st);

#endif
