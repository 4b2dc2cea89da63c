/* images/find.h - from what people write to an image of the store. */
#ifndef IMAGES_FIND_H
#define IMAGES_FIND_H

#include "images/image.h"

/**
 * find_hex() - the 64 digits of the image @ref means
 * @ret_by_name: @ref was a name, not an id or a digest
 * Return: 0, IMAGE_E_NOT_FOUND, -EINVAL for a short id that is not unique
 */
must_check int find_hex(struct image_store *s, const char *ref, char **ret_hex,
			bool *ret_by_name, struct err *e);

#endif
