/* images/mount.h - the overlay of some layers, for image_mount() and for layers that need
 * it. */
#ifndef IMAGES_MOUNT_H
#define IMAGES_MOUNT_H

#include "images/image.h"

/** mount_layers() - @keys (bottom first) merged, read-only, ids as stored; a detached
 * mount fd */
must_check int mount_layers(struct image_store *s, const struct strv *keys, int *ret_fd,
			    struct err *e);

#endif
