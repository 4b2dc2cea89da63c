/*
 * cgroup/limits.c - limits and usage, v1 and v2. See cgroup.h.
 *
 * Knows the interface files of both. What is written is read back: a kernel that takes
 * less than was asked for is an error, not a surprise at night.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

enum { PERIOD_USEC = 100000 };
#define NO_LIMIT UINT64_MAX

int cgroup_read_u64(int dir, const char *name, uint64_t *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	unsigned long long n = 0;
	int r = fd_read_file(dir, name, 4096, &text, e);

	if (r < 0)
		return r;
	text.data[strcspn(text.data, " \n")] = '\0';
	/* "max"; v1 writes -1, or the largest page-aligned number: no limit */
	if (!str_u64(text.data, INT64_MAX, &n) || n > INT64_MAX / 2)
		n = 0;
	*ret = n;
	return 0;
}

uint64_t cgroup_read_key(int dir, const char *name, const char *key)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	size_t len = strlen(key);

	if (fd_read_file(dir, name, 65536, &text, &ignored) < 0)
		return 0;
	for (char *save = NULL, *l = strtok_r(text.data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		if (strncmp(l, key, len) == 0 && l[len] == ' ')
			return strtoull(l + len + 1, NULL, 10);
	return 0;
}

/* @value NO_LIMIT is written as @none. Read back, but for rounding by up to a page. */
static int set_number(int dir, const char *file, uint64_t value, const char *none,
		      uint64_t slack, struct err *e)
{
	uint64_t got = 0, want = value == NO_LIMIT ? 0 : value;
	char text[24];
	int r;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	r = fd_write_str(dir, file, value == NO_LIMIT ? none : text, e);
	if (r == 0)
		r = cgroup_read_u64(dir, file, &got, e);
	if (r == 0 && (got > want ? got - want : want - got) > slack)
		r = err_msg(e, EINVAL, "the kernel made %llu of the %llu for '%s'",
			    (unsigned long long)got, (unsigned long long)want, file);
	return r;
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t memswap_of(const struct cgroup_limits *l)
{
	if (l->memory_bytes == NO_LIMIT || l->memswap_bytes == NO_LIMIT)
		return NO_LIMIT;
	return l->memswap_bytes ? l->memswap_bytes : 2 * l->memory_bytes;
}

/* v1 wants memsw >= memory at every instant: so it is lifted first and set last. */
static int memory_v1(int dir, const struct cgroup_limits *l, struct err *e)
{
	static const char swap[] = "memory.memsw.limit_in_bytes";
	bool has_swap = faccessat(dir, swap, F_OK, 0) == 0;
	int r = has_swap ? fd_write_str(dir, swap, "-1", e) : 0;

	if (r == 0)
		r = set_number(dir, "memory.limit_in_bytes", l->memory_bytes, "-1",
			       page_size(), e);
	if (r == 0 && has_swap)
		r = set_number(dir, swap, memswap_of(l), "-1", page_size(), e);
	return r;
}

static int memory_v2(int dir, const struct cgroup_limits *l, struct err *e)
{
	uint64_t both = memswap_of(l),
		 swap = both == NO_LIMIT ? both : both - l->memory_bytes;
	int r = set_number(dir, "memory.max", l->memory_bytes, "max", page_size(), e);

	/* absent on a kernel without swap accounting */
	if (r == 0 && faccessat(dir, "memory.swap.max", F_OK, 0) == 0)
		r = set_number(dir, "memory.swap.max", swap, "max", page_size(), e);
	if (r == 0)
		r = fd_write_str(dir, "memory.oom.group", l->oom_group ? "1" : "0", e);
	return r;
}

static int set_memory(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	struct cgroup_limits m = *l;

	if (m.memory_bytes == 0)
		m.memory_bytes = NO_LIMIT;
	if (m.memory_bytes != NO_LIMIT && m.memswap_bytes &&
	    m.memswap_bytes < m.memory_bytes)
		return err_msg(e, EINVAL, "'memswap_limit' is below 'mem_limit'");
	return unified ? memory_v2(dir, &m, e) : memory_v1(dir, &m, e);
}

static int set_cpu(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	uint64_t quota = l->cpu_millis ? l->cpu_millis * (PERIOD_USEC / 1000) : NO_LIMIT;
	char text[48];
	int r;

	if (!unified) {
		r = set_number(dir, "cpu.cfs_period_us", PERIOD_USEC, "", 0, e);
		return r < 0 ? r : set_number(dir, "cpu.cfs_quota_us", quota, "-1", 0, e);
	}
	if (quota == NO_LIMIT)
		return set_number(dir, "cpu.max", quota, "max", 0, e);
	snprintf(text, sizeof(text), "%llu %d", (unsigned long long)quota, PERIOD_USEC);
	return fd_write_str(dir, "cpu.max", text, e);
}

static int set_shares(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	uint64_t shares = l->cpu_shares ? l->cpu_shares : 1024;

	if (shares < 2 || shares > 262144)
		return err_msg(e, EINVAL, "'cpu_shares' %llu is not from 2 to 262144",
			       (unsigned long long)shares);
	if (!unified)
		return set_number(dir, "cpu.shares", shares, "", 0, e);
	/* as systemd and the OCI runtimes map 2..262144 to 1..10000; unset is 100 */
	shares = l->cpu_shares ? 1 + (shares - 2) * 9999 / 262142 : 100;
	return set_number(dir, "cpu.weight", shares, "", 0, e);
}

static int set_pids(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	(void)unified; /* the same file in both */
	return set_number(dir, "pids.max", l->pids ? l->pids : NO_LIMIT, "max", 0, e);
}

static int set_cpuset(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	(void)unified;
	/* v2: the empty text is "as the parent"; v1 has inherited the parent's already */
	return fd_write_str(dir, "cpuset.cpus", l->cpuset ? l->cpuset : "\n", e);
}

static int set_devices(int dir, bool unified, const struct cgroup_limits *l,
		       struct err *e)
{
	static const char *const allowed[] = {
		"c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm",
		"c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm",
	};
	int r;

	if (unified)
		return 0;
	if (!l->devices)
		return fd_write_str(dir, "devices.allow", "a", e);
	r = fd_write_str(dir, "devices.deny", "a", e);
	for (size_t i = 0; i < ARRAY_LEN(allowed) && r == 0; i++)
		r = fd_write_str(dir, "devices.allow", allowed[i], e);
	return r;
}

static const struct limit {
	unsigned controller;
	const char *word;
	int (*set)(int dir, bool unified, const struct cgroup_limits *l, struct err *e);
} limits[] = {
	{ CTL_MEMORY, "mem_limit", set_memory }, { CTL_CPU, "cpus", set_cpu },
	{ CTL_CPU, "cpu_shares", set_shares },   { CTL_PIDS, "pids_limit", set_pids },
	{ CTL_CPUSET, "cpuset", set_cpuset },    { CTL_DEVICES, "devices", set_devices },
};

static bool is_wanted(const struct limit *row, const struct cgroup_limits *l)
{
	if (row->set == set_memory)
		return l->memory_bytes || l->oom_group;
	if (row->set == set_cpu)
		return l->cpu_millis;
	if (row->set == set_shares)
		return l->cpu_shares;
	if (row->set == set_pids)
		return l->pids;
	return row->set == set_cpuset ? l->cpuset != NULL : l->devices;
}

/* An adopted group may have limits of an earlier run: what is not limited now is lifted.
 */
static bool must_lift(const struct limit *row, int dir, bool unified, bool adopted)
{
	if (!adopted || dir < 0)
		return false;
	if (row->set == set_cpuset && !unified)
		return false; /* it inherits at its making only */
	/* v2: the file is missing where the parent did not enable the controller */
	return !unified || row->set == set_devices ||
	       faccessat(dir,
			 row->set == set_memory   ? "memory.max"
			 : row->set == set_pids   ? "pids.max"
			 : row->set == set_cpuset ? "cpuset.cpus"
						  : "cpu.max",
			 F_OK, 0) == 0;
}

int cgroup_limits_apply(const struct cgroup *g, const struct cgroup_limits *lim,
			bool adopted, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const struct limit *row = &limits[i];
		bool unified = false, wanted = is_wanted(row, lim);
		int dir = cgroup_dir_of(g, row->controller, &unified), r;

		if (!wanted && !must_lift(row, dir, unified, adopted))
			continue;
		/* v2 has no device files (and needs eBPF): documented as "nothing is
		 * done" */
		if (dir < 0 && row->set == set_devices)
			continue;
		if (dir < 0)
			return err_msg(e, ENOTSUP,
				       "'%s' needs the controller '%s', which this "
				       "host does not offer",
				       row->word,
				       cgroup_controller_name(row->controller));
		r = row->set(dir, unified, lim, e);
		if (r < 0)
			return err_ctx(e, "controller '%s'",
				       cgroup_controller_name(row->controller));
	}
	return 0;
}

int cgroup_allow_device(const struct cgroup *g, char type, unsigned major, unsigned minor,
			struct err *e)
{
	bool unified = false;
	int dir = cgroup_dir_of(g, CTL_DEVICES, &unified);
	char text[48];

	if (dir < 0 || unified)
		return 0;
	snprintf(text, sizeof(text), "%c %u:%u rwm", type, major, minor);
	return fd_write_str(dir, "devices.allow", text, e);
}

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
