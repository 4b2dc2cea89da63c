/* images/layer/stream.c - see stream.h. */
#include "images/layer/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images/jail.h"
#include "images/parse/magic.h"
#include "runtime/base/fd.h"

enum {
	CHUNK = 128 << 10,  /* stays in the cache between read and hash */
	PIPE_SIZE = 1 << 20 /* the child runs on for a while when we are busy */
};

struct stream {
	struct blob blob;
	/* the ring; the mutex guards all of this block */
	pthread_mutex_t mutex;
	pthread_cond_t more, room;
	uint64_t avail, done;
	bool ended, stopped;
	struct err err; /* what ended it, if it was not its end */
	uint64_t raw_done;
	/* constant while the threads run */
	unsigned char *ring;
	int ring_fd;   /* opened read-only, for the parser */
	int counts[2]; /* pipe to the parser */
	int stop;      /* eventfd: readable once stopped */
	bool compressed, want_raw;
	struct jail jail;
	int to_child, from_child, side;
	/* each its own thread's, until it is joined */
	struct digest_ctx raw, plain;
	unsigned char head[MAGIC_SIZE];
	size_t head_n;
	pthread_t feeder, reader;
	bool has_feeder, has_reader;
};

/* ---- the blob ---- */

/* From a pipe: wait, but no longer than until the stream is stopped. */
static bool may_read(struct stream *st)
{
	struct pollfd p[2] = { { st->blob.fd, POLLIN, 0 }, { st->stop, POLLIN, 0 } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return true;
	return !p[1].revents;
}

static ssize_t read_raw(struct stream *st, void *to, size_t max, struct err *e)
{
	bool is_pipe = st->blob.size == BLOB_PIPE;
	size_t want = !is_pipe && st->blob.size < max ? (size_t)st->blob.size : max;
	ssize_t n;

	if (want == 0 || (is_pipe && !may_read(st)))
		return 0;
	do
		n = is_pipe ? read(st->blob.fd, to, want)
			    : pread(st->blob.fd, to, want, (off_t)st->blob.offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "read it");
	if (n == 0 && !is_pipe)
		return err_msg(e, EINVAL, "the file ends in the middle of it");
	if (!is_pipe) {
		st->blob.offset += (uint64_t)n;
		st->blob.size -= (uint64_t)n;
	}
	pthread_mutex_lock(&st->mutex);
	st->raw_done += (uint64_t)n;
	pthread_mutex_unlock(&st->mutex);
	return n;
}

/* The first bytes, which say whether a child is needed; handed on later. */
static int read_head(struct stream *st, struct err *e)
{
	while (st->head_n < MAGIC_SIZE) {
		ssize_t n =
			read_raw(st, st->head + st->head_n, MAGIC_SIZE - st->head_n, e);

		if (n < 0)
			return -e->code;
		if (n == 0)
			break;
		st->head_n += (size_t)n;
	}
	st->compressed = magic_form(st->head, st->head_n) != MAGIC_PLAIN;
	return 0;
}

static ssize_t next_raw(struct stream *st, void *to, size_t max, struct err *e)
{
	ssize_t n = (ssize_t)st->head_n;

	if (n == 0) {
		n = read_raw(st, to, max, e);
	} else {
		memcpy(to, st->head, st->head_n);
		st->head_n = 0;
	}
	if (n > 0 && st->want_raw)
		digest_update(&st->raw, to, (size_t)n);
	return n;
}

/* ---- the ring ---- */

static void end(struct stream *st, const struct err *e)
{
	pthread_mutex_lock(&st->mutex);
	if (e->code && !st->err.code)
		st->err = *e;
	st->ended = true;
	pthread_cond_broadcast(&st->more);
	pthread_mutex_unlock(&st->mutex);
}

/* Where the next bytes go, and how many at most; 0 when stopped. */
static size_t wait_room(struct stream *st, unsigned char **ret)
{
	size_t n, at;

	pthread_mutex_lock(&st->mutex);
	while (!st->stopped && st->avail - st->done == STREAM_RING)
		pthread_cond_wait(&st->room, &st->mutex);
	n = st->stopped ? 0 : STREAM_RING - (size_t)(st->avail - st->done);
	at = (size_t)(st->avail % STREAM_RING);
	pthread_mutex_unlock(&st->mutex);
	*ret = st->ring + at;
	if (n > STREAM_RING - at)
		n = STREAM_RING - at;
	return n > CHUNK ? CHUNK : n;
}

static void publish(struct stream *st, size_t n)
{
	uint64_t count;

	pthread_mutex_lock(&st->mutex);
	count = st->avail += n;
	pthread_cond_broadcast(&st->more);
	pthread_mutex_unlock(&st->mutex);
	/* a parser that is gone is noticed by who reads its messages */
	(void)!write(st->counts[1], &count, sizeof(count));
}

static ssize_t read_plain(struct stream *st, void *to, size_t max, struct err *e)
{
	ssize_t n;

	if (!st->compressed)
		return next_raw(st, to, max, e);
	do
		n = read(st->from_child, to, max);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_set(e, errno, "read from its parser") : n;
}

static void *run_reader(void *arg)
{
	struct stream *st = arg;
	struct err e = ERR_INIT;
	unsigned char *to;
	size_t room;
	ssize_t n;

	while ((room = wait_room(st, &to)) > 0) {
		n = read_plain(st, to, room, &e);
		if (n <= 0)
			break;
		digest_update(&st->plain, to, (size_t)n);
		publish(st, (size_t)n);
	}
	end(st, &e);
	close(fd_take(&st->counts[1])); /* the parser's end of stream */
	return NULL;
}

/* The child may be gone (EPIPE): it has said why at its side. */
static void *run_feeder(void *arg)
{
	struct stream *st = arg;
	unsigned char *chunk = mem_new(1, CHUNK);
	struct err e = ERR_INIT, ignored = ERR_INIT;
	ssize_t n;

	while ((n = next_raw(st, chunk, CHUNK, &e)) > 0)
		if (fd_write_all(st->to_child, chunk, (size_t)n, "pipe", &ignored) < 0)
			break;
	if (n < 0) {
		pthread_mutex_lock(&st->mutex);
		st->err = e;
		pthread_mutex_unlock(&st->mutex);
	}
	close(fd_take(&st->to_child));
	free(chunk);
	return NULL;
}

/* ---- the caller's side ---- */

static int make_ring(struct stream *st, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("ring", MFD_CLOEXEC);
	char path[32];
	void *mem;

	if (fd < 0 || ftruncate(fd, STREAM_RING) < 0)
		return err_set(e, errno, "make the ring");
	mem = mmap(NULL, STREAM_RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return err_set(e, errno, "map the ring");
	st->ring = mem;
	/* another open file, which cannot be mapped for writing */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	st->ring_fd = open(path, O_RDONLY | O_CLOEXEC);
	return st->ring_fd < 0 ? err_set(e, errno, "reopen the ring") : 0;
}

static int start_child(struct stream *st, struct image_store *s, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, side[2] = { -1, -1 };
	int r = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(side, O_CLOEXEC) < 0)
		r = err_set(e, errno, "make a pipe");
	if (r == 0) {
		const int fds[3] = { in[0], out[1], side[1] };

		(void)fcntl(out[0], F_SETPIPE_SZ, PIPE_SIZE);
		r = jail_start(s, WIRE_INFLATE, fds, 0, &st->jail, e);
	}
	fd_auto_close(&in[0]);
	fd_auto_close(&out[1]);
	fd_auto_close(&side[1]);
	st->to_child = in[1];
	st->from_child = out[0];
	st->side = side[0];
	return r;
}

/* Threads take no signals: those are for whoever waits for us. SIGPIPE stays blocked. */
static int start_thread(pthread_t *t, bool *ret, void *(*run)(void *), struct stream *st,
			struct err *e)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = pthread_create(t, NULL, run, st);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	*ret = r == 0;
	return r ? err_set(e, r, "start a thread") : 0;
}

