/* Segments as a killed supervisor or a power cut leaves them. */
#include "tests/lib/test.h"

#include "runtime/supervisor/segment.h"

static const struct sup_service spec = { .name = "app",
					 .log_segment_bytes = 100,
					 .log_segments = 2 };

static struct service_log closed(void)
{
	return (struct service_log){ .stream = { { .file = -1, .fifo = -1 },
						 { .file = -1, .fifo = -1 } },
				     .index = -1 };
}

static void append(struct service_log *log, unsigned stream, const char *text)
{
	struct log_stream *l = &log->stream[stream];

	CHECK(pwrite(l->file, text, strlen(text), (off_t)l->size) ==
	      (ssize_t)strlen(text));
	l->size += strlen(text);
}

static off_t size_of(int logs, const char *path)
{
	struct stat st;

	return fstatat(logs, path, &st, 0) < 0 ? -1 : st.st_size;
}

TEST(bytes_without_a_record_get_one_at_the_next_opening)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct service_log log = closed();
	struct sup_log_record r;
	int fd;

	CHECK_INT(segment_open(logs, &log, &spec), 0);
	append(&log, 0, "one\n");
	segment_index(&log, 0);
	append(&log, 0, "two\n"); /* killed before its record */
	CHECK(pwrite(log.index, "torn", 4, (off_t)log.index_size) == 4);
	segment_close(&log);
	CHECK_INT(segment_open(logs, &log, &spec), 0);
	CHECK_INT(log.stream[0].size, 8);
	CHECK_INT(log.stream[0].covered, 8);
	CHECK_INT(log.index_size, 2 * sizeof(r));
	fd = openat(logs, "app/idx.0", O_RDONLY);
	CHECK(pread(fd, &r, sizeof(r), sizeof(r)) == sizeof(r));
	CHECK(r.stream == 1 && r.offset == 4 && r.len == 4);
	close(fd);
	segment_close(&log);
}

TEST(data_shorter_than_its_index_is_left_alone)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct service_log log = closed();

	CHECK_INT(segment_open(logs, &log, &spec), 0);
	append(&log, 1, "some error\n");
	segment_index(&log, 1);
	CHECK(ftruncate(log.stream[1].file, 3) == 0);
	segment_close(&log);
	CHECK_INT(segment_open(logs, &log, &spec), 0);
	CHECK_INT(log.last, 1);
	CHECK_INT(log.stream[1].size, 0);
	CHECK_INT(size_of(logs, "app/err.0"), 3);
	segment_close(&log);
}

TEST(a_segment_is_done_when_full_and_both_streams_end_a_line)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct service_log log = closed();
	struct sup_service big = { .name = "app", .log_segment_bytes = 1000 };
	char text[828];

	memset(text, 'x', 827);
	text[827] = '\0';
	CHECK_INT(segment_open(logs, &log, &big), 0);
	/* two records and an eighth are kept */
	CHECK_INT(segment_room(&log, &big, 65536), 1000 - 48 - 125);
	CHECK_INT(segment_room(&log, &big, 10), 10);
	append(&log, 0, text);
	CHECK_INT(segment_room(&log, &big, 65536), 0);
	CHECK_INT(segment_rest(&log, &big, 65536), 125);
	CHECK(!segment_is_done(&log, &big));
	append(&log, 0, "\n");
	CHECK(segment_is_done(&log, &big));
	append(&log, 1, "half a line");
	CHECK(!segment_is_done(&log, &big));
	append(&log, 1, "\n");
	CHECK(segment_is_done(&log, &big));
	append(&log, 1, "x");
	text[segment_rest(&log, &big, 827)] = '\0';
	append(&log, 1, text); /* no newline for so long: cut anywhere */
	CHECK_INT(segment_rest(&log, &big, 65536), 0);
	CHECK(segment_is_done(&log, &big));
	segment_close(&log);
}

TEST(an_index_that_outgrows_its_data_ends_a_segment_too)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct service_log log = closed();

	CHECK_INT(segment_open(logs, &log, &spec), 0);
	for (int i = 0; i < 5; i++) {
		append(&log, 0, "\n");
		segment_index(&log, 0);
	}
	CHECK_INT(log.stream[0].size, 5);
	CHECK(segment_is_done(&log, &spec));
	segment_close(&log);
}

TEST(rotation_keeps_so_many_and_numbers_go_on)
{
	AUTO_CLOSE int logs = scratch_dir();
	struct service_log log = closed();

	CHECK_INT(segment_open(logs, &log, &spec), 0);
	for (int i = 0; i < 11; i++)
		CHECK_INT(segment_rotate(logs, &log, &spec), 0);
	CHECK_INT(log.first, 10);
	CHECK_INT(log.last, 11);
	CHECK(size_of(logs, "app/out.9") < 0 && size_of(logs, "app/idx.9") < 0);
	CHECK_INT(size_of(logs, "app/err.10"), 0);
	segment_close(&log);
	log = closed();
	CHECK_INT(segment_open(logs, &log, &spec), 0);
	CHECK(log.first == 10 && log.last == 11);
	segment_close(&log);
}
