/*
 * stack/plan.h - wanted minus existing makes steps. Pure, private.
 */
#ifndef STACK_PLAN_H
#define STACK_PLAN_H

#include "runtime/stack/record.h"

struct plan_wanted {
	const char *name;
	const json_t
		*config; /* the service as model_format_json() has it, secrets shown */
	const char *image_id;
};
/**
 * plan_make() - one step a service, removals first, then the file's order
 * @rec:    NULL when nothing exists
 * @chosen: service names that this `up` is about; others stay as they are. NULL: all, and
 * only then services that are gone from the file are removed
 */
void plan_make(const struct record *rec, const struct plan_wanted *wanted, size_t n,
	       const struct strv *chosen, bool force, struct stack_plan *ret);

#endif
