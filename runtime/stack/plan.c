/* stack/plan.c - see plan.h. */
#include "runtime/stack/plan.h"

#include <stdio.h>
#include <string.h>

static void add_step(struct stack_plan *p, enum stack_step_kind kind, const char *service,
		     char *reason)
{
	p->steps = mem_grow(p->steps, p->n + 1, sizeof(*p->steps));
	p->steps[p->n++] = (struct stack_step){ kind, str_dup(service), reason };
}

/* Names of the members that differ, in the order of the file's form. NULL: none. */
static char *changed_keys(const json_t *was, const json_t *is)
{
	AUTO_BUF struct buf b = BUF_INIT;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)is, key, v)
		if (!json_equal(v, json_object_get(was, key)))
			buf_addf(&b, "%s%s", b.len ? ", " : "", key);
	json_object_foreach ((json_t *)was, key, v)
		if (!json_object_get(is, key))
			buf_addf(&b, "%s%s", b.len ? ", " : "", key);
	return b.len ? str_fmt("%s changed", b.data) : NULL;
}

static char *why_recreate(const struct record_service *rs, const struct plan_wanted *w,
			  bool force)
{
	char *keys = changed_keys(rs->config, w->config);

	if (keys)
		return keys;
	if (!str_eq(rs->image_id, w->image_id))
		return str_dup("the image is another one");
	return force ? str_dup("asked to") : NULL;
}

static void plan_one(const struct record *rec, const struct plan_wanted *w, bool force,
		     struct stack_plan *ret)
{
	const struct record_service *rs = rec ? record_service(rec, w->name) : NULL;
	char *reason;

	if (!rs) {
		add_step(ret, STEP_CREATE, w->name, str_dup("is not there yet"));
		return;
	}
	reason = why_recreate(rs, w, force);
	add_step(ret, reason ? STEP_RECREATE : STEP_KEEP, w->name,
		 reason ? reason : str_dup("unchanged"));
}

static bool is_wanted(const struct plan_wanted *wanted, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(wanted[i].name, name) == 0)
			return true;
	return false;
}

void plan_make(const struct record *rec, const struct plan_wanted *wanted, size_t n,
	       const struct strv *chosen, bool force, struct stack_plan *ret)
{
	for (size_t i = 0; !chosen && rec && i < rec->n_services; i++) {
		const struct record_service *rs = &rec->services[i];

		if (!rs->oneoff && !is_wanted(wanted, n, rs->name))
			add_step(ret, STEP_REMOVE, rs->name,
				 str_dup("is no longer in the file"));
	}
	for (size_t i = 0; i < n; i++)
		if (!chosen || strv_has(chosen, wanted[i].name))
			plan_one(rec, &wanted[i], force, ret);
}

void stack_plan_free(struct stack_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->steps[i].service);
		free(p->steps[i].reason);
	}
	free(p->steps);
	*p = (struct stack_plan){ 0 };
}
