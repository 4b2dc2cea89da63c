/*
 * images/imgconf.h - the image configuration (OCI image-spec config.md, Docker's the
 * same).
 *
 * Pure: JSON bytes in, struct image out. Wrong types are refused, unknown members
 * ignored.
 */
#ifndef IMAGES_IMGCONF_H
#define IMAGES_IMGCONF_H

#include "images/digest.h"
#include "images/image.h"

enum {
	IMGCONF_LAYERS_MAX = 500, /* overlayfs takes no more lowers */
	IMGCONF_LIST_MAX = 8192,  /* env, labels …: execve refuses long before that */
	IMGCONF_JSON_MAX = 8 << 20
};

/**
 * imgconf_parse() - everything of @img but names, layers and size_bytes
 * @img: zeroed by the caller, who calls image_free() also after a failure
 */
must_check int imgconf_parse(const char *json, size_t n, struct image *img,
			     struct err *e);

#endif
