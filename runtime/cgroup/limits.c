/*
 * cgroup/limits.c - limits, v1 and v2. See cgroup.h.
 *
 * Knows the interface files of both. What is written is read back: a kernel that takes
 * less than was asked for is an error, not a surprise at night.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/devices.h"
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
	return r;
}

/* It was asked for by name: a kernel that does not count swap cannot keep it. */
static int check_memswap(int dir, bool unified, const struct cgroup_limits *l,
			 struct err *e)
{
	const char *file = unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes";

	if (l->memswap_bytes == 0 || faccessat(dir, file, F_OK, 0) == 0)
		return 0;
	return err_msg(e, ENOTSUP, "this kernel does not count swap: it has no '%s'",
		       file);
}

static int set_memory(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	struct cgroup_limits m = *l;
	int r;

	if (m.memory_bytes == 0)
		m.memory_bytes = NO_LIMIT;
	if (m.memory_bytes != NO_LIMIT && m.memswap_bytes &&
	    m.memswap_bytes < m.memory_bytes)
		return err_msg(e, EINVAL, "'memswap_limit' is below 'mem_limit'");
	r = check_memswap(dir, unified, l, e);
	if (r < 0)
		return r;
	return unified ? memory_v2(dir, &m, e) : memory_v1(dir, &m, e);
}

/* v2: low protects what is used below it; high would slow down what is above. */
static int set_reserve(int dir, bool unified, const struct cgroup_limits *l,
		       struct err *e)
{
	uint64_t v = l->memory_reserve_bytes;

	if (unified)
		return set_number(dir, "memory.low", v, "", page_size(), e);
	return set_number(dir, "memory.soft_limit_in_bytes", v ? v : NO_LIMIT, "-1",
			  page_size(), e);
}

/* v1 has no such file: somebody waits for the kill (cgroup_oom_wait()). */
static int set_oom_group(int dir, bool unified, const struct cgroup_limits *l,
			 struct err *e)
{
	if (!unified)
		return 0;
	return fd_write_str(dir, "memory.oom.group", l->oom_group ? "1" : "0", e);
}

static uint64_t period_of(const struct cgroup_limits *l)
{
	return l->cpu_period_usec ? l->cpu_period_usec : PERIOD_USEC;
}

static uint64_t quota_of(const struct cgroup_limits *l)
{
	if (l->cpu_quota_usec)
		return l->cpu_quota_usec;
	return l->cpu_millis ? l->cpu_millis * period_of(l) / 1000 : NO_LIMIT;
}

/* v1 refuses a new period under which the old quota would be more than the parent's. */
static int cpu_v1(int dir, const struct cgroup_limits *l, struct err *e)
{
	int r = fd_write_str(dir, "cpu.cfs_quota_us", "-1", e);

	if (r == 0)
		r = set_number(dir, "cpu.cfs_period_us", period_of(l), "", 0, e);
	return r < 0 ? r : set_number(dir, "cpu.cfs_quota_us", quota_of(l), "-1", 0, e);
}

static int cpu_v2(int dir, const struct cgroup_limits *l, struct err *e)
{
	AUTO_BUF struct buf got = BUF_INIT;
	char text[48];
	int r;

	if (quota_of(l) == NO_LIMIT)
		snprintf(text, sizeof(text), "max %llu\n",
			 (unsigned long long)period_of(l));
	else
		snprintf(text, sizeof(text), "%llu %llu\n",
			 (unsigned long long)quota_of(l),
			 (unsigned long long)period_of(l));
	r = fd_write_str(dir, "cpu.max", text, e);
	if (r == 0)
		r = fd_read_file(dir, "cpu.max", sizeof(text), &got, e);
	if (r == 0 && !str_eq(got.data, text))
		r = err_msg(e, EINVAL, "the kernel made another one for 'cpu.max'");
	return r;
}

static int set_cpu(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	return unified ? cpu_v2(dir, l, e) : cpu_v1(dir, l, e);
}

static int set_shares(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	uint64_t shares = l->cpu_shares ? l->cpu_shares : 1024;

	if (shares < 2 || shares > 262144)
		return err_msg(e, EINVAL, "not from 2 to 262144");
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

/* "0-2,4" as a set; the same processors may be written in several ways. */
static void cpu_list(const char *s, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	while (*s) {
		char *end;
		unsigned long from = strtoul(s, &end, 10), to = from;

		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < CPU_SETSIZE; from++)
			CPU_SET(from, ret);
		s = *end ? end + 1 : end;
	}
}

static bool cpu_list_eq(const char *a, const char *b)
{
	cpu_set_t x, y;

	cpu_list(a, &x);
	cpu_list(b, &y);
	return CPU_EQUAL(&x, &y);
}

