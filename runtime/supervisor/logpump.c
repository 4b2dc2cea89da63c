/* supervisor/logpump.c - see logpump.h. */
#include "runtime/supervisor/logpump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/note.h"
#include "runtime/supervisor/segment.h"
#include "runtime/supervisor/status.h"

enum {
	PIECE = 65536,
	DRAIN_PIECES =
		4096, /* a FIFO holds far less; somebody else would have to be writing */
	PEEK = 4096,
	DEV_NULL = 1, /* standard output is /dev/null */
};

static bool is_same(int fd, const char *path)
{
	struct stat a, b;

	return fd >= 0 && fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

void logpump_open(struct supervisor *sup, struct service *s)
{
	static const char names[LOG_STREAMS][8] = { "stdout", "stderr" };

	for (unsigned i = 0; i < LOG_STREAMS; i++) {
		struct log_stream *l = &s->log.stream[i];
		char path[SUP_NAME + 16];

		status_path(s, names[i], path, sizeof(path));
		if (is_same(l->fifo, path))
			continue;
		loop_close(&l->fifo);
		l->fifo = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
		if (l->fifo >= 0)
			loop_watch(sup, l->fifo, TOKEN_STDOUT + i, service_slot(sup, s),
				   EPOLLIN);
	}
}

void logpump_close(struct service *s)
{
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		loop_close(&s->log.stream[i].fifo);
	segment_close(&s->log);
}

/* How many of the next bytes end the present line; looks without taking them. */
static size_t rest_of_line(int fifo)
{
	AUTO_CLOSE int in = -1, out = -1;
	size_t done = 0;
	char chunk[512];
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return PEEK;
	out = fds[0];
	in = fds[1];
	if (tee(fifo, in, PEEK, SPLICE_F_NONBLOCK) <= 0)
		return PEEK;
	while ((n = read(out, chunk, sizeof(chunk))) > 0) {
		const char *eol = memchr(chunk, '\n', (size_t)n);

		if (eol)
			return done + (size_t)(eol - chunk) + 1;
		done += (size_t)n;
	}
	return done ? done : PEEK;
}

static ssize_t drop(const struct supervisor *sup, struct service *s, int fifo, int why)
{
	ssize_t n = splice(fifo, NULL, DEV_NULL, NULL, PIECE, SPLICE_F_NONBLOCK);

	if (n <= 0)
		return n;
	if (s->log.dropped == 0)
		note(sup, s->spec.name, "log cannot be written, dropping output; error",
		     (uint64_t)why);
	s->log.dropped += (uint64_t)n;
	return n;
}

static void stored(const struct supervisor *sup, struct service *s, unsigned stream,
		   size_t n)
{
	s->log.stream[stream].size += n;
	if (s->log.dropped)
		note(sup, s->spec.name, "log is written again; bytes dropped",
		     s->log.dropped);
	s->log.dropped = 0;
	segment_index(&s->log, stream);
	if (segment_is_done(&s->log, &s->spec) &&
	    segment_rotate(sup->logs, &s->log, &s->spec) < 0)
		note(sup, s->spec.name, "cannot begin a new log segment", 0);
}

static ssize_t take(const struct service *s, const struct log_stream *l)
{
	size_t n = segment_room(&s->log, &s->spec, PIECE);
	loff_t at = (loff_t)l->size;

	return splice(l->fifo, NULL, l->file, &at, n ? n : rest_of_line(l->fifo),
		      SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

/* The last writer has gone and epoll would say so for ever. The service may open its
 * /dev/stdout again: a fresh descriptor waits for that in silence. */
static void at_end(struct supervisor *sup, struct service *s, struct log_stream *l)
{
	int old = fd_take(&l->fifo);

	if (s->st.pid)
		logpump_open(sup, s);
	close(old);
}

bool logpump_move(struct supervisor *sup, struct service *s, uint64_t stream)
{
	struct log_stream *l = &s->log.stream[stream];
	ssize_t n = -1;
	int why = 0;

	if (l->fifo < 0)
		return false;
	if (s->log.index < 0)
		why = -segment_open(sup->logs, &s->log, &s->spec);
	if (why == 0) {
		n = take(s, l);
		why = n < 0 ? errno : 0;
	}
	if (why == EAGAIN || why == EINTR)
		return why == EINTR;
	if (why)
		n = drop(sup, s, l->fifo, why);
	else if (n > 0)
		stored(sup, s, (unsigned)stream, (size_t)n);
	if (n == 0)
		at_end(sup, s, l);
	return n > 0;
}

void logpump_drain(struct supervisor *sup, struct service *s)
{
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		for (int k = 0; k < DRAIN_PIECES && logpump_move(sup, s, i); k++)
			;
	logpump_close(s);
}
