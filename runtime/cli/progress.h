/*
 * cli/progress.h - the layers of an image, while they are fetched or unpacked. Private.
 *
 * Knows the terminal: a line a layer under way, redrawn in place below the lines of those
 * that are done. Does not know where the bytes come from.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "images/image.h"

enum { PROGRESS_ROWS = 16 }; /* under way at once; a load has at most nine threads */

struct progress_row {
	bool used;
	size_t i, n;
	char digest[20];
	uint64_t done, total;
	uint64_t start_ns, mark_ns, mark_done; /* of the rate's last measurement */
	double rate;                           /* bytes a second; 0: not known yet */
};

struct progress {
	bool live;  /* standard error is a terminal: redraw */
	bool plain; /* else: a line for each layer that is done; false: nothing */
	struct progress_row rows[PROGRESS_ROWS];
	unsigned drawn; /* lines below the last one that stays */
	uint64_t drawn_ns;
};

/** progress_layer() - image_progress's function; @arg is the struct progress */
void progress_layer(void *arg, size_t i, size_t n, const char *digest, uint64_t done,
		    uint64_t total, bool cached);
/** progress_end() - take away the lines of what is under way */
void progress_end(struct progress *p);
/**
 * progress_line() - what a row says: bytes, percent, rate and time left
 * @ret: at least 128 bytes
 */
void progress_line(const struct progress_row *row, char *ret);

#endif
