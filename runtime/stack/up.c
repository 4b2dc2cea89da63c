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
#include "runtime/stack/confine.h"
#include "runtime/stack/etc.h"
#include "runtime/stack/place.h"
#include "runtime/stack/plan.h"
#include "runtime/stack/secret.h"
#include "runtime/stack/up.h"

/* The shares and files a service reads are part of what it is: another one makes it
 * anew. */
json_t *up_service_config(const struct up *u, const struct model_service *svc)
{
	json_t *j = json_copy(
		json_object_get(json_object_get(u->configs, "services"), svc->name));

	for (size_t i = 0; j && i < svc->n_mounts; i++) {
		const struct model_mount *m = &svc->mounts[i];
		const struct model_volume *v = m->type == MODEL_VOLUME
						       ? model_volume(u->model, m->source)
						       : NULL;

		if (v && v->from_service) {
			AUTO_FREE char *key = str_fmt("volume %s", v->name);

			json_object_set_new(
				j, key,
				json_pack("[s,s]", v->from_service, v->from_path));
		}
	}
	if (j)
		secret_versions(u->model, svc, j);
	return j;
}

/* The services asked for and, as Compose does, all they depend on. */
static void close_over_deps(const struct stack_model *m, struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct model_service *svc = model_service(m, names->v[i]);

		for (size_t d = 0; svc && d < svc->n_deps; d++)
			if (!strv_has(names, svc->deps[d].service))
				strv_add(names, svc->deps[d].service);
	}
}

static int choose(const struct up *u, const struct stack_up_opts *o, struct strv *ret,
		  struct err *e)
{
	strv_copy(ret, &o->services);
	strv_foreach (i, ret)
		if (!model_service(u->model, ret->v[i]))
			return err_msg(e, EINVAL, "stack '%s' has no service '%s'",
				       u->model->name, ret->v[i]);
	close_over_deps(u->model, ret);
	return 0;
}

static void make_plan(struct up *u, const struct strv *chosen, bool force)
{
	size_t n = u->model->n_services;
	struct plan_wanted *wanted = mem_new(n + 1, sizeof(*wanted));

	u->configs = model_format_json(u->model, true);
	for (size_t i = 0; i < n; i++)
		wanted[i] = (struct plan_wanted){
			.name = u->model->services[i].name,
			.config = up_service_config(u, &u->model->services[i]),
			.image_id = u->images[i] ? u->images[i]->id : NULL,
		};
	plan_make(u->rec, wanted, n, chosen, force, &u->plan);
	for (size_t i = 0; i < n; i++)
		json_decref((json_t *)wanted[i].config);
	free(wanted);
}

static bool step_changes(const struct stack_step *s)
{
	return s->kind != STEP_KEEP;
}

static void note_world_ports(const struct up *u)
{
	for (size_t i = 0; i < u->plan.n; i++) {
		const struct model_service *svc =
			model_service(u->model, u->plan.steps[i].service);

		for (size_t p = 0;
		     svc && step_changes(&u->plan.steps[i]) && p < svc->n_ports; p++)
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

	return r < 0 ? r : down_remove_stack(u->h, u->model->name, u->rec->bridge, e);
}

static bool nothing_to_do(const struct up *u)
{
	for (size_t i = 0; i < u->plan.n; i++)
		if (step_changes(&u->plan.steps[i]))
			return false;
	return u->rec != NULL;
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

static int apply_nothing(struct up *u, const struct strv *chosen, struct err *e)
{
	bool changed;
	int r = place_settle(u, e);

	if (r == 0)
		r = take_budget(u, &changed, e);
	if (r == 0 && changed)
		r = record_save(u->stack_fd, u->rec, e);
	return r < 0 ? r : up_tell_supervisor(u, chosen, e);
}

static int apply(struct up *u, const struct strv *chosen, struct err *e)
{
	bool changed;
	int r;

	if (nothing_to_do(u))
		return apply_nothing(u, chosen, e);
	note_world_ports(u);
	r = up_found(u, e);
	if (r < 0) {
		if (u->founded && u->stack_fd >= 0) {
			struct err ignored = ERR_INIT;

			(void)!up_abandon(u, &ignored);
		}
		return r;
	}
	strv_free(&u->rec->files);
	strv_copy(&u->rec->files, &u->model->files);
	r = place_settle(u, e);
	if (r == 0)
		r = up_take_steps(u, e);
	if (r == 0)
		r = take_budget(u, &changed, e);
	if (r == 0)
		r = up_publish(u, e);
	if (r == 0)
		r = up_tell_supervisor(u, chosen, e);
	if (r < 0)
		up_undo_steps(u);
	else
		warn_blocked(u);
	return r;
}

int stack_up(struct stack_host *h, struct image_store *store, const struct stack_model *m,
	     const struct stack_up_opts *o, const struct stack_watch *w,
	     struct stack_plan *ret_plan, struct err *e)
{
	struct up u = {
		.h = h,
		.store = store,
		.model = m,
		.watch = w,
		.stack_fd = -1,
		.lock = -1,
		.unit = o->unit,
	};
	AUTO_STRV struct strv names = STRV_INIT;
	const struct strv *chosen = o->services.n ? &names : NULL;
	AUTO_CLOSE int images = -1;
	int r = choose(&u, o, &names, e);

	if (r == 0 && o->unit)
		r = place_enter(&u, e);
	if (r == 0)
		r = host_lock_images(h, false, &images, e);
	if (r == 0)
		r = up_images(&u, chosen, e);
	if (r == 0)
		r = up_open(&u, e);
	if (r == 0) {
		make_plan(&u, chosen, o->force_recreate);
		r = o->dry_run ? 0 : up_check_ports(&u, e);
	}
	if (r == 0 && o->unit && u.stack_fd >= 0)
		r = up_dismiss(u.stack_fd, e);
	if (r == 0 && !o->dry_run)
		r = up_check_profiles(&u, e);
	if (r == 0 && !o->dry_run)
		r = apply(&u, chosen, e);
	if (r == 0 && ret_plan) {
		*ret_plan = u.plan;
		u.plan = (struct stack_plan){ 0 };
	}
	stack_plan_free(&u.plan);
	up_close(&u);
	return r;
}