static int set_cpuset(int dir, bool unified, const struct cgroup_limits *l, struct err *e)
{
	AUTO_BUF struct buf got = BUF_INIT;
	/* v2: the empty text is "as the parent"; v1 has inherited the parent's already */
	int r = fd_write_str(dir, "cpuset.cpus", l->cpuset ? l->cpuset : "\n", e);

	if (r == 0)
		r = fd_read_file(dir, unified ? "cpuset.cpus.effective" : "cpuset.cpus",
				 4096, &got, e);
	if (r < 0 || !l->cpuset)
		return r;
	got.data[strcspn(got.data, "\n")] = '\0';
	if (cpu_list_eq(got.data, l->cpuset))
		return 0;
	return err_msg(e, EINVAL, "the kernel made '%s' of the processors '%s'", got.data,
		       l->cpuset);
}

/* A member of struct cgroup_limits and the word that people know it by. */
struct field {
	const char *word;
	enum { NUMBER, COUNT, TEXT, FLAG } kind;
	size_t at;
};
#define FIELD(word, kind, member)                                                        \
	{                                                                                \
		word, kind, offsetof(struct cgroup_limits, member)                       \
	}

static const struct limit {
	unsigned controller;
	int (*set)(int dir, bool unified, const struct cgroup_limits *l, struct err *e);
	const char *file; /* v2: there if the controller is */
	struct field fields[3];
} limits[] = {
	{ CTL_MEMORY,
	  set_memory,
	  "memory.max",
	  { FIELD("mem_limit", NUMBER, memory_bytes),
	    FIELD("memswap_limit", NUMBER, memswap_bytes) } },
	{ CTL_MEMORY,
	  set_reserve,
	  "memory.low",
	  { FIELD("mem_reservation", NUMBER, memory_reserve_bytes) } },
	{ CTL_MEMORY,
	  set_oom_group,
	  "memory.oom.group",
	  { FIELD("oom_group", FLAG, oom_group) } },
	{ CTL_CPU,
	  set_cpu,
	  "cpu.max",
	  { FIELD("cpus", NUMBER, cpu_millis), FIELD("cpu_quota", NUMBER, cpu_quota_usec),
	    FIELD("cpu_period", NUMBER, cpu_period_usec) } },
	{ CTL_CPU,
	  set_shares,
	  "cpu.weight",
	  { FIELD("cpu_shares", NUMBER, cpu_shares) } },
	{ CTL_PIDS, set_pids, "pids.max", { FIELD("pids_limit", NUMBER, pids) } },
	{ CTL_CPUSET, set_cpuset, "cpuset.cpus", { FIELD("cpuset", TEXT, cpuset) } },
	{ CTL_IO,
	  cgroup_io_weight,
	  "io.max",
	  { FIELD("blkio_config weight", NUMBER, io_weight) } },
	{ CTL_IO, cgroup_io_rates, "io.max", { FIELD("blkio_config", COUNT, n_io) } },
};

static bool is_set(const struct field *f, const struct cgroup_limits *l)
{
	const void *p = (const char *)l + f->at;

	if (!f->word)
		return false;
	if (f->kind == NUMBER || f->kind == COUNT)
		return *(const uint64_t *)p != 0;
	return f->kind == FLAG ? *(const bool *)p : *(const char *const *)p != NULL;
}

static bool is_wanted(const struct limit *row, const struct cgroup_limits *l)
{
	for (size_t i = 0; i < ARRAY_LEN(row->fields); i++)
		if (is_set(&row->fields[i], l))
			return true;
	return false;
}

/* "'mem_limit' 67108864, 'memswap_limit' -1": what a failed row was to set. */
static void describe(const struct limit *row, const struct cgroup_limits *l,
		     struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(row->fields); i++) {
		const struct field *f = &row->fields[i];
		const void *p = (const char *)l + f->at;

		if (!is_set(f, l))
			continue;
		buf_addf(ret, "%s'%s'", ret->len ? ", " : "", f->word);
		if (f->kind == NUMBER)
			buf_addf(ret, " %lld", (long long)*(const uint64_t *)p);
		else if (f->kind == TEXT)
			buf_addf(ret, " '%s'", *(const char *const *)p);
	}
	if (!ret->len)
		buf_addf(ret, "no '%s'", row->fields[0].word);
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
	return !unified || !row->file || faccessat(dir, row->file, F_OK, 0) == 0;
}

static int apply_row(const struct cgroup *g, const struct limit *row,
		     const struct cgroup_limits *lim, bool adopted, struct err *e)
{
	bool unified = false, wanted = is_wanted(row, lim);
	int dir = cgroup_dir_of(g, row->controller, &unified);

	if (!wanted && !must_lift(row, dir, unified, adopted))
		return 0;
	if (dir < 0)
		return err_msg(e, ENOTSUP,
			       "it needs the controller '%s', which this host does not "
			       "offer",
			       cgroup_controller_name(row->controller));
	return row->set(dir, unified, lim, e);
}

int cgroup_limits_apply(const struct cgroup *g, const struct cgroup_limits *lim,
			bool adopted, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		AUTO_BUF struct buf what = BUF_INIT;

		if (apply_row(g, &limits[i], lim, adopted, e) == 0)
			continue;
		describe(&limits[i], lim, &what);
		return err_ctx(e, "%s", what.data);
	}
	if (cgroup_limits_devices(g, lim, adopted, e) < 0)
		return err_ctx(e, "'devices'");
	return 0;
}
