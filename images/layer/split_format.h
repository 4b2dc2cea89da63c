/*
 * images/layer/split_format.h - the bytes of stream.zst, for its writer and its reader.
 *
 * See split.h for what they mean.
 */
#ifndef IMAGES_SPLIT_FORMAT_H
#define IMAGES_SPLIT_FORMAT_H

#include <stdint.h>

#define SPLIT_MAGIC "mbsplit1"

enum {
	SPLIT_SKIPPABLE = 0x184D2A50, /* RFC 8878, 3.1.2: decoders pass over the frame */
	SPLIT_RAW = 'R',
	SPLIT_PATH = 'F',
	SPLIT_DATA = 'D',
	SPLIT_END = 'E',
	SPLIT_RAW_MAX = 64 << 10, /* bytes of one 'R' */
	SPLIT_PATH_MAX = 4095,
};

/* All numbers little-endian. */
struct split_head {
	uint32_t frame, frame_size;
	char magic[8];
	uint64_t bytes;     /* of the tar stream */
	uint64_t moves_at;  /* offset of the frame of moves */
	uint64_t moves_len; /* of the moves, unpacked */
};
_Static_assert(sizeof(struct split_head) == 40, "no padding");

#endif
