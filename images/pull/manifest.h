/*
 * images/pull/manifest.h - what a registry's manifest or index leads to.
 *
 * Parsed by minibox-parse; what it says is checked here. Does not know HTTP.
 */
#ifndef IMAGES_PULL_MANIFEST_H
#define IMAGES_PULL_MANIFEST_H

#include <stdint.h>

#include "images/digest.h"
#include "images/store.h"

struct pull_blob {
	struct digest digest;
	uint64_t size; /* bytes */
};

struct pull_manifest {
	bool is_index;
	struct pull_blob next;    /* of an index: the manifest, or index, to go on with */
	struct pull_blob config;  /* of a manifest */
	struct pull_blob *layers; /* bottom first */
	size_t n_layers;
};
void pull_manifest_free(struct pull_manifest *m);

/**
 * pull_manifest_parse() - a manifest or an index
 * @machine: uname's word; of an index the entry that suits it best is chosen
 * @ret:     zeroed by the caller, who calls pull_manifest_free() also after a failure
 * -EINVAL for what is neither, or not of a container image.
 */
must_check int pull_manifest_parse(struct image_store *s, const struct buf *text,
				   const char *machine, struct pull_manifest *ret,
				   struct err *e);

#endif