static int start(struct stream *st, struct image_store *s, struct err *e)
{
	int r = make_ring(st, e);

	if (r == 0 && (st->stop = eventfd(0, EFD_CLOEXEC)) < 0)
		r = err_set(e, errno, "eventfd");
	if (r == 0 && pipe2(st->counts, O_CLOEXEC) < 0)
		r = err_set(e, errno, "make a pipe");
	if (r == 0)
		r = read_head(st, e);
	if (r == 0 && st->compressed)
		r = start_child(st, s, e);
	if (r == 0 && st->compressed)
		r = start_thread(&st->feeder, &st->has_feeder, run_feeder, st, e);
	if (r == 0)
		r = start_thread(&st->reader, &st->has_reader, run_reader, st, e);
	return r;
}

int stream_open(struct image_store *s, const struct blob *blob,
		const enum digest_alg *raw, enum digest_alg plain, struct stream **ret,
		struct err *e)
{
	struct stream *st = mem_new(1, sizeof(*st));
	int r;

	st->blob = *blob;
	st->ring_fd = st->stop = st->to_child = st->from_child = st->side = -1;
	st->counts[0] = st->counts[1] = -1;
	pthread_mutex_init(&st->mutex, NULL);
	pthread_cond_init(&st->more, NULL);
	pthread_cond_init(&st->room, NULL);
	st->want_raw = raw != NULL;
	digest_init(&st->raw, raw ? *raw : DIGEST_SHA256);
	digest_init(&st->plain, plain);
	r = start(st, s, e);
	if (r < 0)
		stream_close(st);
	else
		*ret = st;
	return r;
}

