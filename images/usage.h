/*
 * images/usage.h - how much of an image other images share.
 *
 * Knows the size of content, which is the same on every disk; not what it takes up there.
 */
#ifndef IMAGES_USAGE_H
#define IMAGES_USAGE_H

#include "images/image.h"

/** usage_unique() - set unique_bytes of each image (0 so far); @list is all of the
 * store's
 */
void usage_unique(struct image_store *s, struct image **list, size_t n);

#endif
