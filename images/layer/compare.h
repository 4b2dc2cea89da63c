/*
 * images/layer/compare.h - two trees of one layer: as it should be, and as it is.
 *
 * Knows names and attributes. Content is for digests, but for files the caller names.
 */
#ifndef IMAGES_COMPARE_H
#define IMAGES_COMPARE_H

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct compare {
	int want, have;             /* the two roots; borrowed */
	const struct strv *content; /* paths of files whose content counts, too */
	/* @path: as in the layer, "" for the root; @what: "is missing", … */
	void (*fault)(void *arg, const char *path, const char *what);
	void *arg;
};

/**
 * compare_trees() - one fault for each name that is missing, should not be there, or is
 * not as it should be: type, mode, owner, size, device, time, links, target, xattrs What
 * is below a directory that should not be there is not looked at. The times of whiteouts
 * say nothing and are passed over.
 */
must_check int compare_trees(const struct compare *c, struct err *e);

#endif