void stream_fds(const struct stream *st, int *ret_counts, int *ret_ring)
{
	*ret_counts = st->counts[0];
	*ret_ring = st->ring_fd;
}

void stream_parser_has_them(struct stream *st)
{
	close(fd_take(&st->counts[0]));
	close(fd_take(&st->ring_fd));
}

ssize_t stream_get(struct stream *st, uint64_t at, const void **ret, struct err *e)
{
	size_t from = (size_t)(at % STREAM_RING), n;

	pthread_mutex_lock(&st->mutex);
	while (st->avail <= at && !st->ended)
		pthread_cond_wait(&st->more, &st->mutex);
	n = st->avail > at ? (size_t)(st->avail - at) : 0;
	pthread_mutex_unlock(&st->mutex);
	if (n == 0 && stream_failed(st, e))
		return -e->code;
	*ret = st->ring + from;
	return (ssize_t)(n > STREAM_RING - from ? STREAM_RING - from : n);
}

void stream_release(struct stream *st, uint64_t upto)
{
	pthread_mutex_lock(&st->mutex);
	if (upto > st->avail)
		upto = st->avail;
	if (upto > st->done) {
		st->done = upto;
		pthread_cond_signal(&st->room);
	}
	pthread_mutex_unlock(&st->mutex);
}

uint64_t stream_raw_done(struct stream *st)
{
	uint64_t n;

	pthread_mutex_lock(&st->mutex);
	n = st->raw_done;
	pthread_mutex_unlock(&st->mutex);
	return n;
}

/* What the child says is wrong; it has ended, or will once it has said so. */
static int child_verdict(struct stream *st, struct err *e)
{
	AUTO_BUF struct buf said = BUF_INIT;
	int r = fd_read_all(st->side, sizeof(e->text), &said, "the parser's verdict", e);

	if (r < 0)
		return r;
	if (said.len)
		return err_msg(e, EINVAL, "%s", said.data);
	return jail_end(&st->jail, e);
}

bool stream_failed(struct stream *st, struct err *e)
{
	bool ended;

	pthread_mutex_lock(&st->mutex);
	ended = st->ended;
	if (st->err.code)
		*e = st->err;
	pthread_mutex_unlock(&st->mutex);
	if (!ended || e->code || !st->compressed)
		return e->code != 0;
	if (child_verdict(st, e) == 0)
		return false;
	pthread_mutex_lock(&st->mutex);
	st->err = *e; /* it is told once */
	pthread_mutex_unlock(&st->mutex);
	return true;
}

static void join(struct stream *st)
{
	if (st->has_feeder)
		pthread_join(st->feeder, NULL);
	if (st->has_reader)
		pthread_join(st->reader, NULL);
	st->has_feeder = st->has_reader = false;
}

int stream_finish(struct stream *st, struct digest *raw, struct digest *plain,
		  struct err *e)
{
	if (stream_failed(st, e))
		return -e->code;
	join(st);
	if (st->err.code) { /* the feeder's, after the child had enough */
		*e = st->err;
		return -e->code;
	}
	if (raw && st->want_raw)
		digest_final(&st->raw, raw);
	digest_final(&st->plain, plain);
	return 0;
}

struct stream *stream_close(struct stream *st)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&st->mutex);
	st->stopped = true;
	pthread_cond_broadcast(&st->room);
	pthread_mutex_unlock(&st->mutex);
	if (st->stop >= 0)
		(void)!write(st->stop, &one, sizeof(one));
	jail_kill(&st->jail); /* both threads see the end of their pipes */
	if (st->counts[0] >= 0)
		close(fd_take(&st->counts[0]));
	join(st);
	if (st->ring)
		munmap(st->ring, STREAM_RING);
	for (size_t i = 0; i < 2; i++)
		fd_auto_close(&st->counts[i]);
	fd_auto_close(&st->ring_fd);
	fd_auto_close(&st->stop);
	fd_auto_close(&st->to_child);
	fd_auto_close(&st->from_child);
	fd_auto_close(&st->side);
	free(st);
	return NULL;
}
