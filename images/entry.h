/*
 * images/entry.h - one tar entry applied to a layer.
 *
 * Knows libarchive's entries, overlayfs's whiteouts and what later entries do to earlier
 * ones. Does not know compression, digests or the store.
 */
#ifndef IMAGES_ENTRY_H
#define IMAGES_ENTRY_H

#include <archive.h>
#include <archive_entry.h>

#include "images/tree.h"

enum {
	ENTRY_ID_MAX = 65535 /* a container has that many ids; more cannot be mapped */
};

struct entry_totals {
	uint64_t bytes;     /* written to files */
	uint64_t unchecked; /* of these since the disk was last asked */
	uint64_t devices;   /* nodes left out */
	bool root;          /* the layer says what its root directory is like */
};

/**
 * entry_apply() - do what the entry says, in overlayfs's form
 * @a: read for the entry's data
 * Return: 0; TREE_E_DEPENDS (the tree is then useless); -errno, the error naming the
 * entry
 */
must_check int entry_apply(struct tree *t, struct archive *a, struct archive_entry *ae,
			   struct entry_totals *totals, struct err *e);

#endif
