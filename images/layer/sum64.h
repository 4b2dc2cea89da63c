/*
 * images/layer/sum64.h - a quick checksum of 64 bits: XXH64 with seed 0.
 *
 * Finds damage and tells which file it is in; digest.h is what vouches for content. It is
 * memory that limits it, so it may run beside any other work on the bytes.
 */
#ifndef IMAGES_SUM64_H
#define IMAGES_SUM64_H

#include <stddef.h>
#include <stdint.h>

struct sum64 {
	uint64_t lane[4], n;
	unsigned char part[32]; /* what does not fill a stripe yet */
};

void sum64_init(struct sum64 *s);
/** sum64_add() - in pieces of any size: only their order matters */
void sum64_add(struct sum64 *s, const void *data, size_t n);
/** sum64_get() - of all so far; more may be added after */
uint64_t sum64_get(const struct sum64 *s);

#endif
