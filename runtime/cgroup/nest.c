/*
 * cgroup/nest.c - a group for some of a group's processes. See cgroup.h.
 *
 * Knows which hierarchy is the cheapest to tell them apart in.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/cgroup/hier.h"

enum { WAIT_MS = 2000, STEP_NS = 1000000 };

/* A group of v1's memory controller would keep pages long after it is removed. */
static size_t cheapest(const struct cgroup *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->in[i].unified)
			return i;
	for (size_t i = 0; i < g->n; i++)
		if (g->in[i].controllers & CTL_PIDS)
			return i;
	return 0;
}

int cgroup_nest(struct cgroup *g, const char *name, struct cgroup **ret, struct err *e)
{
	size_t at = cheapest(g);
	bool unified = g->in[at].unified;
	AUTO_CLOSE int dir = -1, procs = -1;
	struct cgroup *n;

	if (mkdirat(g->in[at].dir, name, 0755) < 0)
		return err_set(e, errno, "mkdir '%s' in cgroup '%s'", name, g->path);
	dir = openat(g->in[at].dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		procs = openat(dir, unified ? "cgroup.procs" : "tasks",
			       O_WRONLY | O_CLOEXEC);
	if (procs < 0) {
		err_set(e, errno, "open '%s' in cgroup '%s'", name, g->path);
		(void)unlinkat(g->in[at].dir, name, AT_REMOVEDIR);
		return -e->code;
	}
	n = mem_new(1, sizeof(*n));
	n->path = str_fmt("%s/%s", g->path, name);
	n->n = 1;
	n->in[0] = g->in[at];
	n->in[0].dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	n->in[0].procs = -1;
	close(g->in[at].dir);
	close(g->in[at].procs);
	g->in[at].dir = fd_take(&dir);
	g->in[at].procs = fd_take(&procs);
	*ret = n;
	return 0;
}

int cgroup_unnest(struct cgroup *n, struct err *e)
{
	AUTO_CLOSE int up =
		openat(n->in[0].dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *name = strrchr(n->path, '/') + 1;
	uint64_t since = proc_now_ns();
	int r = cgroup_is_empty(n) ? 0 : cgroup_kill(n, e);

	/* EBUSY: a killed process is not quite gone yet. */
	while (r == 0 && unlinkat(up, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		if (errno != EBUSY || proc_now_ns() - since > WAIT_MS * 1000000ull)
			r = err_set(e, errno, "remove cgroup '%s'", n->path);
		else
			nanosleep(&(struct timespec){ .tv_nsec = STEP_NS }, NULL);
	}
	cgroup_free(n);
	return r;
}
