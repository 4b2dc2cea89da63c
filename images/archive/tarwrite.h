/*
 * images/archive/tarwrite.h - headers of a tar archive of ordinary files.
 *
 * Pure. POSIX pax interchange format: ustar, with an extended header before a member
 * whose name or size ustar cannot hold. Every member is root's, 0644, of 1970, so that
 * the same content always gives the same archive.
 */
#ifndef IMAGES_TARWRITE_H
#define IMAGES_TARWRITE_H

#include <stdint.h>

#include "runtime/base/str.h"

/** tarwrite_header() - append what stands before the @size bytes of the file @name
 * @name: relative, at most 255 bytes */
void tarwrite_header(struct buf *b, const char *name, uint64_t size);
/** tarwrite_padding() - append the zeros that follow @size bytes of content */
void tarwrite_padding(struct buf *b, uint64_t size);
/** tarwrite_end() - append the end of an archive */
void tarwrite_end(struct buf *b);

#endif
