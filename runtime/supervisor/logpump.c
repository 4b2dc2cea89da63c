/* supervisor/logpump.c - see logpump.h. */
#include "runtime/supervisor/logpump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/supervisor/journal.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/note.h"
#include "runtime/supervisor/segment.h"
#include "runtime/supervisor/status.h"
#include "runtime/supervisor/text.h"

enum {
	PIECE = 65536,
	DRAIN_PIECES =
		4096, /* a FIFO holds far less; somebody else would have to be writing */
	PEEK = 4096,
	DROP_BYTES = 2048,
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

static void say_dropping(struct supervisor *sup, struct service *s, int why)
{
	note(sup, s->spec.name, "log cannot be written, dropping output; error",
	     (uint64_t)why);
	journal_add(sup, s, SUP_ENTRY_DROPPING, why, 0, NULL);
}

/* The service must not wait for a disk: what cannot be stored is counted. */
static ssize_t drop(struct supervisor *sup, struct service *s, int fifo, int why)
{
	char bytes[DROP_BYTES];
	ssize_t n = read(fifo, bytes, sizeof(bytes));

	if (n <= 0)
		return n;
	if (s->log.dropped == 0)
		say_dropping(sup, s, why);
	s->log.dropped += (uint64_t)n;
	for (ssize_t i = 0; i < n; i++)
		s->log.dropped_lines += bytes[i] == '\n';
	return n;
}

static void say_dropped(struct supervisor *sup, struct service *s)
{
	char text[64];
	struct text t = text_over(text, sizeof(text));

	text_str(&t, ", ");
	text_num(&t, s->log.dropped);
	text_str(&t, " bytes: the disk took no more");
	journal_add(sup, s, SUP_ENTRY_DROPPED, 0, s->log.dropped_lines, text);
	s->log.dropped = s->log.dropped_lines = 0;
}

static void stored(struct supervisor *sup, struct service *s, unsigned stream, size_t n)
{
	s->log.stream[stream].size += n;
	if (s->log.dropped)
		say_dropped(sup, s);
	segment_index(&s->log, stream);
}

/* 0 when there is a segment with room, else an errno. */
static int make_room(struct supervisor *sup, struct service *s)
{
	int r = s->log.index < 0 ? segment_open(sup->logs, &s->log, &s->spec) : 0;

	if (r == 0 && segment_is_done(&s->log, &s->spec))
		r = segment_rotate(sup->logs, &s->log, &s->spec);
	return -r;
}

static ssize_t take(const struct service *s, const struct log_stream *l)
{
	size_t n = segment_room(&s->log, &s->spec, PIECE);
	loff_t at = (loff_t)l->size;

	if (!n)
		n = segment_rest(&s->log, &s->spec, rest_of_line(l->fifo));
	return splice(l->fifo, NULL, l->file, &at, n, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
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
	int why;

	if (l->fifo < 0)
		return false;
	why = make_room(sup, s);
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
	if (s->log.dropped)
		say_dropped(sup, s);
	logpump_close(s);
}
