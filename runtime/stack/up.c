/*
 * stack/up.c - from wanted to running: the order of the steps, and undoing what failed.
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
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/stack/etc.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/plan.h"
#include "runtime/stack/up.h"
#include "runtime/stack/volume.h"

void up_note(const struct up *u, const char *service, const char *text)
{
	if (u->watch && u->watch->note)
		u->watch->note(u->watch->arg, service, text);
}

/* ---- images ---- */

static int ensure_image(struct up *u, int dir, size_t i, struct err *e)
{
	const struct model_service *svc = &u->model->services[i];
	int r;

	if (u->images[i])
		return 0;
	r = image_ensure(u->store, dir, svc->image, u->watch ? u->watch->images : NULL,
			 &u->images[i], e);
	if (r == IMAGE_E_NOT_FOUND)
		return err_msg(
			e, ENOENT,
			"%s:%u:%u: image '%s' of service '%s' is neither a file here nor "
			"in the store (minibox load FILE)",
			svc->image_pos.file, svc->image_pos.line, svc->image_pos.col,
			svc->image, svc->name);
	return r < 0 ? err_ctx(e, "service '%s'", svc->name) : 0;
}

int up_images(struct up *u, const struct strv *chosen, struct err *e)
{
	AUTO_CLOSE int dir = open(u->model->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? err_set(e, errno, "open directory '%s'", u->model->dir) : 0;

	if (!u->images)
		u->images = mem_new(u->model->n_services, sizeof(*u->images));
	for (size_t i = 0; r == 0 && i < u->model->n_services; i++)
		if (!chosen || strv_has(chosen, u->model->services[i].name))
			r = ensure_image(u, dir, i, e);
	return r;
}

static size_t index_of(const struct up *u, const char *service)
{
	size_t i = 0;

	while (strcmp(u->model->services[i].name, service) != 0)
		i++;
	return i;
}

/* ---- the stack itself ---- */

static int open_record(struct up *u, struct err *e)
{
	int r = host_stack_fd(u->h, u->model->name, &u->stack_fd, e);

	if (r == 0)
		r = record_load(u->stack_fd, &u->rec, e);
	return r == STACK_E_ABSENT ? 0 : r;
}

/* Make RUN/STACK, lease a subnet and ids, make the bridge. Needs both locks. */
static int found_stack(struct up *u, struct err *e)
{
	struct in_addr gw;
	int r;

	r = host_run(u->h, e);
	if (r < 0)
		return r;
	if (!u->rec) {
		u->rec = record_new(u->model->name, u->model->dir);
		u->founded = true;
		r = host_lease(u->h, u->rec, e);
	}
	if (r == 0 && u->stack_fd < 0)
		r = fd_mkdir(u->h->run_fd, u->rec->name, 0700, &u->stack_fd, e);
	if (r == 0)
		r = record_save(u->stack_fd, u->rec, e);
	if (r == 0 && !netns_subnet_host(&u->rec->subnet, 1, &gw))
		r = err_msg(e, EINVAL, "the stack's subnet has no room for a gateway");
	if (r == 0)
		r = netns_bridge_create(u->rec->bridge, gw, u->rec->subnet.prefix, e);
	return r;
}

int up_open(struct up *u, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = host_lock_stack(u->h, u->model->name, &u->lock, e);

	if (r == 0)
		r = host_lock(u->h, &lock, e);
	return r < 0 ? r : open_record(u, e);
}

int up_found(struct up *u, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	int r = host_lock(u->h, &lock, e);

	return r < 0 ? r : found_stack(u, e);
}

void up_close(struct up *u)
{
	for (size_t i = 0; u->images && i < u->model->n_services; i++)
		image_free(u->images[i]);
	free(u->images);
	json_decref(u->configs);
	record_free(u->rec);
	fd_auto_close(&u->stack_fd);
	fd_auto_close(&u->lock);
}

/* ---- the plan ---- */

/* The shares a service reads are part of what it is: another `from` makes it anew. */
static json_t *service_config(const struct up *u, const struct model_service *svc)
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
			.config = service_config(u, &u->model->services[i]),
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

/* ---- steps ---- */

/* Out of the record before it is taken apart: after a crash in between, the next `up`
 * makes it anew instead of starting what is half removed. */
static int stop_and_destroy(struct up *u, const char *service, unsigned flags,
			    struct err *e)
{
	AUTO_CLOSE int sock = -1;
	int r = 0;

	if (sup_alive(u->stack_fd)) {
		r = sup_connect(u->stack_fd, &sock, e);
		if (r == 0)
			r = sup_call(sock, SUP_OP_STOP, service, -1, -1, e);
	}
	if (r < 0)
		return r;
	record_remove(u->rec, service);
	r = record_save(u->stack_fd, u->rec, e);
	return r < 0 ? r : instance_destroy(u->h, u->rec->name, service, flags, e);
}

static bool has_share(const struct record *rec, const char *service)
{
	for (size_t i = 0; i < rec->n_shares; i++)
		if (strcmp(rec->shares[i].service, service) == 0)
			return true;
	return false;
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
				       .img = u->images[index_of(u, svc->name)],
				       .rec = u->rec,
				       .stack_fd = u->stack_fd,
				       .over = over };
	int r;

	rs->instance = instance;
	rs->host = host ? host : record_free_host(u->rec);
	rs->oneoff = oneoff;
	rs->base = str_dup(svc->name);
	rs->config = u->configs ? service_config(u, svc) : json_object();
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
	uint32_t instance = 1, last = 0, host = 0;
	int r = 0;

	if (step->kind == STEP_RECREATE) {
		/* the address stays: whoever resolved the name keeps it */
		host = record_service(u->rec, step->service)->host;
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
		up_note(u, step->service,
			step->kind == STEP_RECREATE ? "recreated" : "created");
	return r;
}

static void record_shares(struct up *u)
{
	struct record *rec = u->rec;

	for (size_t i = 0; i < rec->n_shares; i++) {
		free(rec->shares[i].volume);
		free(rec->shares[i].service);
		free(rec->shares[i].path);
	}
	rec->n_shares = 0;
	rec->shares = mem_grow(rec->shares, u->model->n_volumes, sizeof(*rec->shares));
	for (size_t i = 0; i < u->model->n_volumes; i++) {
		const struct model_volume *v = &u->model->volumes[i];

		if (v->from_service)
			rec->shares[rec->n_shares++] =
				(struct record_share){ str_dup(v->name),
						       str_dup(v->from_service),
						       str_dup(v->from_path) };
	}
}

/* A new share is pinned to its service's root as it is; one that is there already waits
 * for the new root to be ready (stack_refresh). */
static int pin_new_shares(struct up *u, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->rec->n_shares; i++) {
		const struct record_share *s = &u->rec->shares[i];
		AUTO_FREE char *rel = str_fmt(".share/%s", s->volume);

		if (record_service(u->rec, s->service) &&
		    faccessat(u->stack_fd, rel, F_OK, 0) < 0)
			r = share_pin(u->h, u->stack_fd, u->rec->name, s, e);
	}
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

static int join_supervisor_cgroup(void *arg, struct err *e)
{
	return cgroup_join(arg, e);
}

int up_supervise(struct stack_host *h, const char *stack, int stack_fd, struct err *e)
{
	AUTO_FREE char *path = host_cgroup(h, stack, "_supervisor");
	AUTO_FREE char *logs = str_fmt("logs/%s", stack);
	struct cgroup_limits none = { 0 };
	struct cgroup_host *cg = NULL;
	struct cgroup *g = NULL;
	AUTO_CLOSE int dir = -1;
	int r;

	if (sup_alive(stack_fd))
		return 0;
	r = fd_mkdirs(h->root_fd, logs, 0700, &dir, e);
	if (r == 0)
		r = host_cgroups(h, &cg, e);
	if (r == 0)
		r = cgroup_create(cg, path, &none, &g, e);
	if (r == 0)
		r = sup_start(h->exe_dir, h->run_fd, stack, join_supervisor_cgroup, g, e);
	cgroup_free(g);
	return r;
}

/* A step that did its work is not done again because something else is brought up; made
 * anew, it has not run yet. */
static bool has_completed(struct up *u, const char *service)
{
	const struct record_service *rs = record_service(u->rec, service);
	struct err ignored = ERR_INIT;
	struct sup_status st;

	return rs && sup_status_read(u->stack_fd, service, &st, &ignored) == 0 &&
	       st.instance == rs->instance && st.state == SUP_EXITED && st.wanted &&
	       st.ended && st.exit_status == 0;
}

static int tell_supervisor(struct up *u, const struct strv *chosen, struct err *e)
{
	bool runs = sup_alive(u->stack_fd);
	AUTO_CLOSE int sock = -1;
	int r = record_compile(u->h, u->rec, u->stack_fd, e);

	if (r == 0 && !runs)
		r = up_supervise(u->h, u->rec->name, u->stack_fd, e);
	if (r == 0)
		r = sup_connect(u->stack_fd, &sock, e);
	if (r == 0 && runs)
		r = sup_call(sock, SUP_OP_RELOAD, "", 0, -1, e);
	if (r == 0 && !chosen)
		r = sup_call(sock, SUP_OP_UP, "", 0, -1, e);
	for (size_t i = 0; r == 0 && chosen && i < chosen->n; i++)
		if (!has_completed(u, chosen->v[i]))
			r = sup_call(sock, SUP_OP_UP, chosen->v[i], 0, -1, e);
	return r;
}

static int remove_step(struct up *u, const char *service, struct err *e)
{
	int r = stop_and_destroy(u, service, 0, e);

	if (r == 0)
		up_note(u, service, "removed");
	return r;
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

static int take_steps(struct up *u, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->plan.n; i++)
		if (u->plan.steps[i].kind == STEP_REMOVE)
			r = remove_step(u, u->plan.steps[i].service, e);
	for (size_t i = 0; r == 0 && i < u->plan.n; i++)
		if (u->plan.steps[i].kind == STEP_CREATE ||
		    u->plan.steps[i].kind == STEP_RECREATE)
			r = make_service(u, &u->plan.steps[i], e);
	return r;
}

/* What this `up` created goes again; what it replaced is gone, and the record says so. */
static void undo_steps(struct up *u)
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
	if (u->rec->n_services == 0)
		(void)!up_abandon(u, &ignored);
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

static int apply(struct up *u, const struct strv *chosen, struct err *e)
{
	int r;

	if (nothing_to_do(u))
		return tell_supervisor(u, chosen, e);
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
	r = take_steps(u, e);
	sort_record(u);
	record_shares(u);
	if (r == 0)
		r = pin_new_shares(u, e);
	if (r == 0)
		r = up_publish(u, e);
	if (r == 0)
		r = tell_supervisor(u, chosen, e);
	if (r < 0)
		undo_steps(u);
	else
		warn_blocked(u);
	return r;
}

int stack_up(struct stack_host *h, struct image_store *store, const struct stack_model *m,
	     const struct stack_up_opts *o, const struct stack_watch *w,
	     struct stack_plan *ret_plan, struct err *e)
{
	struct up u = {
		.h = h, .store = store, .model = m, .watch = w, .stack_fd = -1, .lock = -1
	};
	AUTO_STRV struct strv names = STRV_INIT;
	const struct strv *chosen = o->services.n ? &names : NULL;
	int r = choose(&u, o, &names, e);

	if (r == 0)
		r = up_images(&u, chosen, e);
	if (r == 0)
		r = up_open(&u, e);
	if (r == 0) {
		make_plan(&u, chosen, o->force_recreate);
		r = o->dry_run ? 0 : up_check_ports(&u, e);
	}
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
