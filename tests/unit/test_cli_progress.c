/* What a row of the progress view says. */
#include "runtime/cli/progress.h"

#include "tests/lib/test.h"

static const struct {
	uint64_t done, total;
	double rate;
	const char *text;
} rows[] = {
	{ 0, 1000, 0, "layer 2/3 sha256:0123  0 B of 1000 B  0%" },
	{ 512 << 10, 1 << 20, 256 << 10,
	  "layer 2/3 sha256:0123  512.0 KiB of 1.0 MiB  50%  256.0 KiB/s  2 s left" },
	{ 0, 600 << 20, 5 << 20,
	  "layer 2/3 sha256:0123  0 B of 600.0 MiB  0%  5.0 MiB/s  2 min 00 s left" },
	{ 0, UINT64_C(72) << 30, 10 << 20,
	  "layer 2/3 sha256:0123  0 B of 72.0 GiB  0%  10.0 MiB/s  2 h 02 min left" },
	{ 1, UINT64_MAX, 1.5,
	  "layer 2/3 sha256:0123  1 B of 16777216.0 TiB  0%  1 B/s  100 h 00 min left" },
};

TEST(a_line_has_bytes_percent_rate_and_time_left)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct progress_row row = { .used = true,
					    .i = 1,
					    .n = 3,
					    .digest = "sha256:0123",
					    .done = rows[i].done,
					    .total = rows[i].total,
					    .rate = rows[i].rate };
		char line[128];

		progress_line(&row, line);
		CHECK_STR(line, rows[i].text);
	}
}

/* Standard error as a file; what was written to it. */
static char *written(void (*act)(struct progress *p), struct progress *p)
{
	AUTO_CLOSE int dir = scratch_dir();
	int file = openat(dir, "err", O_CREAT | O_RDWR, 0600);
	AUTO_BUF struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	int saved = dup(STDERR_FILENO);

	CHECK(file >= 0 && saved >= 0);
	dup2(file, STDERR_FILENO);
	act(p);
	dup2(saved, STDERR_FILENO);
	CHECK_OK(fd_read_file(dir, "err", 1 << 20, &b, &e), &e);
	return buf_take(&b);
}

static void two_layers(struct progress *p)
{
	progress_layer(p, 0, 2, "sha256:aaaaaaaaaaaaaaaa", 0, 100, false);
	progress_layer(p, 1, 2, "sha256:bbbbbbbbbbbbbbbb", 200, 200, true);
	progress_layer(p, 0, 2, "sha256:aaaaaaaaaaaaaaaa", 99, 100, false);
	progress_layer(p, 0, 2, "sha256:aaaaaaaaaaaaaaaa", 100, 100, false);
	progress_end(p);
}

TEST(without_a_terminal_a_line_is_for_a_layer_that_is_done)
{
	struct progress p = { .plain = true };

	CHECK_STR(written(two_layers, &p),
		  "layer 2/2 sha256:bbbbbbbbbbbb  200 B  is here\n"
		  "layer 1/2 sha256:aaaaaaaaaaaa  100 B  unpacked\n");
}

TEST(nothing_is_said_where_nothing_is_wanted)
{
	struct progress p = { 0 };

	CHECK_STR(written(two_layers, &p), "");
}

TEST(on_a_terminal_what_is_under_way_is_redrawn_below_what_is_done)
{
	struct progress p = { .live = true };
	char *text = written(two_layers, &p);

	CHECK_STR(text, "layer 1/2 sha256:aaaaaaaaaaaa  0 B of 100 B  0%\n"
			"\033[1A\033[J"
			"layer 2/2 sha256:bbbbbbbbbbbb  200 B  is here\n"
			"layer 1/2 sha256:aaaaaaaaaaaa  0 B of 100 B  0%\n"
			"\033[1A\033[J"
			"layer 1/2 sha256:aaaaaaaaaaaa  100 B  unpacked\n");
	CHECK_INT(p.drawn, 0);
}

static void more_than_rows(struct progress *p)
{
	for (size_t i = 0; i < PROGRESS_ROWS + 5; i++)
		progress_layer(p, i, 40, "sha256:cc", 0, 100, false);
	for (size_t i = 0; i < PROGRESS_ROWS; i++)
		progress_layer(p, i, 40, "sha256:cc", 100, 100, false);
	progress_layer(p, 39, 40, "sha256:cc", 100, 100, false);
}

TEST(more_layers_than_rows_do_no_harm)
{
	struct progress p = { .plain = true };
	char *text = written(more_than_rows, &p);
	size_t lines = 0;

	for (char *c = text; *c; c++)
		lines += *c == '\n';
	CHECK_INT(lines, PROGRESS_ROWS + 1);
}
