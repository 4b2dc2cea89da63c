/*
 * stack/compare.c - the wanted model beside what exists, as plan.c wants to have it; and
 * `plan`, which looks and touches nothing.
 *
 * Reads the record and the status files. Takes no lock: both are replaced whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/stack/plan.h"
#include "runtime/stack/secret.h"
#include "runtime/stack/up.h"

/* How many generations of its directories are shown: {volume: N}; NULL where it is one.
 */
static json_t *keeps_json(const struct stack_model *m, const char *service)
{
	json_t *j = NULL;

	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct model_volume *v = &m->volumes[i];

		if (v->keep < 2 || !str_eq(v->from_service, service))
			continue;
		j = j ? j : json_object();
		json_object_set_new(j, v->name, json_integer(v->keep));
	}
	return j;
}

/* The shares and files a service reads are part of what it is: another one makes it
 * anew. */
json_t *up_service_config(const struct up *u, const struct model_service *svc)
{
	json_t *j = json_copy(
		json_object_get(json_object_get(u->configs, "services"), svc->name));
	json_t *from = json_object(), *keep = keeps_json(u->model, svc->name);

	for (size_t i = 0; j && i < svc->n_mounts; i++) {
		const struct model_mount *m = &svc->mounts[i];
		const struct model_volume *v = m->type == MODEL_VOLUME
						       ? model_volume(u->model, m->source)
						       : NULL;

		if (v && v->from_service) {
			AUTO_FREE char *text =
				str_fmt("%s:%s", v->from_service, v->from_path);

			json_object_set_new(from, v->name, json_text(text));
		}
	}
	json_object_set_new(j, "from", from);
	secret_versions(u->model, svc, j);
	if (keep)
		json_object_set_new(j, "keep", keep);
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

int up_choose(const struct stack_model *m, const struct strv *services, struct strv *ret,
	      struct err *e)
{
	strv_copy(ret, services);
	strv_foreach (i, ret)
		if (!model_service(m, ret->v[i]))
			return err_msg(e, EINVAL, "stack '%s' has no service '%s'",
				       m->name, ret->v[i]);
	close_over_deps(m, ret);
	return 0;
}

/* Why the container it has does not run, in words; NULL where it runs, or need not: the
 * supervisor's rule of what `up` starts. */
static char *why_down(const struct up *u, const struct record_service *rs)
{
	struct err ignored = ERR_INIT;
	AUTO_CLOSE int pidfd = -1;
	struct sup_status st;

	if (sup_status_read(u->stack_fd, rs->name, &st, &ignored) < 0 ||
	    st.instance != rs->instance)
		return str_dup("has not been started");
	if (!st.wanted)
		return str_dup(st.ended || st.pid ? "is stopped"
						  : "has not been started");
	if (st.state == SUP_EXITED && WIFEXITED(st.exit_status) &&
	    WEXITSTATUS(st.exit_status))
		return str_fmt("exited with status %d", WEXITSTATUS(st.exit_status));
	if (st.state == SUP_EXITED && WIFSIGNALED(st.exit_status))
		return str_fmt("was killed by signal %d", WTERMSIG(st.exit_status));
	if (st.pid <= 0 || sup_alive(u->stack_fd))
		return NULL; /* its supervisor knows best */
	pidfd = proc_pidfd_as(st.pid, st.start_time);
	return pidfd < 0 ? str_dup("has gone, and its supervisor, too") : NULL;
}

/* What a command that was killed made or had not yet removed: under the stack's lock
 * nobody is about to write a record of it. */
static void list_strays(const struct up *u, struct strv *ret)
{
	struct err ignored = ERR_INIT;
	AUTO_STRV struct strv names = STRV_INIT;

	if (u->stack_fd < 0 || fd_list(u->stack_fd, ".", &names, &ignored) < 0)
		return;
	strv_foreach (i, &names) {
		struct stat st;

		if (*names.v[i] != '.' && !record_service(u->rec, names.v[i]) &&
		    fstatat(u->stack_fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			strv_add(ret, names.v[i]);
	}
}

static const char *image_id(const struct up *u, size_t i)
{
	if (u->images && u->images[i])
		return u->images[i]->id;
	return u->ids ? u->ids[i] : NULL;
}

static void fill_wanted(struct up *u, size_t i, struct plan_wanted *ret)
{
	const struct model_service *svc = &u->model->services[i];
	const struct record_service *rs =
		u->rec ? record_service(u->rec, svc->name) : NULL;

	*ret = (struct plan_wanted){
		.svc = u->rolling_back ? NULL : svc, /* its places are in no file */
		.name = svc->name,
		.config = up_service_config(u, svc),
		.image_id = image_id(u, i),
		.down = rs ? why_down(u, rs) : NULL,
	};
}

void up_plan(struct up *u, const struct strv *chosen, bool force)
{
	size_t n = u->model->n_services;
	struct plan_wanted *wanted = mem_new(n + 1, sizeof(*wanted));
	AUTO_STRV struct strv strays = STRV_INIT, hidden = STRV_INIT;
	AUTO_JSON json_t *budget = model_budget_json(&u->model->budget);
	AUTO_JSON json_t *defaults = model_default_json();
	struct plan_source src = { .model = u->model,
				   .rec = u->rec,
				   .wanted = wanted,
				   .n = n,
				   .chosen = chosen,
				   .strays = &strays,
				   .hidden = &hidden,
				   .budget = budget,
				   .defaults = defaults,
				   .force = force };

	u->configs = model_format_json(u->model, true);
	json_object_set_new(defaults, "from", json_object());
	strv_copy(&hidden, &u->model->hidden);
	if (u->rec) {
		strv_copy(&hidden, &u->rec->hidden);
		if (!chosen)
			list_strays(u, &strays);
	}
	for (size_t i = 0; i < n; i++)
		fill_wanted(u, i, &wanted[i]);
	plan_make(&src, &u->plan);
	for (size_t i = 0; i < n; i++) {
		json_decref((json_t *)wanted[i].config);
		free((char *)wanted[i].down);
	}
	free(wanted);
}

/* The images' ids, without a load. */
static int foresee_images(struct up *u, const struct strv *chosen, struct err *e)
{
	AUTO_CLOSE int dir = open(u->model->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? err_set(e, errno, "open directory '%s'", u->model->dir) : 0;

	u->ids = mem_new(u->model->n_services + 1, sizeof(*u->ids));
	for (size_t i = 0; r == 0 && i < u->model->n_services; i++) {
		const struct model_service *svc = &u->model->services[i];

		if (chosen && !strv_has(chosen, svc->name))
			continue;
		r = image_foresee(u->store, dir, svc->image, &u->ids[i], e);
		if (r == IMAGE_E_NOT_FOUND)
			r = up_no_image(svc, e);
		else if (r < 0)
			r = err_ctx(e, "service '%s'", svc->name);
	}
	return r;
}

static int look(struct up *u, struct err *e)
{
	int r = host_stack_fd(u->h, u->name, &u->stack_fd, e);

	if (r == 0)
		r = record_load(u->stack_fd, &u->rec, e);
	return r == STACK_E_ABSENT ? 0 : r;
}

int stack_plan(struct stack_host *h, struct image_store *store,
	       const struct stack_model *m, const struct stack_up_opts *o,
	       struct stack_plan *ret, struct err *e)
{
	struct up u = { .h = h,
			.name = m->name,
			.store = store,
			.model = m,
			.stack_fd = -1,
			.lock = -1 };
	AUTO_STRV struct strv names = STRV_INIT;
	const struct strv *chosen = o->services.n ? &names : NULL;
	int r = up_choose(m, &o->services, &names, e);

	if (r == 0)
		r = foresee_images(&u, chosen, e);
	if (r == 0)
		r = look(&u, e);
	if (r == 0)
		up_plan(&u, chosen, o->force_recreate);
	if (r == 0)
		r = up_admit(&u, o->strict, e);
	if (r == 0) {
		*ret = u.plan;
		u.plan = (struct stack_plan){ 0 };
	}
	stack_plan_free(&u.plan);
	up_close(&u);
	return r;
}
