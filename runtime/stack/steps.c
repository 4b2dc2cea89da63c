/*
 * stack/steps.c - the steps of a plan, taken one after the other, and undone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/stack/before.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/up.h"
#include "runtime/stack/volume.h"

static bool has_share(const struct record *rec, const char *service)
{
	for (size_t i = 0; i < rec->n_shares; i++)
		if (strcmp(rec->shares[i].service, service) == 0)
			return true;
	return false;
}

static int stop_once(struct up *u, const char *service, struct err *e)
{
	AUTO_CLOSE int sock = -1;
	int r = up_supervise(u->h, u->name, u->stack_fd, u->unit ? u : NULL, e);

	if (r == 0)
		r = sup_connect(u->stack_fd, &sock, e);
	return r < 0 ? r : sup_call(sock, SUP_OP_STOP, service, -1, -1, e);
}

/* By its supervisor, which is started again where it died: nothing else stops a service
 * as it wants to be stopped. */
static int stop_service(struct up *u, const char *service, struct err *e)
{
	int r;

	if (faccessat(u->stack_fd, ".spec", F_OK, 0) < 0)
		return 0; /* nothing was ever started */
	r = stop_once(u, service, e);
	for (int tries = 0; r < 0 && up_supervisor_left(r, tries); tries++) {
		err_clear(e);
		r = stop_once(u, service, e);
	}
	return r;
}

/* Out of the record before it is taken apart: after a crash in between, the next `up`
 * makes it anew instead of starting what is half removed. */
static int stop_and_destroy(struct up *u, const char *service, unsigned flags,
			    struct err *e)
{
	bool known = record_service(u->rec, service);
	int r = known ? stop_service(u, service, e) : 0;

	if (r < 0)
		return r;
	record_remove(u->rec, service);
	if (known)
		r = record_save(u->stack_fd, u->rec, e);
	return r < 0 ? r : instance_destroy(u->h, u->name, service, flags, e);
}

static void note_step(const struct up *u, const struct stack_step *s)
{
	static const char *const done[STEP_KINDS] = {
		[STEP_RESTART] = "restarted", [STEP_REFRESH] = "refreshed",
		[STEP_CREATE] = "created",    [STEP_RECREATE] = "recreated",
		[STEP_REMOVE] = "removed",
	};
	AUTO_FREE char *text = str_fmt("%s (%s)", done[s->kind], s->reason);

	up_note(u, s->service, s->kind == STEP_CREATE ? done[s->kind] : text);
}

/* Fill a record entry and make the container; on failure the entry is gone again. */
int up_create(struct up *u, const char *name, const struct model_service *svc,
	      uint32_t instance, uint32_t host, bool oneoff,
	      const struct stack_override *over, struct err *e)
{
	struct record_service *rs = record_add(u->rec, name);
	struct instance_source src = { .h = u->h,
				       .store = u->store,
				       .model = u->model,
				       .svc = svc,
				       .img = u->images[up_index(u, svc->name)],
				       .rec = u->rec,
				       .stack_fd = u->stack_fd,
				       .over = over };
	int r;

	rs->instance = instance;
	rs->host = host ? host : record_free_host(u->rec);
	if (!oneoff)
		record_keep_host(u->rec, name, rs->host);
	rs->oneoff = oneoff;
	rs->base = str_dup(svc->name);
	rs->config = u->configs ? up_service_config(u, svc) : json_object();
	r = instance_describe(&src, rs, e);
	if (oneoff) { /* `run` publishes nothing: the service itself has the ports */
		rs->n_publish = 0;
		strv_free(&rs->aliases);
	}
	if (r == 0)
		r = instance_create(&src, rs, e);
	if (r < 0)
		record_remove(u->rec, name);
	return r;
}

static int make_service(struct up *u, struct stack_step *step, struct err *e)
{
	const struct model_service *svc = model_service(u->model, step->service);
	bool shares = has_share(u->rec, step->service);
	/* the address stays: whoever resolved the name keeps it */
	uint32_t instance = 1, last = 0, host = record_host(u->rec, step->service);
	int r = 0;

	if (step->kind == STEP_RECREATE) {
		last = record_service(u->rec, step->service)->instance;
		r = stop_and_destroy(u, step->service, shares ? INSTANCE_KEEP_UPPER : 0,
				     e);
	} else if (!shares) {
		r = instance_trim_uppers(u->h, u->rec->name, step->service, 0, e);
	}
	if (r == 0)
		r = instance_next(u->h, u->rec->name, step->service, &instance, e);
	if (r == 0)
		r = up_create(u, step->service, svc,
			      instance > last ? instance : last + 1, host, false, NULL,
			      e);
	if (r == 0)
		note_step(u, step);
	return r;
}

