/*
 * base/du.h - how much room a directory tree takes on its disk.
 *
 * Counts blocks, not lengths, and a file of several names once, as du(1) does.
 */
#ifndef BASE_DU_H
#define BASE_DU_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"

enum {
	DU_BLOCK = 512
}; /* bytes of a unit of st_blocks, whatever the file system's own */

/* Files of several names that have been counted. All trees counted with the same one are
 * as one tree. */
struct du {
	struct du_file {
		uint64_t dev, ino;
	} * seen; /* hashed; ino 0 is free */
	size_t n, cap;
};
#define DU_INIT                                                                          \
	{                                                                                \
		NULL, 0, 0                                                               \
	}
void du_free(struct du *d);
#define AUTO_DU __attribute__((cleanup(du_free)))

/**
 * du_tree() - add to *@bytes what @name below @dir takes, with all below it
 * Absent is nothing, also what vanishes meanwhile. Symlinks are not followed; other file
 * systems mounted inside are not counted.
 * Return: 0; -EOVERFLOW for a tree deeper than 16384 directories; -errno
 */
must_check int du_tree(struct du *d, int dir, const char *name, uint64_t *bytes,
		       struct err *e);

#endif
