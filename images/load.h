/* images/load.h - loading an archive, for image_load() and image_ensure(). */
#ifndef IMAGES_LOAD_H
#define IMAGES_LOAD_H

#include "images/archive/archive_image.h"
#include "images/image.h"

/**
 * load_archive() - as image_load()
 * @single: refuse, before anything is unpacked, an archive that does not hold exactly one
 * image
 */
must_check int load_archive(struct image_store *s, int dir, const char *path,
			    const struct image_progress *p, bool single,
			    struct image ***ret, size_t *n, struct err *e);

/** load_foresee() - the id of the one image an archive holds; nothing is unpacked */
must_check int load_foresee(struct image_store *s, int dir, const char *path,
			    char **ret_id, struct err *e);

/**
 * load_images() - take the images of @list into the store: layers, records, names
 * @ret: as image_load()'s. On failure layers that nothing refers to are removed again.
 */
must_check int load_images(struct image_store *s, const struct archive_images *list,
			   const struct image_progress *p, struct image ***ret, size_t *n,
			   struct err *e);

#endif
