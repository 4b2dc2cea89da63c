/*
 * images/layer/entry.h - one tar entry applied to a layer.
 *
 * Knows overlayfs's whiteouts and what later entries do to earlier ones. Entries come
 * from the confined parser and are believed no more than the archive: names are cleaned,
 * ids and sizes checked here. Does not know compression, digests or the store.
 */
#ifndef IMAGES_ENTRY_H
#define IMAGES_ENTRY_H

#include "images/parse/wire.h"
#include "images/layer/tree.h"

enum {
	ENTRY_ID_MAX = 65535 /* a container has that many ids; more cannot be mapped */
};

struct entry_totals {
	uint64_t bytes;   /* written to files */
	uint64_t devices; /* nodes left out */
	bool root;        /* the layer says what its root directory is like */
};

/* Where content comes from, and who wants to know where it went. */
struct entry_io {
	void *arg;
	/* The next bytes of the entry's content, and where in the file they belong; valid
	 * until the next call. 0 at its end; -errno. */
	ssize_t (*data)(void *arg, const void **ret, uint64_t *ret_offset, struct err *e);
	/* Those bytes now stand at @offset of @path (below the root, without symlinks).
	 */
	int (*placed)(void *arg, const char *path, uint64_t offset, const void *data,
		      size_t n, struct err *e);
	/* What this layer has made at @path, the name @base below @dir, is in the way of
	 * a later entry: take it away. */
	int (*displace)(void *arg, int dir, const char *base, const char *path,
			struct err *e);
	/* So many bytes are about to be written: -EFBIG, -ENOSPC if they may not. */
	int (*room)(void *arg, uint64_t bytes, struct err *e);
	bool hollow; /* files get their size, but nothing is written: for comparing */
};

/**
 * entry_apply() - do what the entry says, in overlayfs's form
 * Return: 0; TREE_E_DEPENDS (the tree is then useless); -errno, the error naming the
 * entry
 */
must_check int entry_apply(struct tree *t, const struct wire_entry *w,
			   const struct entry_io *io, struct entry_totals *totals,
			   struct err *e);

#endif
