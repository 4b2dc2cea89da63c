/*
 * cli/outfile.h - a file that a command makes: whole, or not at all. Private.
 */
#ifndef CLI_OUTFILE_H
#define CLI_OUTFILE_H

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct outfile {
	int fd;           /* to write to */
	const char *what; /* its name in messages; borrowed */
	char *path, *tmp; /* NULL: nothing has to be renamed */
};
#define OUTFILE_INIT                                                                     \
	{                                                                                \
		-1, "", NULL, NULL                                                       \
	}

/**
 * outfile_open() - begin to write @path
 * @path: NULL or "-": standard output, which must not be a terminal; borrowed. What is
 *        there and is no file (a FIFO, a device) is written to as it is.
 * A file gets a temporary name beside @path: an old file stays as it was until
 * outfile_finish(), and outfile_close() without that leaves nothing.
 */
must_check int outfile_open(const char *path, struct outfile *ret, struct err *e);
/** outfile_finish() - all is written: flush it to the disk, give it its name */
must_check int outfile_finish(struct outfile *o, struct err *e);
void outfile_close(struct outfile *o);
#define AUTO_OUTFILE __attribute__((cleanup(outfile_close)))

#endif
