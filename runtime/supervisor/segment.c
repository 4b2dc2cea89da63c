/* supervisor/segment.c - see segment.h. */
#include "runtime/supervisor/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/text.h"

/* A kill may leave a piece of each stream without its record: room for two is kept. */
enum { OVERRUN = 65536, RECORDS = 16, KEPT = 2 * sizeof(struct sup_log_record) };

static const char kinds[LOG_STREAMS + 1][4] = { "out", "err", "idx" };

static void file_name(char *buf, size_t n, const char *kind, uint32_t number)
{
	struct text t = text_over(buf, n);

	text_str(&t, kind);
	text_str(&t, ".");
	text_num(&t, number);
}

static int open_file(int dir, const char *kind, uint32_t number, uint64_t *ret_size)
{
	char name[24];
	struct stat st;
	int fd;

	file_name(name, sizeof(name), kind, number);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		*ret_size = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return fd;
}

/* Where the index ends for each stream: the newest record of it, looked for from the end.
 */
static void find_covered(struct service_log *log)
{
	struct sup_log_record r[RECORDS];
	bool found[LOG_STREAMS] = { false };
	uint64_t n = log->index_size / sizeof(*r);

	log->index_size = n * sizeof(*r); /* a torn record is written over */
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		log->stream[i].covered = 0;
	while (n > 0 && !(found[0] && found[1])) {
		uint64_t count = n < RECORDS ? n : RECORDS;
		size_t bytes = (size_t)count * sizeof(*r);

		n -= count;
		if (pread(log->index, r, bytes, (off_t)(n * sizeof(*r))) !=
		    (ssize_t)bytes)
			return;
		for (size_t i = (size_t)count; i-- > 0;) {
			unsigned stream = r[i].stream - 1;

			if (stream >= LOG_STREAMS || found[stream])
				continue;
			found[stream] = true;
			log->stream[stream].covered = r[i].offset + r[i].len;
		}
	}
}

static int open_number(int dir, struct service_log *log, uint32_t number)
{
	for (unsigned i = 0; i < LOG_STREAMS; i++) {
		struct log_stream *l = &log->stream[i];

		l->file = open_file(dir, kinds[i], number, &l->size);
	}
	log->index = open_file(dir, kinds[LOG_STREAMS], number, &log->index_size);
	if (log->index < 0 || log->stream[0].file < 0 || log->stream[1].file < 0) {
		int code = errno ? errno : EIO;

		segment_close(log);
		return -code;
	}
	log->last = number;
	find_covered(log);
	return 0;
}

/* Oldest and newest number in the directory; raw, as readdir would bring in malloc. */
static void scan(int dir, struct service_log *log)
{
	struct {
		uint64_t ino, off;
		uint16_t len;
		uint8_t type;
		char name[];
	} * d;
	uint64_t buf[128]; /* aligned as the kernel's records are */
	bool any = false;
	long n;

	log->first = log->last = 0;
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n; at += d->len) {
			uint32_t number;

			d = (void *)((char *)buf + at);
			if (strncmp(d->name, "out.", 4) != 0)
				continue;
			number = (uint32_t)text_to_num(d->name + 4, 10);
			if (!any || number < log->first)
				log->first = number;
			if (!any || number > log->last)
				log->last = number;
			any = true;
		}
	}
}

static int open_dir(int logs, const char *service)
{
	if (mkdirat(logs, service, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(logs, service, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool is_torn(const struct log_stream *l)
{
	return l->covered > l->size;
}

int segment_open(int logs, struct service_log *log, const struct sup_service *spec)
{
	AUTO_CLOSE int dir = open_dir(logs, spec->name);
	int r;

	if (dir < 0)
		return -errno;
	scan(dir, log);
	r = open_number(dir, log, log->last);
	if (r < 0)
		return r;
	/* After a power cut the data may be shorter than its index: leave that segment
	 * alone. */
	if (is_torn(&log->stream[0]) || is_torn(&log->stream[1]))
		return segment_rotate(logs, log, spec);
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		segment_index(log, i);
	return 0;
}

void segment_close(struct service_log *log)
{
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		loop_close(&log->stream[i].file);
	loop_close(&log->index);
}

void segment_index(struct service_log *log, unsigned stream)
{
	struct log_stream *l = &log->stream[stream];
	struct sup_log_record r = {
		.wall_ns = proc_wall_ns(),
		.stream = stream + 1,
		.len = (uint32_t)(l->size - l->covered),
		.offset = l->covered,
	};

	if (l->size <= l->covered ||
	    pwrite(log->index, &r, sizeof(r), (off_t)log->index_size) != sizeof(r))
		return;
	log->index_size += sizeof(r);
	l->covered = l->size;
}

/* Single bytes cost a record each, so the index counts, too. */
static uint64_t left(const struct service_log *log, const struct sup_service *spec)
{
	uint64_t used = log->stream[0].size + log->stream[1].size + log->index_size;

	return used + KEPT < spec->log_segment_bytes
		       ? spec->log_segment_bytes - used - KEPT
		       : 0;
}

size_t segment_rest(const struct service_log *log, const struct sup_service *spec,
		    size_t most)
{
	uint64_t rest = left(log, spec);

	return rest < most && spec->log_segment_bytes ? (size_t)rest : most;
}

size_t segment_room(const struct service_log *log, const struct sup_service *spec,
		    size_t most)
{
	uint64_t rest = left(log, spec), slack = spec->log_segment_bytes / 8;

	if (spec->log_segment_bytes == 0)
		return most;
	slack = slack < OVERRUN ? slack : OVERRUN;
	rest = rest > slack ? rest - slack : 0;
	return rest < most ? (size_t)rest : most;
}

static bool ends_a_line(const struct log_stream *l)
{
	char c = 0;

	return l->size == 0 ||
	       (pread(l->file, &c, 1, (off_t)l->size - 1) == 1 && c == '\n');
}

bool segment_is_done(const struct service_log *log, const struct sup_service *spec)
{
	if (segment_room(log, spec, 1) > 0)
		return false;
	if (ends_a_line(&log->stream[0]) && ends_a_line(&log->stream[1]))
		return true;
	return left(log, spec) == 0;
}

static void remove_number(int dir, uint32_t number)
{
	char name[24];

	/* The index first: without it a reader does not begin with this segment. */
	for (unsigned i = LOG_STREAMS + 1; i-- > 0;) {
		file_name(name, sizeof(name), kinds[i], number);
		unlinkat(dir, name, 0);
	}
}

int segment_rotate(int logs, struct service_log *log, const struct sup_service *spec)
{
	AUTO_CLOSE int dir = open_dir(logs, spec->name);
	uint32_t keep = spec->log_segments ? spec->log_segments : 1;
	int r;

	if (dir < 0)
		return -errno;
	segment_close(log);
	r = open_number(dir, log, log->last + 1);
	if (r < 0)
		return r;
	while (log->last - log->first >= keep)
		remove_number(dir, log->first++);
	return 0;
}
