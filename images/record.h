/*
 * images/record.h - images and names as files of the store: images/ID/ and refs/NAME.
 *
 * Knows their format. Does not know archives or layers' content.
 */
#ifndef IMAGES_RECORD_H
#define IMAGES_RECORD_H

#include "images/image.h"

/** record_layers() - the layer keys of image @hex, appended to @ret; none if it has been
 * removed */
must_check int record_layers(struct image_store *s, const char *hex, struct strv *ret,
			     struct err *e);
/**
 * record_read() - image @hex (64 digits) with all its names
 * Return: 0, IMAGE_E_NOT_FOUND, -errno for a damaged record
 */
must_check int record_read(struct image_store *s, const char *hex, struct image **ret,
			   struct err *e);
/**
 * record_parse() - have the config of image @hex, as it was in the archive, parsed anew
 * @answer: the parser's words, freed by the caller always
 * @img:    zeroed; gets its id and config, no names and no layers
 * -EINVAL if it is not what its id says.
 */
must_check int record_parse(struct image_store *s, const char *hex, struct buf *answer,
			    struct image *img, struct err *e);
/** record_check() - is what was kept of the config of image @hex what record_parse()
 * says? 0, or -EINVAL */
must_check int record_check(struct image_store *s, const char *hex, struct err *e);
/** record_read_names() - only the id and the names of image @hex, which may be damaged */
must_check int record_read_names(struct image_store *s, const char *hex,
				 struct image **ret, struct err *e);
/**
 * record_write() - make the image visible: its directory first, then the names
 * @config:   the bytes as in the archive
 * @answer:   what the confined parser said of them (imgconf.h), kept so that nobody has
 *            to parse them again
 * @manifest: digest of the manifest, or NULL
 */
must_check int record_write(struct image_store *s, const struct image *img,
			    const struct buf *config, const struct buf *answer,
			    const char *manifest, struct err *e);
/** record_name() - let @name (familiar) mean the image @id ("sha256:…"), whatever it
 * meant; under store_lock_names() */
must_check int record_name(struct image_store *s, const char *id, const char *name,
			   struct err *e);
/** record_unname() - take a name away; under store_lock_names() */
must_check int record_unname(struct image_store *s, const char *name, struct err *e);
/** record_drop() - take image @img away with all its names; its layers stay. Under
 * store_lock_names() */
must_check int record_drop(struct image_store *s, const struct image *img, struct err *e);
/** record_by_name() - hex id behind a familiar name; 0 or IMAGE_E_NOT_FOUND */
must_check int record_by_name(struct image_store *s, const char *name, char **ret_hex,
			      struct err *e);
/** record_by_manifest() - hex id of the image with that manifest digest; 0 or
 * IMAGE_E_NOT_FOUND */
must_check int record_by_manifest(struct image_store *s, const char *digest,
				  char **ret_hex, struct err *e);

#endif
