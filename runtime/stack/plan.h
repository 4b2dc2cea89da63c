/*
 * stack/plan.h - wanted minus existing makes steps. Pure, private.
 */
#ifndef STACK_PLAN_H
#define STACK_PLAN_H

#include "runtime/stack/record.h"

struct plan_wanted {
	const struct model_service *svc; /* NULL in tests that need no places */
	const char *name;
	const json_t *config; /* as model_format_json() has it, secrets shown */
	const char *image_id;
	const char *down; /* why the container it has does not run; NULL: it runs */
};
/* All borrowed. */
struct plan_source {
	const struct stack_model *model;
	const struct record *rec; /* NULL when nothing exists */
	const struct plan_wanted *wanted;
	size_t n;
	/* Services that this `up` is about; others stay as they are. NULL: all, and only
	 * then services that are gone from the file are removed. */
	const struct strv *chosen;
	const struct strv *hidden; /* values that no reason may show; NULL: none */
	const json_t *defaults;    /* see diff.h; NULL: none */
	const struct strv *strays; /* containers that no record knows; NULL: none */
	const json_t *budget; /* of the whole stack, as model_budget_json(); NULL: none */
	bool force;
};
/** plan_make() - one step a service, removals first, then the file's order
 * A budget that is another is a step of the service "", the first of all. */
void plan_make(const struct plan_source *src, struct stack_plan *ret);
/** plan_is_empty() - does it keep everything as it is? */
bool plan_is_empty(const struct stack_plan *p);
/** plan_has() - is a step of @kind in it? */
bool plan_has(const struct stack_plan *p, enum stack_step_kind kind);

#endif
