/*
 * images/archive/source.h - an image archive as named byte ranges.
 *
 * Knows tarballs (plain: read in place; compressed or from a pipe: spooled into an
 * unlinked file of the store) and directories. Does not know what the files mean.
 */
#ifndef IMAGES_SOURCE_H
#define IMAGES_SOURCE_H

#include "images/parse/wire.h"
#include "images/store.h"

enum { SOURCE_E_ABSENT = 1 };

#define BLOB_PIPE UINT64_MAX

struct blob {
	int fd;                /* the source's; read by pread only */
	uint64_t offset, size; /* size BLOB_PIPE: read(2) to its end instead */
};

struct source;

/**
 * source_open() - @path as image_load() takes it
 * The source keeps its files open until source_free().
 */
must_check int source_open(struct image_store *s, int dir, const char *path,
			   struct source **ret, struct err *e);
/**
 * source_find() - a file of the archive
 * @name: as written in the archive's JSON; what leads out of the archive is -EINVAL.
 * Links are followed within the archive (old `docker save` links equal layers). Return:
 * 0, SOURCE_E_ABSENT, -errno
 */
must_check int source_find(struct source *src, const char *name, struct blob *ret,
			   struct err *e);
/** source_read() - a small file whole; as source_find(), and -EFBIG past @max */
must_check int source_read(struct source *src, const char *name, size_t max,
			   struct buf *ret, struct err *e);
/** source_read_blob() - the same for what was found; @what names it in errors */
must_check int source_read_blob(const struct blob *from, const char *what, size_t max,
				struct buf *ret, struct err *e);
/** source_document() - have a document of the archive parsed; see jail_document() */
must_check int source_document(struct source *src, const char *job,
			       const struct buf *text, struct buf *ret,
			       struct wire_list *ret_list, struct err *e);
struct source *source_free(struct source *src);

#endif
