/*
 * stack/up.c - from wanted to running: the plan, and the order of what is done about it.
 *
 * Everything that can be wrong with the input (images, ports) is looked at before
 * anything is touched. The stack's lock is held throughout; the host's lock only while
 * names and addresses that all stacks share are given out or taken back.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/stack/before.h"
#include "runtime/stack/confine.h"
#include "runtime/stack/etc.h"
#include "runtime/stack/place.h"
#include "runtime/stack/plan.h"
#include "runtime/stack/up.h"

/* Only what is published anew is worth a word. */
static bool step_publishes(const struct stack_step *s)
{
	return s->kind == STEP_CREATE || s->kind == STEP_RECREATE ||
	       s->kind == STEP_REFRESH;
}

static void note_world_ports(const struct up *u)
{
	for (size_t i = 0; i < u->plan.n; i++) {
		const struct model_service *svc =
			model_service(u->model, u->plan.steps[i].service);

		for (size_t p = 0;
		     svc && step_publishes(&u->plan.steps[i]) && p < svc->n_ports; p++)
			if ((ntohl(svc->ports[p].host_addr.s_addr) >> 24) != 127)
				log_note("service '%s': port %u is open to other "
					 "machines and "
					 "bypasses the host's INPUT rules",
					 svc->name, svc->ports[p].host_port);
	}
}

int up_record(struct up *u, struct err *e)
{
	int r = record_save(u->stack_fd, u->rec, e);

	return r < 0 ? r : etc_write_hosts(u->rec, u->stack_fd, e);
}

int up_publish(struct up *u, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = up_record(u, e);

	if (r == 0)
		r = host_lock(u->h, &lock, e);
	if (r == 0)
		r = host_rules(u->h, e);
	return r;
}

int up_abandon(struct up *u, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = host_lock(u->h, &lock, e);

	return r < 0 ? r : down_remove_stack(u->h, u->name, u->rec->bridge, e);
}

/* Tell what of foreign firewalls would drop our packets, once something runs to probe
 * with. */
static void warn_blocked(struct up *u)
{
	struct err ignored = ERR_INIT;
	AUTO_FREE char *why = NULL;

	for (size_t i = 0; i < u->rec->n_services; i++) {
		AUTO_FREE char *rel = str_fmt("%s/netns", u->rec->services[i].name);
		AUTO_CLOSE int fd = openat(u->stack_fd, rel, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (netns_forward_blocked(fd, u->rec->bridge, &why, &ignored) == 0 && why)
			log_warn("%s", why);
		return;
	}
}

/* A budget that is another than the one applied last. @*ret_changed: the record is, too.
 */
static int take_budget(struct up *u, bool *ret_changed, struct err *e)
{
	AUTO_JSON json_t *is = model_budget_json(&u->model->budget);
	int r;

	*ret_changed = false;
	if (u->rec->budget ? json_equal(u->rec->budget, is)
			   : !confine_has_budget(u->model))
		return 0;
	r = confine_budget(u->h, u->model, e);
	if (r < 0)
		return r;
	json_decref(u->rec->budget);
	u->rec->budget = json_incref(is);
	*ret_changed = true;
	return 0;
}

static bool same_files(const struct up *u)
{
	const struct strv *a = &u->rec->files, *b = &u->model->files;

	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

/* No container changes, and no earlier `up` left anything undone. */
static bool is_at_most_start(const struct up *u)
{
	for (size_t i = 0; i < u->plan.n; i++)
		if (u->plan.steps[i].kind != STEP_KEEP &&
		    u->plan.steps[i].kind != STEP_START)
			return false;
	return u->rec && u->rec->whole;
}

static void copy_words(struct up *u, const struct strv *chosen)
{
	strv_free(&u->rec->files);
	strv_copy(&u->rec->files, &u->model->files);
	if (!chosen)
		strv_free(&u->rec->hidden);
	strv_foreach (i, &u->model->hidden)
		if (!strv_has(&u->rec->hidden, u->model->hidden.v[i]))
			strv_add(&u->rec->hidden, u->model->hidden.v[i]);
}

/* Where all is as it should be, not a file is touched. */
static int apply_little(struct up *u, const struct strv *chosen, struct err *e)
{
	int r = place_settle(u, e);

	if (r == 0 && !same_files(u)) {
		copy_words(u, chosen);
		r = record_save(u->stack_fd, u->rec, e);
	}
	if (r == 0 && (!plan_is_empty(&u->plan) || !sup_alive(u->stack_fd)))
		r = up_tell_supervisor(u, chosen, e);
	return r;
}

static int apply_all(struct up *u, const struct strv *chosen, struct err *e)
{
	bool changed;
	int r;

	u->changed = true;
	r = before_keep(u, e);
	if (r == 0) {
		copy_words(u, chosen);
		r = place_settle(u, e);
	}
	if (r == 0)
		r = up_take_steps(u, e);
	if (r == 0)
		r = take_budget(u, &changed, e);
	if (r == 0)
		r = up_publish(u, e);
	if (r == 0)
		r = up_tell_supervisor(u, chosen, e);
	return r < 0 ? r : before_done(u, !chosen, e);
}

int up_apply(struct up *u, const struct strv *chosen, struct err *e)
{
	int r;

	if (is_at_most_start(u))
		return apply_little(u, chosen, e);
	note_world_ports(u);
	r = up_found(u, e);
	if (r < 0) {
		if (u->founded && u->stack_fd >= 0) {
			struct err ignored = ERR_INIT;

			(void)!up_abandon(u, &ignored);
		}
		return r;
	}
	r = apply_all(u, chosen, e);
	if (r < 0)
		up_undo_steps(u);
	else
		warn_blocked(u);
	return r;
}

int stack_up(struct stack_host *h, struct image_store *store, const struct stack_model *m,
	     const struct stack_up_opts *o, const struct stack_watch *w,
	     struct stack_up_result *ret, struct err *e)
{
	struct up u = { .h = h,
			.name = m->name,
			.store = store,
			.model = m,
			.watch = w,
			.stack_fd = -1,
			.lock = -1,
			.unit = o->unit };
	AUTO_STRV struct strv names = STRV_INIT;
	const struct strv *chosen = o->services.n ? &names : NULL;
	AUTO_CLOSE int images = -1;
	int r = up_choose(m, &o->services, &names, e);

	if (r == 0 && o->unit)
		r = place_enter(&u, e);
	if (r == 0)
		r = host_lock_images(h, false, &images, e);
	if (r == 0)
		r = up_images(&u, chosen, e);
	if (r == 0)
		r = up_open(&u, e);
	if (r == 0) {
		up_plan(&u, chosen, o->force_recreate);
		r = up_check_ports(&u, e);
	}
	if (r == 0)
		r = up_admit(&u, o->strict, e);
	if (r == 0 && o->unit && u.stack_fd >= 0)
		r = up_dismiss(u.stack_fd, e);
	if (r == 0)
		r = up_check_profiles(&u, e);
	if (r == 0)
		r = up_apply(&u, chosen, e);
	if (ret)
		*ret = (struct stack_up_result){ u.founded, u.changed };
	stack_plan_free(&u.plan);
	up_close(&u);
	return r;
}
