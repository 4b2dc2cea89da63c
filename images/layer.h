/*
 * images/layer.h - unpacked layers of the store: layers/KEY/{fs/,layer.json}.
 *
 * Knows keys, locks and the atomic appearance of a layer. Does not know images.
 */
#ifndef IMAGES_LAYER_H
#define IMAGES_LAYER_H

#include "images/digest.h"
#include "images/archive/source.h"
#include "images/layer/tree.h"

struct layer_meta {
	uint64_t bytes;  /* of file content */
	bool root;       /* the layer itself says what the root directory is like */
	bool root_plain; /* the root is 0755 root without xattrs */
};

struct layer_want {
	struct blob blob;
	/* If set, the blob is not there yet: called when the layer has to be unpacked, it
	 * gives a pipe with the blob's bytes, which is read to its end and closed here.
	 */
	int (*open)(void *arg, int *ret_fd, struct err *e);
	void *open_arg;
	const struct digest *digest; /* of the blob, or NULL */
	struct digest diff_id, chain_id;
	bool bottom, hollow;
	int below; /* -1, or the merged layers below: the layer is then keyed by its chain
		    */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/**
 * layer_ensure() - find the layer in the store or unpack it there
 * @ret_key:    owned by the caller
 * @ret_cached: it was there (or another load has just made it)
 * Return: 0; TREE_E_DEPENDS: call again with the layers below; -errno
 */
must_check int layer_ensure(struct image_store *s, const struct layer_want *w,
			    char **ret_key, struct layer_meta *ret_meta, bool *ret_cached,
			    struct err *e);
/**
 * layer_import() - unpack @blob as a bottom layer, whatever its diffID turns out to be
 * @ret_diff_id: that. Other arguments as above; the caller holds load.lock shared.
 */
must_check int layer_import(struct image_store *s, const struct blob *blob,
			    char **ret_key, struct digest *ret_diff_id,
			    struct layer_meta *ret_meta, struct err *e);
/**
 * layer_rebuild() - unpack @w->open's stream into the empty @dir, as layer_ensure()
 * would, but without content: what its files' attributes should be
 * @ret_copied: files of it that have content, since it came from the layers below; freed
 *              by the caller always
 * @ret_diff_id: of the stream, whatever @w says; its kind (alg) is @w's
 */
must_check int layer_rebuild(struct image_store *s, const struct layer_want *w, int dir,
			     struct layer_meta *ret_meta, struct strv *ret_copied,
			     struct digest *ret_diff_id, struct err *e);
/** layer_meta() - what is known of layer @key; IMAGE_E_NOT_FOUND if the store lacks it */
must_check int layer_meta(struct image_store *s, const char *key, struct layer_meta *ret,
			  struct err *e);
/** layer_open() - the fs directory of layer @key; IMAGE_E_NOT_FOUND if the store lacks it
 */
must_check int layer_open(struct image_store *s, const char *key, int *ret_fd,
			  struct err *e);

#endif
