/* stack/place.c - see place.h. */
#include "runtime/stack/place.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/confine.h"

int place_enter(struct up *u, struct err *e)
{
	AUTO_FREE char *leaf = NULL;
	struct cgroup_host *cg = NULL;
	int r = host_cgroups(u->h, &cg, e);

	if (r == 0)
		r = cgroup_delegated(cg, &u->own, e);
	if (r != 0)
		return r == CGROUP_E_ABSENT ? 0 : r;
	leaf = host_cgroup_in(u->h, u->own, u->model->name, "_supervisor");
	return cgroup_enter(cg, leaf, e);
}

static int runs_something(struct cgroup_host *cg, const char *path, bool *ret,
			  struct err *e)
{
	struct cgroup *g = NULL;
	int r = cgroup_open(cg, path, &g, e);

	*ret = r == 0 && !cgroup_is_empty(g);
	cgroup_free(g);
	return r < 0 ? r : 0;
}

static int write_base(struct up *u, const char *base, struct err *e)
{
	if (*base)
		return fd_write_file(u->stack_fd, ".cgroup", base, strlen(base), 0600, e);
	if (unlinkat(u->stack_fd, ".cgroup", 0) < 0 && errno != ENOENT)
		return err_set(e, errno, "remove '.cgroup'");
	return 0;
}

static int move_base(struct up *u, struct cgroup_host *cg, struct err *e)
{
	AUTO_FREE char *base = host_cgroup_base(u->h, u->rec->name);
	AUTO_FREE char *path = host_cgroup(u->h, u->rec->name, NULL);
	const char *wanted = u->own ? u->own : cgroup_exists(cg, base) ? base : "";
	bool runs;
	int r;

	if (str_eq(base, wanted))
		return 0;
	r = runs_something(cg, path, &runs, e);
	if (r < 0 || runs)
		return r;
	r = cgroup_destroy(cg, path, e);
	return r < 0 ? r : write_base(u, wanted, e);
}

static int make_missing(struct up *u, struct cgroup_host *cg, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < u->rec->n_services && r == 0; i++) {
		const struct record_service *rs = &u->rec->services[i];
		AUTO_FREE char *path = host_cgroup(u->h, u->rec->name, rs->name);
		struct instance_source src = { .h = u->h,
					       .model = u->model,
					       .svc = model_service(u->model, rs->name),
					       .rec = u->rec,
					       .stack_fd = u->stack_fd };

		if (src.svc && !cgroup_exists(cg, path))
			r = confine_create(&src, rs, path, e);
		if (r < 0)
			return err_ctx(e, "service '%s'", rs->name);
	}
	return r;
}

int place_settle(struct up *u, struct err *e)
{
	struct cgroup_host *cg = NULL;
	int r;

	if (sup_alive(u->stack_fd))
		return 0;
	r = host_cgroups(u->h, &cg, e);
	if (r == 0)
		r = move_base(u, cg, e);
	return r < 0 ? r : make_missing(u, cg, e);
}
