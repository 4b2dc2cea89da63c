/*
 * images/imgconf.h - what the confined parser says of an image configuration → struct
 * image.
 *
 * Knows what the values mean (OCI image-spec config.md, Docker's the same). Does not know
 * JSON.
 */
#ifndef IMAGES_IMGCONF_H
#define IMAGES_IMGCONF_H

#include "images/digest.h"
#include "images/image.h"
#include "images/parse/wire.h"

enum {
	IMGCONF_LAYERS_MAX = 500, /* overlayfs takes no more lowers */
	IMGCONF_JSON_MAX = 8 << 20
};

/**
 * imgconf_decode() - everything of @img but id, names, layers and size_bytes
 * @img: zeroed by the caller, who calls image_free() also after a failure
 */
must_check int imgconf_decode(struct wire_list list, struct image *img, struct err *e);
/**
 * imgconf_parse() - have the configuration @json parsed, and decode the answer
 * @answer: that answer, for keeping; freed by the caller always
 * The id is set too: the digest of @json.
 */
must_check int imgconf_parse(struct image_store *s, const char *json, size_t n,
			     struct buf *answer, struct image *img, struct err *e);

#endif
