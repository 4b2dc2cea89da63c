/* cli/progress.c - see progress.h. */
#include "runtime/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/cli/context.h"

enum { LINE = 128, WIDTH = 80, REDRAW_MS = 100, MEASURE_MS = 1000 };

#define MS UINT64_C(1000000)
#define SECOND 1e9

static struct progress_row *find_row(struct progress *p, size_t i)
{
	struct progress_row *empty = NULL;

	for (size_t k = 0; k < PROGRESS_ROWS; k++) {
		if (p->rows[k].used && p->rows[k].i == i)
			return &p->rows[k];
		if (!p->rows[k].used && !empty)
			empty = &p->rows[k];
	}
	return empty;
}

/* A second's average, the older ones fading; before that what there is. */
static void measure(struct progress_row *row, uint64_t now)
{
	uint64_t ns = now - row->mark_ns;
	double rate;

	if (ns < MEASURE_MS * MS && (row->rate > 0 || ns < REDRAW_MS * MS))
		return;
	rate = (double)(row->done - row->mark_done) * SECOND / (double)ns;
	if (ns < MEASURE_MS * MS) {
		row->rate = rate;
		return;
	}
	row->rate = row->rate > 0 ? (2 * row->rate + rate) / 3 : rate;
	row->mark_ns = now;
	row->mark_done = row->done;
}

static void format_time(double seconds, char *ret, size_t n)
{
	unsigned s = seconds < 360000 ? (unsigned)(seconds + 0.5) : 360000;

	if (s < 60)
		snprintf(ret, n, "%u s", s);
	else if (s < 3600)
		snprintf(ret, n, "%u min %02u s", s / 60, s % 60);
	else
		snprintf(ret, n, "%u h %02u min", s / 3600, s / 60 % 60);
}

void progress_line(const struct progress_row *row, char *ret)
{
	char have[16], all[16], rate[16], left[32];
	unsigned percent =
		row->total ? (unsigned)((double)row->done * 100 / (double)row->total) : 0;
	int n = snprintf(ret, LINE, "layer %zu/%zu %s  %s of %s  %u%%", row->i + 1,
			 row->n, row->digest, cli_size(row->done, have),
			 cli_size(row->total, all), percent);

	if (row->rate < 1)
		return;
	format_time((double)(row->total - row->done) / row->rate, left, sizeof(left));
	snprintf(ret + n, (size_t)(LINE - n), "  %s/s  %s left",
		 cli_size((uint64_t)row->rate, rate), left);
}

static int width(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : WIDTH;
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\033[%uA\033[J", p->drawn);
	p->drawn = 0;
}

/* A line that wrapped would be two for the next redraw. */
static void draw(struct progress *p)
{
	char line[LINE];
	int columns = width() - 1;

	for (size_t k = 0; k < PROGRESS_ROWS; k++) {
		if (!p->rows[k].used)
			continue;
		progress_line(&p->rows[k], line);
		fprintf(stderr, "%.*s\n", columns, line);
		p->drawn++;
	}
	fflush(stderr);
}

static void print_done(const struct progress_row *row, uint64_t now, bool cached)
{
	double seconds = (double)(now - row->start_ns) / SECOND;
	char size[16], rate[16], took[32];

	fprintf(stderr, "layer %zu/%zu %s  %s  %s", row->i + 1, row->n, row->digest,
		cli_size(row->total, size), cached ? "is here" : "unpacked");
	if (!cached && seconds >= 1) {
		format_time(seconds, took, sizeof(took));
		fprintf(stderr, " in %s, %s/s", took,
			cli_size((uint64_t)((double)row->total / seconds), rate));
	}
	fputc('\n', stderr);
}

static struct progress_row *note(struct progress *p, size_t i, size_t n,
				 const char *digest, uint64_t done, uint64_t total,
				 uint64_t now)
{
	struct progress_row *row = find_row(p, i);

	if (!row)
		return NULL;
	if (!row->used || done < row->done) { /* it is begun anew above other layers */
		*row = (struct progress_row){ .used = true,
					      .i = i,
					      .n = n,
					      .start_ns = now,
					      .mark_ns = now,
					      .mark_done = done };
		snprintf(row->digest, sizeof(row->digest), "%.19s", digest);
	}
	row->done = done;
	row->total = total;
	measure(row, now);
	return row;
}

void progress_layer(void *arg, size_t i, size_t n, const char *digest, uint64_t done,
		    uint64_t total, bool cached)
{
	struct progress *p = arg;
	uint64_t now = proc_now_ns();
	bool finished = cached || done >= total;
	struct progress_row *row;

	if (!p->live && !p->plain)
		return;
	row = note(p, i, n, digest, done, total, now);
	if (!row || (!finished && (!p->live || now - p->drawn_ns < REDRAW_MS * MS)))
		return;
	progress_end(p);
	if (finished) {
		print_done(row, now, cached);
		row->used = false;
	}
	if (p->live)
		draw(p);
	p->drawn_ns = now;
}
