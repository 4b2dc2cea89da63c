/*
 * images/parse/job.h - what a confined parser can be asked to do.
 *
 * Each job reads standard input (or memory) and fills a list or writes messages; none of
 * them opens anything. They are ordinary functions, so that fuzzers can call them.
 */
#ifndef PARSE_JOB_H
#define PARSE_JOB_H

#include <archive.h>
#include <archive_entry.h>

#include "images/parse/wire.h"

enum {
	JOB_MEMBERS_MAX = 100000, /* a real archive has three files a layer */
	JOB_LAYERS_MAX = 500,     /* overlayfs takes no more lowers */
	JOB_LIST_MAX = 8192,      /* env, labels …: execve refuses long before that */
	JOB_IMAGES_MAX = 1000
};

/* Documents: @json in, a list without its end out. -EINVAL says what is wrong. */
must_check int job_index(const char *json, size_t n, struct buf *ret, struct err *e);
must_check int job_version(const char *json, size_t n, struct buf *ret, struct err *e);
must_check int job_docker(const char *json, size_t n, struct buf *ret, struct err *e);
must_check int job_config(const char *json, size_t n, struct buf *ret, struct err *e);
must_check int job_token(const char *json, size_t n, struct buf *ret, struct err *e);
must_check int job_refusal(const char *json, size_t n, struct buf *ret, struct err *e);

/** job_members() - the files of the tarball @fd, read by pread(2) */
must_check int job_members(int fd, struct buf *ret, struct err *e);
/** job_inflate() - standard input decompressed to standard output */
must_check int job_inflate(int in, int out, struct err *e);

/* Where job_entries() has its tar stream from and puts its messages. */
struct job_stream {
	void *arg;
	/* the next bytes at or after @at (the stream's start is 0); 0 at its end, -1:
	 * give up. What was returned before is no longer needed. */
	ssize_t (*read)(void *arg, uint64_t at, const void **ret);
	/* -1: give up */
	int (*emit)(void *arg, const void *message, size_t n);
};
/** job_entries() - every entry, then WIRE_DONE or WIRE_FAIL. Return: 0, or -1: gave up */
must_check int job_entries(const struct job_stream *s);
/** job_ring() - job_entries() with the ring and the descriptors that wire.h describes */
must_check int job_ring(size_t ring_size);

#endif
