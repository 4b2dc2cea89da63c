/*
 * cgroup/usage.c - what a group uses, and of how much. See cgroup.h.
 *
 * Knows the counters of both versions. Changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

/* A number that this kernel or hierarchy does not have is 0. */
static uint64_t number_or_0(int dir, const char *name)
{
	struct err ignored = ERR_INIT;
	uint64_t n = 0;

	if (dir < 0 || cgroup_read_u64(dir, name, &n, &ignored) < 0)
		return 0;
	return n;
}

int cgroup_usage(const struct cgroup *g, struct cgroup_usage *ret, struct err *e)
{
	bool v2 = false;
	int dir = cgroup_dir_of(g, CTL_MEMORY, &v2);

	*ret = (struct cgroup_usage){ 0 };
	if (g->n && faccessat(g->in[0].dir, "cgroup.procs", F_OK, 0) < 0)
		return err_set(e, errno, "look into cgroup '%s'", g->path);
	if (dir >= 0) {
		ret->memory_bytes =
			number_or_0(dir, v2 ? "memory.current" : "memory.usage_in_bytes");
		ret->memory_peak_bytes = number_or_0(
			dir, v2 ? "memory.peak" : "memory.max_usage_in_bytes");
		ret->oom_kills = cgroup_read_key(
			dir, v2 ? "memory.events" : "memory.oom_control", "oom_kill");
	}
	dir = cgroup_dir_of(g, CTL_CPUACCT, &v2);
	if (dir >= 0)
		ret->cpu_usec = number_or_0(dir, "cpuacct.usage") / 1000;
	else if (cgroup_dirfd_v2(g) >= 0)
		ret->cpu_usec =
			cgroup_read_key(cgroup_dirfd_v2(g), "cpu.stat", "usage_usec");
	dir = cgroup_dir_of(g, CTL_PIDS, &v2);
	ret->pids = number_or_0(dir, "pids.current");
	return 0;
}

static uint64_t cpu_millis(int dir, bool v2)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	uint64_t quota = number_or_0(dir, v2 ? "cpu.max" : "cpu.cfs_quota_us"), period;
	char *second = NULL;

	if (!v2)
		period = number_or_0(dir, "cpu.cfs_period_us");
	else if (fd_read_file(dir, "cpu.max", 64, &text, &ignored) < 0)
		period = 0;
	else
		period = (second = strchr(text.data, ' ')) ? strtoull(second, NULL, 10)
							   : 0;
	return period ? quota * 1000 / period : 0;
}

int cgroup_limits(const struct cgroup *g, struct cgroup_limits *ret, struct err *e)
{
	bool v2 = false;
	int dir = cgroup_dir_of(g, CTL_MEMORY, &v2);

	*ret = (struct cgroup_limits){ 0 };
	if (g->n && faccessat(g->in[0].dir, "cgroup.procs", F_OK, 0) < 0)
		return err_set(e, errno, "look into cgroup '%s'", g->path);
	ret->memory_bytes = number_or_0(dir, v2 ? "memory.max" : "memory.limit_in_bytes");
	dir = cgroup_dir_of(g, CTL_CPU, &v2);
	if (dir >= 0)
		ret->cpu_millis = cpu_millis(dir, v2);
	dir = cgroup_dir_of(g, CTL_PIDS, &v2);
	ret->pids = number_or_0(dir, "pids.max");
	return 0;
}
