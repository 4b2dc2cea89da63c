/*
 * stack/diag.h - errors in stack files: collected, sorted, shown with their line and a
 * caret.
 *
 * Knows positions and the files' text. Does not know what is wrong; prints nothing
 * itself.
 */
#ifndef STACK_DIAG_H
#define STACK_DIAG_H

#include "runtime/stack/conf/conf_tree.h"

enum { DIAG_MAX = 50 }; /* shown in one run; further ones are counted */

struct diag_item {
	struct model_pos pos;
	char *text, *hint;
	size_t file; /* index in the set: files are shown in the order they were read */
};

struct diag {
	const struct conf_files *files;
	struct diag_item *v;
	size_t n;
	size_t dropped;
};

void diag_free(struct diag *d);
/** diag_at() - note an error at @pos. The same text at the same place is kept once. */
void diag_at(struct diag *d, struct model_pos pos, const char *fmt, ...)
	printf_like(3, 4);
/** diag_hint() - a word of advice beside the caret of the error noted last */
void diag_hint(struct diag *d, const char *fmt, ...) printf_like(2, 3);
/** diag_suggest() - the nearest of @names within edit distance 2, or NULL; borrowed
 * @names: NULL-terminated */
const char *diag_suggest(const char *word, const char *const *names);
/** diag_format() - all of them as text, in the order of the files and lines */
void diag_format(struct diag *d, struct buf *ret);

#endif
