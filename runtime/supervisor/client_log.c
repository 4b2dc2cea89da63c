/*
 * supervisor/client_log.c - reads a service's log: segments in order, streams merged by
 * the index, lines put together across records and segments.
 *
 * Knows the files that segment.c writes, while it writes and removes them.
 */
#include "runtime/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"

enum {
	STREAMS = 2,
	CHUNK = 65536,
	LINE_MAX_BYTES = 1 << 20, /* a longer line is given out in pieces */
};

struct stream {
	int fd;
	uint64_t next;    /* offset in the segment up to which it was taken */
	struct buf line;  /* bytes of a line that has not ended yet */
	uint64_t wall_ns; /* when its first byte came */
};

struct sup_log_reader {
	int dir; /* -1: the service has none yet */
	int logs;
	char *service;
	int index; /* -1: no segment is open */
	uint32_t number;
	bool begun; /* a segment was open: what is missing from here on was missed */
	unsigned skipped;
	uint64_t index_at;
	struct stream stream[STREAMS];
	struct sup_log_record rec; /* being taken; len counts down */
	char *chunk;
	size_t chunk_at, chunk_len;
	struct buf given; /* the line last returned */
};

int sup_log_open(int logs_fd, const char *service, struct sup_log_reader **ret,
		 struct err *e)
{
	struct sup_log_reader *r = mem_new(1, sizeof(*r));

	r->dir = r->index = r->stream[0].fd = r->stream[1].fd = -1;
	r->logs = fcntl(logs_fd, F_DUPFD_CLOEXEC, 3);
	if (r->logs < 0) {
		free(r);
		return err_set(e, errno, "log of service '%s'", service);
	}
	r->service = str_dup(service);
	r->chunk = mem_new(1, CHUNK);
	*ret = r;
	return 0;
}

static void close_segment(struct sup_log_reader *r)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		fd_auto_close(&r->stream[i].fd);
		r->stream[i].fd = -1;
		r->stream[i].next = 0;
	}
	fd_auto_close(&r->index);
	r->index = -1;
	r->index_at = 0;
}

struct sup_log_reader *sup_log_free(struct sup_log_reader *r)
{
	if (!r)
		return NULL;
	close_segment(r);
	fd_auto_close(&r->dir);
	fd_auto_close(&r->logs);
	for (unsigned i = 0; i < STREAMS; i++)
		buf_free(&r->stream[i].line);
	buf_free(&r->given);
	free(r->chunk);
	free(r->service);
	free(r);
	return NULL;
}

static int open_file(int dir, const char *kind, uint32_t number)
{
	char name[24];

	snprintf(name, sizeof(name), "%s.%u", kind, number);
	return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static bool open_number(struct sup_log_reader *r, uint32_t number)
{
	r->index = open_file(r->dir, "idx", number);
	r->stream[0].fd = open_file(r->dir, "out", number);
	r->stream[1].fd = open_file(r->dir, "err", number);
	r->number = number;
	if (r->index >= 0 && r->stream[0].fd >= 0 && r->stream[1].fd >= 0)
		return true;
	close_segment(r); /* being made, or just removed */
	return false;
}

/* Smallest number that is there and not below @least. */
static bool find_number(struct sup_log_reader *r, uint32_t least, uint32_t *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = ERR_INIT;
	bool any = false;

	if (fd_list(r->dir, ".", &names, &e) < 0)
		return false;
	strv_foreach (i, &names) {
		unsigned long long n;

		if (!str_starts(names.v[i], "idx.") ||
		    !str_u64(names.v[i] + 4, UINT32_MAX, &n) || n < least)
			continue;
		if (!any || n < *ret)
			*ret = (uint32_t)n;
		any = true;
	}
	return any;
}

/* The writer was faster: the rest of a line that was cut there will never come. */
static void missed(struct sup_log_reader *r, uint32_t segments)
{
	r->skipped += segments;
	for (unsigned i = 0; i < STREAMS; i++)
		buf_free(&r->stream[i].line);
}

static bool open_next(struct sup_log_reader *r, uint32_t least)
{
	uint32_t number;

	if (r->dir < 0)
		r->dir = openat(r->logs, r->service,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r->dir < 0 || !find_number(r, least, &number) || !open_number(r, number))
		return false;
	if (r->begun && number > least)
		missed(r, number - least);
	r->begun = true;
	return true;
}

static bool read_record(struct sup_log_reader *r)
{
	struct sup_log_record rec;
	struct stream *s;

	while (pread(r->index, &rec, sizeof(rec), (off_t)r->index_at) == sizeof(rec)) {
		r->index_at += sizeof(rec);
		if (rec.stream < 1 || rec.stream > STREAMS)
			continue;
		s = &r->stream[rec.stream - 1];
		if (rec.offset + rec.len <= s->next)
			continue;
		/* What an earlier record failed to cover comes with this one. */
		rec.len = (uint32_t)(rec.offset + rec.len - s->next);
		r->rec = rec;
		return true;
	}
	return false;
}

/* The next bytes to r->chunk; false at the present end. */
static bool next_chunk(struct sup_log_reader *r)
{
	struct stream *s;
	uint32_t number;
	ssize_t n;

	for (;;) {
		if (r->index < 0 && !open_next(r, r->number))
			return false;
		if (r->rec.len == 0 && !read_record(r)) {
			/* Only when a newer one is there is this one complete: look once
			 * more. */
			if (!find_number(r, r->number + 1, &number))
				return false;
			if (read_record(r))
				continue;
			close_segment(r);
			r->number++;
			continue;
		}
		s = &r->stream[r->rec.stream - 1];
		n = pread(s->fd, r->chunk, r->rec.len < CHUNK ? r->rec.len : CHUNK,
			  (off_t)s->next);
		if (n <= 0) { /* shorter than its index says: a power cut */
			r->rec.len = 0;
			continue;
		}
		s->next += (uint64_t)n;
		r->rec.len -= (uint32_t)n;
		r->chunk_at = 0;
		r->chunk_len = (size_t)n;
		return true;
	}
}

static int give(struct sup_log_reader *r, struct stream *s, struct sup_log_line *ret)
{
	buf_free(&r->given);
	r->given = s->line;
	s->line = (struct buf)BUF_INIT;
	*ret = (struct sup_log_line){
		.wall_ns = s->wall_ns,
		.stream = (unsigned)(s - r->stream) + 1,
		.text = r->given.data ? r->given.data : "",
		.len = r->given.len,
		.skipped = r->skipped,
	};
	r->skipped = 0;
	return 1;
}

int sup_log_next(struct sup_log_reader *r, struct sup_log_line *ret)
{
	while (r->chunk_at < r->chunk_len || next_chunk(r)) {
		struct stream *s = &r->stream[r->rec.stream - 1];
		const char *from = r->chunk + r->chunk_at;
		size_t left = r->chunk_len - r->chunk_at;
		const char *eol = memchr(from, '\n', left);
		size_t n = eol ? (size_t)(eol - from) : left;

		if (s->line.len == 0)
			s->wall_ns = r->rec.wall_ns;
		buf_add(&s->line, from, n);
		r->chunk_at += n + (eol != NULL);
		if (eol || s->line.len >= LINE_MAX_BYTES)
			return give(r, s, ret);
	}
	return 0;
}

int sup_log_flush(struct sup_log_reader *r, struct sup_log_line *ret)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (r->stream[i].line.len > 0)
			return give(r, &r->stream[i], ret);
	return 0;
}
