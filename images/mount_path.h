/*
 * images/mount_path.h - the overlay made by path names, for kernels that take no fds
 * (before 6.13).
 */
#ifndef IMAGES_MOUNT_PATH_H
#define IMAGES_MOUNT_PATH_H

#include "runtime/base/err.h"
#include "runtime/base/str.h"

/* What an overlay is made of. */
struct mount_parts {
	int layers;        /* detached, mapped mount of the store's layers/ */
	struct strv names; /* lowers below it, uppermost first */
	int *lowers;       /* the same, opened */
	size_t n_lowers;
	int upper; /* detached, mapped mount of the upper directory; -1: read-only */
	int store_upper; /* the directory itself */
};
void mount_parts_free(struct mount_parts *p);

/**
 * mount_by_path() - attach the parts below a private tmpfs, mount by short names, detach
 * all again
 * @scratch: absolute, existing directory; nothing is left in it
 * The fds of @p->layers and @p->upper stay open but are no longer detached mounts.
 */
must_check int mount_by_path(struct mount_parts *p, const char *scratch, int *ret_fd,
			     struct err *e);

#endif
