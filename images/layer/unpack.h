/*
 * images/layer/unpack.h - one layer's blob → a directory tree in overlayfs's form,
 * verified.
 *
 * Knows how the stream of bytes, the confined tar parser and the tree come together. Does
 * not know the store.
 */
#ifndef IMAGES_UNPACK_H
#define IMAGES_UNPACK_H

#include "images/digest.h"
#include "images/layer/entry.h"
#include "images/archive/source.h"
#include "images/layer/tree.h"

struct unpack_job {
	struct blob blob;
	const struct digest *digest;  /* of the blob; NULL: none is known */
	const struct digest *diff_id; /* NULL: whatever it is, and so if hollow */
	int dir;   /* of the layer: what is not in the tree goes here */
	int root;  /* empty directory, fs/ below it */
	int below; /* merged layers below, with TREE_ABOVE */
	enum tree_mode mode;
	bool hollow;                                                /* see entry.h */
	void (*progress)(void *arg, uint64_t done, uint64_t total); /* may be NULL */
	void *arg;
};

struct unpack_result {
	struct entry_totals totals;
	uint64_t entries;
	struct digest diff_id;
	struct strv copied; /* files brought up from the layers below; freed by the caller
			       always */
	bool depends; /* with TREE_BOTTOM: made things up that layers below would have had
		       */
};

/**
 * unpack_layer() - fill the root; nothing outside of the layer's directory is touched
 * Return: 0; TREE_E_DEPENDS (only with TREE_ALONE; the root then holds rubbish); -errno
 */
must_check int unpack_layer(struct image_store *s, const struct unpack_job *job,
			    struct unpack_result *ret, struct err *e);

#endif
