/*
 * images/archive/descriptor.h - what an index or a manifest says of one blob.
 *
 * Knows the parser's answer to WIRE_INDEX and the choice of a platform. Does not know
 * where blobs are: an archive's layout and a registry have the same documents.
 */
#ifndef IMAGES_DESCRIPTOR_H
#define IMAGES_DESCRIPTOR_H

#include "images/digest.h"
#include "images/parse/wire.h"

/* All strings are borrowed from the list; NULL where nothing is said, but for the first
 * three, which are "" then. */
struct descriptor {
	const char *kind; /* "index" (no more than that), "manifest", "config", "layer" */
	const char *digest, *size;
	const char *type; /* media type; of a layer it is not looked at */
	const char *os, *architecture, *variant, *full_name, *ref_name;
	bool attestation;
};

/** descriptor_next() - the next of @l; false at its end */
bool descriptor_next(struct wire_list *l, struct descriptor *d);
/** descriptor_blob() - its digest and size (bytes); -EINVAL if they are none */
must_check int descriptor_blob(const struct descriptor *d, struct digest *ret_digest,
			       uint64_t *ret_size, struct err *e);
/**
 * descriptor_rank() - how well an index's entry suits a machine
 * @machine: uname's word ("x86_64")
 * Return: 0 not at all; more is better. A variant the machine runs is better than none;
 * an entry that states no platform is taken at its word: any. A build's attestation,
 * stored like an image, suits none. (image-spec v1.1, image-index.md)
 */
int descriptor_rank(const struct descriptor *d, const char *machine);
/**
 * descriptor_choose() - the entry of @list that suits @machine best, the first of equals
 * -EINVAL if none does, naming the platforms there are.
 */
must_check int descriptor_choose(struct wire_list list, const char *machine,
				 struct descriptor *ret, struct err *e);
/** descriptor_is_host() - is @arch (Go's word: "amd64") this machine's? */
bool descriptor_is_host(const char *arch);
/** descriptor_host() - this machine's, in Go's word; owned by the caller */
char *descriptor_host(void);

#endif
