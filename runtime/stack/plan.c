/* stack/plan.c - see plan.h. */
#include "runtime/stack/plan.h"

#include <string.h>

#include "runtime/stack/diff.h"

const char *stack_step_name(enum stack_step_kind kind)
{
	static const char *const names[STEP_KINDS] = {
		[STEP_KEEP] = "keep",       [STEP_START] = "start",
		[STEP_RESTART] = "restart", [STEP_REFRESH] = "refresh",
		[STEP_CREATE] = "create",   [STEP_RECREATE] = "recreate",
		[STEP_REMOVE] = "remove",
	};

	return names[kind];
}

/* Told to the supervisor, to the firewall or in a file that the container has bound: its
 * process need not know. `image` alone is another word for the same image. */
static bool is_in_place(const char *key)
{
	static const char *const keys[] = {
		"image",      "restart",     "stop_signal", "stop_grace_period",
		"depends_on", "ports",       "expose",      "labels",
		"profiles",   "extra_hosts", "networks",    "keep",
	};
	size_t n = strcspn(key, ".");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strlen(keys[i]) == n && strncmp(keys[i], key, n) == 0)
			return true;
	return false;
}

static struct stack_step *add_step(struct stack_plan *p, enum stack_step_kind kind,
				   const char *service, const char *reason)
{
	p->steps = mem_grow(p->steps, p->n + 1, sizeof(*p->steps));
	p->steps[p->n] = (struct stack_step){ .kind = kind,
					      .service = str_dup(service),
					      .reason = str_dup(reason) };
	return &p->steps[p->n++];
}

static enum stack_step_kind judge(const struct record_service *rs,
				  const struct plan_wanted *w, const struct diff *d)
{
	if (!str_eq(rs->image_id, w->image_id))
		return STEP_RECREATE;
	for (size_t i = 0; i < d->n; i++)
		if (!is_in_place(d->v[i].key))
			return STEP_RECREATE;
	if (d->n)
		return STEP_REFRESH;
	return w->down ? STEP_START : STEP_KEEP;
}

static void compare(const struct plan_source *src, const struct record_service *rs,
		    const struct plan_wanted *w, struct diff *ret)
{
	struct diff_source from = { .model = src->model,
				    .svc = w->svc,
				    .hidden = src->hidden,
				    .defaults = src->defaults };

	diff_configs(rs->config, w->config, &from, ret);
	if (!str_eq(rs->image_id, w->image_id))
		diff_add(ret, "image", rs->image_id, w->image_id,
			 w->svc ? w->svc->image_pos : (struct model_pos){ NULL, 0, 0 });
}

static void plan_one(const struct plan_source *src, const struct plan_wanted *w,
		     struct stack_plan *ret)
{
	const struct record_service *rs =
		src->rec ? record_service(src->rec, w->name) : NULL;
	struct stack_step *step;
	enum stack_step_kind kind;
	struct diff d = { NULL, 0 };

	if (!rs) {
		add_step(ret, STEP_CREATE, w->name, "is not there yet");
		return;
	}
	compare(src, rs, w, &d);
	kind = judge(rs, w, &d);
	step = add_step(ret, kind, w->name, kind == STEP_START ? w->down : "unchanged");
	step->changes = d.v;
	step->n_changes = d.n;
	if (src->force && kind != STEP_RECREATE) {
		step->kind = STEP_RECREATE;
		str_set(&step->reason, "asked to");
	}
	if (d.n) {
		free(step->reason);
		step->reason = diff_text(d.v, d.n);
	}
}

static const struct plan_wanted *find_wanted(const struct plan_source *src,
					     const char *name)
{
	for (size_t i = 0; i < src->n; i++)
		if (strcmp(src->wanted[i].name, name) == 0)
			return &src->wanted[i];
	return NULL;
}

static const struct stack_step *find_step(const struct stack_plan *p, const char *service)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->steps[i].service, service) == 0)
			return &p->steps[i];
	return NULL;
}

static bool is_made_anew(const struct stack_plan *p, const char *service)
{
	const struct stack_step *s = find_step(p, service);

	return s && s->kind == STEP_RECREATE;
}

/* "web:/srv/static": the readers are shown web's new files when it is ready. */
static void follow_shares(struct stack_plan *p, struct stack_step *s, const json_t *from)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)from, name, v) {
		const char *text = json_string_value(v);
		AUTO_FREE char *source = str_ndup(text, strcspn(text, ":"));

		if (s->kind != STEP_KEEP || !is_made_anew(p, source))
			continue;
		s->kind = STEP_REFRESH;
		free(s->reason);
		s->reason = str_fmt("volume '%s' follows the new '%s'", name, source);
	}
}

/* `depends_on NAME restart`; without the word dependants go on, as with Compose. */
static void follow_deps(struct stack_plan *p, struct stack_step *s, const json_t *deps)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)deps, name, v) {
		if ((s->kind != STEP_KEEP && s->kind != STEP_REFRESH) ||
		    !json_bool(v, "restart", false) || !is_made_anew(p, name))
			continue;
		s->kind = STEP_RESTART;
		free(s->reason);
		s->reason = str_fmt("'%s' is made anew, which it depends on", name);
	}
}

/* What is kept, but for another service's new container. */
static void follow(const struct plan_source *src, struct stack_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_wanted *w = find_wanted(src, p->steps[i].service);

		if (!w)
			continue;
		follow_shares(p, &p->steps[i], json_object_get(w->config, "from"));
		follow_deps(p, &p->steps[i], json_object_get(w->config, "depends_on"));
	}
}

/* A stack without a budget of its own has one of zeros. */
static void plan_budget(const struct plan_source *src, struct stack_plan *ret)
{
	static const struct model_budget none = { 0 };
	AUTO_JSON json_t *zero = model_budget_json(&none);
	struct diff_source from = { .model = NULL };
	struct diff d = { NULL, 0 };
	struct stack_step *step;

	if (!src->rec || !src->budget)
		return;
	diff_configs(src->rec->budget ? src->rec->budget : zero, src->budget, &from, &d);
	if (!d.n)
		return;
	step = add_step(ret, STEP_REFRESH, "", NULL);
	step->changes = d.v;
	step->n_changes = d.n;
	step->reason = diff_text(d.v, d.n);
}

void plan_make(const struct plan_source *src, struct stack_plan *ret)
{
	plan_budget(src, ret);
	for (size_t i = 0; !src->chosen && src->rec && i < src->rec->n_services; i++) {
		const struct record_service *rs = &src->rec->services[i];

		if (!rs->oneoff && !find_wanted(src, rs->name))
			add_step(ret, STEP_REMOVE, rs->name, "is no longer in the file");
	}
	for (size_t i = 0; src->strays && i < src->strays->n; i++)
		if (!find_wanted(src, src->strays->v[i]))
			add_step(ret, STEP_REMOVE, src->strays->v[i],
				 "is what a killed command left");
	for (size_t i = 0; i < src->n; i++)
		if (!src->chosen || strv_has(src->chosen, src->wanted[i].name))
			plan_one(src, &src->wanted[i], ret);
	follow(src, ret);
}

bool plan_is_empty(const struct stack_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind != STEP_KEEP)
			return false;
	return true;
}

bool plan_has(const struct stack_plan *p, enum stack_step_kind kind)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == kind)
			return true;
	return false;
}

void stack_plan_free(struct stack_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->steps[i].service);
		free(p->steps[i].reason);
		diff_free(p->steps[i].changes, p->steps[i].n_changes);
	}
	free(p->steps);
	*p = (struct stack_plan){ 0 };
}
