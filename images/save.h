/*
 * images/save.h - the documents of a saved archive.
 *
 * Pure: what image_save() knows of its images, as JSON. Forms: OCI image-spec (index,
 * manifest), Docker's manifest.json.
 */
#ifndef IMAGES_SAVE_H
#define IMAGES_SAVE_H

#include "images/digest.h"
#include "images/image.h"

struct save_layer {
	char *key, *path; /* in the store; in the archive */
	struct digest diff_id;
	uint64_t bytes; /* of the tar stream */
};

struct save_image {
	struct image *img;
	struct buf config;
	char *manifest; /* the OCI manifest's text */
	char *config_path, *manifest_path;
	struct save_layer *layers; /* as many as img has */
};

/** save_blob_path() - where a blob stands in an archive; owned by the caller */
char *save_blob_path(const struct digest *d);
/** save_manifest() - the OCI manifest of an image all else of which is known; owned by
 * the caller */
char *save_manifest(const struct save_image *si);
/** save_index() - index.json: a descriptor for each name; owned by the caller */
char *save_index(const struct save_image *v, size_t n);
/** save_docker() - manifest.json; owned by the caller */
char *save_docker(const struct save_image *v, size_t n);

#endif
