/*
 * images/parse/ring.c - job_entries() between the ring and the pipe of messages.
 *
 * Knows the two descriptors and the shared memory. Messages are collected and written
 * when there are many, or when there is nothing to read: each side then runs on for a
 * while.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images/parse/job.h"
#include "runtime/base/fd.h"

enum { OUT_SIZE = 32 << 10 };

struct ring {
	const char *mem;
	size_t size;
	uint64_t avail; /* bytes of the stream that are, or were, in it */
	bool ended;
	struct buf out;
};

static int flush(struct ring *r)
{
	struct err ignored = ERR_INIT;
	int ret = fd_write_all(STDOUT_FILENO, r->out.data, r->out.len, "messages",
			       &ignored);

	r->out.len = 0;
	return ret < 0 ? -1 : 0;
}

static int on_emit(void *arg, const void *message, size_t n)
{
	struct ring *r = arg;

	buf_add(&r->out, message, n);
	return r->out.len < OUT_SIZE ? 0 : flush(r);
}

/* The last of the counts at hand is the one that holds. */
static int wait_more(struct ring *r)
{
	uint64_t counts[512];
	size_t have = 0;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, (char *)counts + have, sizeof(counts) - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	} while (have % sizeof(counts[0]));
	if (n < 0)
		return -1;
	r->ended = n == 0;
	if (have >= sizeof(counts[0]))
		r->avail = counts[have / sizeof(counts[0]) - 1];
	return 0;
}

static ssize_t on_read(void *arg, uint64_t at, const void **ret)
{
	struct ring *r = arg;
	size_t from = (size_t)(at % r->size), n;

	while (r->avail <= at && !r->ended)
		if (flush(r) < 0 || wait_more(r) < 0)
			return -1;
	if (r->avail <= at)
		return 0;
	n = r->size - from;
	if (n > r->avail - at)
		n = (size_t)(r->avail - at);
	*ret = r->mem + from;
	return (ssize_t)n;
}

int job_ring(size_t ring_size)
{
	struct ring r = { .size = ring_size };
	struct job_stream s = { &r, on_read, on_emit };
	void *mem = MAP_FAILED;
	int ret = -1;

	if (ring_size > 0)
		mem = mmap(NULL, ring_size, PROT_READ, MAP_SHARED, WIRE_FD_SIDE, 0);
	if (mem == MAP_FAILED)
		return 1;
	r.mem = mem;
	ret = job_entries(&s);
	if (ret == 0)
		ret = flush(&r);
	buf_free(&r.out);
	return ret < 0;
}
