/*
 * stack/diff.h - two descriptions of a service, and what is said of their differences.
 * Pure, private.
 */
#ifndef STACK_DIFF_H
#define STACK_DIFF_H

#include "runtime/base/json.h"
#include "runtime/stack/stack.h"

struct diff {
	struct stack_change *v;
	size_t n;
};
struct diff_source { /* where the new description comes from; any may be NULL */
	const struct stack_model *model;
	const struct model_service *svc;
	const struct strv *hidden; /* values that are shown nowhere */
	/* What a member was that the old description has not: it is of a version of this
	 * program that did not know it yet. */
	const json_t *defaults;
};
/**
 * diff_configs() - append each difference of two services as model_format_json() has them
 * Of environment no value is shown; in commands, health tests and labels nothing that is
 * a value of either environment, or of @src->hidden. Lists are compared as sets, so that
 * what came is set against what went.
 */
void diff_configs(const json_t *was, const json_t *is, const struct diff_source *src,
		  struct diff *ret);
/** diff_add() - append one; texts are copied, @pos may have line 0 */
void diff_add(struct diff *d, const char *key, const char *was, const char *is,
	      struct model_pos pos);
/** diff_text() - all of @d on one line: "user: a -> b (stack.conf:7), …" with an arrow;
 * long values are cut around what differs; owned by the caller */
char *diff_text(const struct stack_change *v, size_t n);
void diff_free(struct stack_change *v, size_t n);

#endif
