/*
 * images/layer/tarname.h - names of tar entries, as text.
 *
 * Pure: no file is looked at. A clean name is relative, has no empty, "." or ".."
 * component, and is "" for the root itself.
 */
#ifndef IMAGES_TARNAME_H
#define IMAGES_TARNAME_H

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum {
	TARNAME_MAX = 4095, /* PATH_MAX without its NUL: what the kernel can take */
	TARNAME_DEPTH_MAX =
		500 /* removing a tree holds one fd a level; 1024 is a usual limit */
};

/**
 * tarname_clean() - clean @raw into @ret (which is emptied first)
 * A leading '/' means the root. -EINVAL for a name that leaves the root by "..",
 * -ENAMETOOLONG past the limits above.
 */
must_check int tarname_clean(const char *raw, struct buf *ret, struct err *e);
/** tarname_base() - the last component of a clean name; borrowed */
const char *tarname_base(const char *clean);
/** tarname_dir() - all but the last component ("" if that is the root); owned by the
 * caller */
char *tarname_dir(const char *clean);

#endif
