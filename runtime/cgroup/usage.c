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

static double number_after(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtod(at + strlen(key), NULL) : 0;
}

void cgroup_parse_pressure(const char *text, struct cgroup_pressure *ret)
{
	const char *full = strstr(text, "full ");

	*ret = (struct cgroup_pressure){ .known = str_starts(text, "some ") };
	if (!ret->known)
		return;
	ret->some_avg10 = number_after(text, "avg10=");
	ret->some_usec = (uint64_t)number_after(text, "total=");
	if (!full) /* of cpu, before Linux 5.13 */
		return;
	ret->full_avg10 = number_after(full, "avg10=");
	ret->full_usec = (uint64_t)number_after(full, "total=");
}

static void read_pressure(const struct cgroup *g, const char *file,
			  struct cgroup_pressure *ret)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	int v2 = cgroup_dirfd_v2(g);

	/* EOPNOTSUPP: booted with psi=0 */
	if (v2 >= 0 && fd_read_file(v2, file, 4096, &text, &ignored) == 0 && text.data)
		cgroup_parse_pressure(text.data, ret);
}

static uint64_t field(const char *line, size_t len, const char *key)
{
	const char *at = memmem(line, len, key, strlen(key));

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

void cgroup_parse_io(const char *text, bool unified, uint64_t *ret_read,
		     uint64_t *ret_write)
{
	*ret_read = *ret_write = 0;
	while (*text) {
		size_t len = strcspn(text, "\n");

		*ret_read += field(text, len, unified ? " rbytes=" : " Read ");
		*ret_write += field(text, len, unified ? " wbytes=" : " Write ");
		text += len + (text[len] == '\n');
	}
}

static void read_io(const struct cgroup *g, struct cgroup_stats *ret)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	bool v2 = false;
	int dir = cgroup_dir_of(g, CTL_IO, &v2);
	const char *file = v2 ? "io.stat" : "blkio.throttle.io_service_bytes_recursive";

	if (dir < 0 || fd_read_file(dir, file, 1 << 20, &text, &ignored) < 0)
		return;
	ret->has_io = true;
	cgroup_parse_io(text.data ? text.data : "", v2, &ret->read_bytes,
			&ret->write_bytes);
}

int cgroup_stats(const struct cgroup *g, struct cgroup_stats *ret, struct err *e)
{
	struct cgroup_usage use;
	bool v2 = false;
	int dir = cgroup_dir_of(g, CTL_MEMORY, &v2), r = cgroup_usage(g, &use, e);
	uint64_t idle;

	*ret = (struct cgroup_stats){ 0 };
	if (r < 0)
		return r;
	idle = dir < 0 ? 0
		       : cgroup_read_key(dir, "memory.stat",
					 v2 ? "inactive_file" : "total_inactive_file");
	ret->memory_bytes = use.memory_bytes > idle ? use.memory_bytes - idle : 0;
	ret->cpu_usec = use.cpu_usec;
	ret->pids = use.pids;
	read_io(g, ret);
	read_pressure(g, "cpu.pressure", &ret->pressure[CGROUP_CPU]);
	read_pressure(g, "memory.pressure", &ret->pressure[CGROUP_MEMORY]);
	read_pressure(g, "io.pressure", &ret->pressure[CGROUP_IO]);
	return 0;
}
