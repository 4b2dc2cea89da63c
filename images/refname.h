/*
 * images/refname.h - image names: [DOMAIN/]PATH[:TAG][@DIGEST].
 *
 * Pure. The grammar is that of the distribution project; the familiar form drops what
 * everyone leaves out: docker.io/library/postgres:16 is postgres:16.
 */
#ifndef IMAGES_REFNAME_H
#define IMAGES_REFNAME_H

#include "runtime/base/str.h"

enum { REFNAME_MAX = 200 }; /* it becomes a file name, which may have 255 bytes */

struct refname {
	char *name;   /* familiar, always with a tag: "postgres:latest" */
	char *digest; /* "sha256:…" or NULL */
};
void refname_free(struct refname *r);
#define AUTO_REFNAME __attribute__((cleanup(refname_free)))

/** refname_parse() - false (and nothing to free) if @text is not a name */
bool refname_parse(const char *text, struct refname *ret);
/** refname_full() - a familiar name with its domain: "docker.io/library/postgres:16";
 * owned by the caller */
char *refname_full(const char *name);
/** refname_file() - the file name below refs/ for a familiar name; owned by the caller */
char *refname_file(const char *name);
/** refname_from_file() - the inverse of refname_file(); owned by the caller */
char *refname_from_file(const char *file);

#endif