static int remove_step(struct up *u, const struct stack_step *step, struct err *e)
{
	int r = stop_and_destroy(u, step->service, 0, e);

	record_drop_host(u->rec, step->service);
	if (r == 0)
		note_step(u, step);
	return r;
}

/* What the supervisor, the firewall and /etc/hosts say of a container that goes on. */
static int refresh_step(struct up *u, const struct stack_step *step, struct err *e)
{
	const struct model_service *svc = model_service(u->model, step->service);
	struct record_service *rs = record_service(u->rec, step->service);
	struct instance_source src = { .h = u->h,
				       .model = u->model,
				       .svc = svc,
				       .img = u->images[up_index(u, step->service)],
				       .rec = u->rec,
				       .stack_fd = u->stack_fd };
	AUTO_CLOSE int dir = -1;
	int r;

	if (!step->n_changes || !rs)
		return 0;
	r = host_service_fd(u->h, u->name, step->service, &dir, e);
	if (r == STACK_E_ABSENT)
		r = err_msg(e, ENOENT, "service '%s' has no container", step->service);
	if (r == 0)
		r = before_note(u->model, svc, dir, e);
	if (r < 0)
		return r;
	record_undescribe(rs);
	rs->config = up_service_config(u, svc);
	r = instance_describe(&src, rs, e);
	if (r == 0)
		note_step(u, step);
	return r;
}

/* Before what it depends on is taken away; it is started with all others at the end. */
static int restart_step(struct up *u, const struct stack_step *step, struct err *e)
{
	int r = stop_service(u, step->service, e);

	if (r == 0)
		note_step(u, step);
	return r;
}

/* The file's order, which is the order of `ps`; one-off containers last. */
static void sort_record(struct up *u)
{
	struct record *rec = u->rec;
	size_t at = 0;

	for (size_t i = 0; i < u->model->n_services; i++) {
		struct record_service *rs =
			record_service(rec, u->model->services[i].name);
		struct record_service copy;
		size_t from;

		if (!rs)
			continue;
		copy = *rs;
		from = (size_t)(rs - rec->services);
		if (from < at)
			continue;
		memmove(rec->services + at + 1, rec->services + at,
			(from - at) * sizeof(copy));
		rec->services[at++] = copy;
	}
}

static int make_step(struct up *u, struct stack_step *step, struct err *e)
{
	switch (step->kind) {
	case STEP_CREATE:
	case STEP_RECREATE:
		return make_service(u, step, e);
	case STEP_REFRESH:
	case STEP_RESTART:
		return refresh_step(u, step, e);
	default:
		return 0;
	}
}

int up_take_steps(struct up *u, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->plan.n; i++)
		if (u->plan.steps[i].kind == STEP_REMOVE)
			r = remove_step(u, &u->plan.steps[i], e);
	for (size_t i = 0; r == 0 && i < u->plan.n; i++)
		if (u->plan.steps[i].kind == STEP_RESTART)
			r = restart_step(u, &u->plan.steps[i], e);
	for (size_t i = 0; r == 0 && i < u->plan.n; i++)
		if (*u->plan.steps[i].service) /* "": the stack's budget */
			r = make_step(u, &u->plan.steps[i], e);
	sort_record(u);
	return r < 0 ? r : up_shares(u, e);
}

/* What this `up` created goes again; what it replaced is gone, and the record says so. */
void up_undo_steps(struct up *u)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < u->plan.n; i++) {
		const char *name = u->plan.steps[i].service;

		if (u->plan.steps[i].kind != STEP_CREATE || !record_service(u->rec, name))
			continue;
		(void)!instance_destroy(u->h, u->rec->name, name, 0, &ignored);
		err_clear(&ignored);
		record_remove(u->rec, name);
	}
	(void)!up_publish(u, &ignored);
	err_clear(&ignored);
	if (u->rec->n_services == 0 && !u->rec->before) /* nothing to go back to */
		(void)!up_abandon(u, &ignored);
}
