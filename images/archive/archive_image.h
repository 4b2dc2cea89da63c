/*
 * images/archive/archive_image.h - what an archive says it holds, before anything is
 * unpacked.
 *
 * Two readers give the same answer: layout.c for OCI layouts, dockerar.c for
 * docker-archives. Manifests and configs are verified here; layers are only pointed at.
 */
#ifndef IMAGES_ARCHIVE_IMAGE_H
#define IMAGES_ARCHIVE_IMAGE_H

#include "images/digest.h"
#include "images/archive/source.h"

struct archive_layer {
	struct blob blob;
	int (*open)(void *arg, int *ret_fd, struct err *e); /* see layer.h; else NULL */
	void *open_arg;
	bool has_digest; /* a docker-archive gives none for the blob, only the diffID */
	struct digest digest;
};

struct archive_image {
	struct strv names; /* familiar form */
	struct buf config; /* as it stands in the archive */
	char *manifest;    /* digest of the manifest; NULL in a docker-archive */
	struct archive_layer *layers;
	size_t n_layers;
};

struct archive_images {
	struct archive_image *v;
	size_t n;
};

/** archive_images_read() - of @src, whichever form it has; @ret is freed by the caller
 * always */
must_check int archive_images_read(struct source *src, struct archive_images *ret,
				   struct err *e);
void archive_images_free(struct archive_images *list);

/* For the two readers: */
/** archive_images_add() - a new, empty image at the end of the list; borrowed */
struct archive_image *archive_images_add(struct archive_images *list);
/** archive_image_name() - note a name in its familiar form; one that is none is warned
 * about */
void archive_image_name(struct archive_image *img, const char *name);
/** archive_image_layer() - a new layer on top of the others; borrowed until the next */
struct archive_layer *archive_image_layer(struct archive_image *img);
/** layout_read(), dockerar_read() - see archive_images_read(); @top is the top file's
 * text
 */
must_check int layout_read(struct source *src, const struct buf *top,
			   struct archive_images *ret, struct err *e);
must_check int dockerar_read(struct source *src, const struct buf *top,
			     struct archive_images *ret, struct err *e);

#endif
