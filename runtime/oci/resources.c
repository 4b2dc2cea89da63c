/* oci/resources.c - see resources.h. */
#include "runtime/oci/resources.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/oci/member.h"

static int put(const struct cgroup *g, struct oci_at at, const char *key,
	       const char *file, const char *text, struct err *e)
{
	int r = cgroup_write_file(g, file, text, e);

	if (r == CGROUP_E_ABSENT)
		return oci_bad(e, at, key,
			       "wants the cgroup file %s, which this host "
			       "does not have",
			       file);
	return r < 0 ? err_ctx(e, "config: '%s%s'", at.where, key) : 0;
}

/* One number to one file; @v1 and @v2 name it, whichever is there. */
static int put_number(const struct cgroup *g, struct oci_at at, const char *key,
		      const char *v1, const char *v2, const char *none, struct err *e)
{
	int64_t n = INT64_MIN;
	char text[24];
	int r = oci_number(at, key, INT64_MIN + 1, INT64_MAX, &n, e);

	if (r < 0 || n == INT64_MIN)
		return r;
	snprintf(text, sizeof(text), "%lld", (long long)n);
	return put(g, at, key,
		   v1 && cgroup_has_file(g, v1) ? v1
		   : v2                         ? v2
						: v1,
		   n < 0 && none && !(v1 && cgroup_has_file(g, v1)) ? none : text, e);
}

static int put_text(const struct cgroup *g, struct oci_at at, const char *key,
		    const char *file, struct err *e)
{
	const char *text = NULL;
	int r = oci_text(at, key, &text, e);

	return r < 0 || !text || !*text ? r : put(g, at, key, file, text, e);
}

/* The same, but 0 is "not told": Docker and others written in Go write the members they
 * have no value for. No limit and no weight of zero is a sensible one. */
static int put_if_told(const struct cgroup *g, struct oci_at at, const char *key,
		       const char *v1, const char *v2, const char *none, struct err *e)
{
	const json_t *v = json_object_get(at.j, key);

	if (json_is_integer(v) && json_integer_value(v) == 0)
		return 0;
	return put_number(g, at, key, v1, v2, none, e);
}

/* v1 wants memory <= memory and swap at every instant; which of the two may be written
 * first depends on what stands there. */
static int memory_v1(const struct cgroup *g, struct oci_at m, struct err *e)
{
	static const char limit[] = "memory.limit_in_bytes",
			  both[] = "memory.memsw.limit_in_bytes";
	const json_t *told = json_object_get(m.j, "limit");
	struct err first = ERR_INIT;
	int r = put_if_told(g, m, "limit", limit, NULL, NULL, &first);

	if (r == 0)
		return put_if_told(g, m, "swap", both, NULL, NULL, e);
	/* no limit at all wants none of both together, which stood above it */
	if (told && json_integer_value(told) < 0 && !json_object_get(m.j, "swap") &&
	    cgroup_has_file(g, both))
		r = put(g, m, "limit", both, "-1", e);
	else
		r = put_if_told(g, m, "swap", both, NULL, NULL, e);
	return r < 0 ? r : put_if_told(g, m, "limit", limit, NULL, NULL, e);
}

/* There "swap" is memory and swap together; v2's file takes the swap alone. */
static int memory_v2(const struct cgroup *g, struct oci_at m, struct err *e)
{
	int64_t limit = 0, both = 0;
	char text[24] = "max";
	int r = oci_number(m, "limit", -1, INT64_MAX, &limit, e);

	if (r == 0)
		r = oci_number(m, "swap", -1, INT64_MAX, &both, e);
	if (limit < 0 && both == 0)
		both = -1;
	if (r == 0 && both > 0 && limit > 0 && both < limit)
		r = oci_bad(e, m, "swap", "is below 'limit'");
	if (r == 0 && both > 0) {
		snprintf(text, sizeof(text), "%lld",
			 (long long)(both - (limit > 0 ? limit : 0)));
	}
	if (r == 0 && both)
		r = put(g, m, "swap", "memory.swap.max", text, e);
	return r < 0 ? r : put_if_told(g, m, "limit", NULL, "memory.max", "max", e);
}

static int set_memory(const struct cgroup *g, struct oci_at m, struct err *e)
{
	bool off = false, check = false;
	int r = cgroup_has_file(g, "memory.limit_in_bytes") ? memory_v1(g, m, e)
							    : memory_v2(g, m, e);

	if (r == 0)
		r = put_if_told(g, m, "reservation", "memory.soft_limit_in_bytes",
				"memory.low", "max", e);
	/* Ended by the kernel long ago; what it still takes is set, no more. */
	if (r == 0 && cgroup_has_file(g, "memory.kmem.tcp.limit_in_bytes"))
		r = put_if_told(g, m, "kernelTCP", "memory.kmem.tcp.limit_in_bytes", NULL,
				NULL, e);
	if (r == 0)
		r = put_number(g, m, "swappiness", "memory.swappiness", NULL, NULL, e);
	if (r == 0)
		r = oci_flag(m, "disableOOMKiller", &off, e);
	if (r == 0)
		r = oci_flag(m, "checkBeforeUpdate", &check, e);
	return r < 0 || !off
		       ? r
		       : put(g, m, "disableOOMKiller", "memory.oom_control", "1", e);
}

static int cpu_v2(const struct cgroup *g, struct oci_at c, struct err *e)
{
	int64_t quota = 0, period = 0, shares = 0;
	char text[48];
	int r = oci_number(c, "quota", -1, INT64_MAX, &quota, e);

	if (r == 0)
		r = oci_number(c, "period", 0, INT64_MAX, &period, e);
	if (r == 0)
		r = oci_number(c, "shares", 0, INT64_MAX, &shares, e);
	if (r == 0 && shares) {
		/* 2..262144 to 1..10000, as the other runtimes do */
		shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
		snprintf(text, sizeof(text), "%lld",
			 (long long)(1 + (shares - 2) * 9999 / 262142));
		r = put(g, c, "shares", "cpu.weight", text, e);
	}
	if (r < 0 || (!quota && !period))
		return r;
	if (quota > 0)
		snprintf(text, sizeof(text), "%lld %lld", (long long)quota,
			 (long long)(period ? period : 100000));
	else
		snprintf(text, sizeof(text), "max %lld",
			 (long long)(period ? period : 100000));
	return put(g, c, "quota", "cpu.max", text, e);
}

/* A sub-group's quota over period must not be above its parent's at any instant: when
 * the new period is refused, the new quota goes first. */
static int cpu_v1(const struct cgroup *g, struct oci_at c, struct err *e)
{
	struct err first = ERR_INIT;
	int r = put_if_told(g, c, "shares", "cpu.shares", NULL, NULL, e);

	if (r < 0)
		return r;
	if (put_if_told(g, c, "period", "cpu.cfs_period_us", NULL, NULL, &first) == 0)
		return put_if_told(g, c, "quota", "cpu.cfs_quota_us", NULL, NULL, e);
	r = put_if_told(g, c, "quota", "cpu.cfs_quota_us", NULL, NULL, e);
	return r < 0 ? r
		     : put_if_told(g, c, "period", "cpu.cfs_period_us", NULL, NULL, e);
}

static int set_cpu(const struct cgroup *g, struct oci_at c, struct err *e)
{
	int r = cgroup_has_file(g, "cpu.shares") ? cpu_v1(g, c, e) : cpu_v2(g, c, e);

	if (r == 0)
		r = put_number(g, c, "burst", "cpu.cfs_burst_us", "cpu.max.burst", NULL,
			       e);
	if (r == 0)
		r = put_if_told(g, c, "realtimePeriod", "cpu.rt_period_us", NULL, NULL,
				e);
	if (r == 0)
		r = put_if_told(g, c, "realtimeRuntime", "cpu.rt_runtime_us", NULL, NULL,
				e);
	if (r == 0)
		r = put_number(g, c, "idle", "cpu.idle", "cpu.idle", NULL, e);
	if (r == 0)
		r = put_text(g, c, "cpus", "cpuset.cpus", e);
	return r < 0 ? r : put_text(g, c, "mems", "cpuset.mems", e);
}

static int set_pids(const struct cgroup *g, struct oci_at p, struct err *e)
{
	int64_t n = 0;
	char text[24] = "max";
	int r = oci_number(p, "limit", INT64_MIN, INT64_MAX, &n, e);

	if (r < 0 || n == 0)
		return r;
	if (n > 0)
		snprintf(text, sizeof(text), "%lld", (long long)n);
	return put(g, p, "limit", "pids.max", text, e);
}

static int throttle(const struct cgroup *g, struct oci_at b, const char *key,
		    const char *v1, const char *v2_word, struct err *e)
{
	const json_t *list = NULL;
	AUTO_FREE char *where = str_fmt("%s%s.", b.where, key);
	int r = oci_array(b, key, &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		int64_t major = 0, minor = 0, rate = 0;
		AUTO_FREE char *text = NULL;
		bool old = cgroup_has_file(g, v1);
		struct oci_at at;

		r = oci_item(list, i, where, &at, e);
		if (r == 0)
			r = oci_number(at, "major", 0, INT32_MAX, &major, e);
		if (r == 0)
			r = oci_number(at, "minor", 0, INT32_MAX, &minor, e);
		if (r == 0)
			r = oci_number(at, "rate", 0, INT64_MAX, &rate, e);
		if (r < 0)
			return r;
		text = str_fmt(old ? "%lld:%lld %s%lld" : "%lld:%lld %s=%lld",
			       (long long)major, (long long)minor, old ? "" : v2_word,
			       (long long)rate);
		r = put(g, b, key, old ? v1 : "io.max", text, e);
	}
	return r;
}

static int weight_devices(const struct cgroup *g, struct oci_at b, struct err *e)
{
	const json_t *list = NULL;
	int r = oci_array(b, "weightDevice", &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		int64_t major = 0, minor = 0, weight = 0;
		AUTO_FREE char *text = NULL;
		struct oci_at at;

		r = oci_item(list, i, "linux.resources.blockIO.weightDevice.", &at, e);
		if (r == 0)
			r = oci_number(at, "major", 0, INT32_MAX, &major, e);
		if (r == 0)
			r = oci_number(at, "minor", 0, INT32_MAX, &minor, e);
		if (r == 0)
			r = oci_number(at, "weight", 10, 1000, &weight, e);
		if (r < 0 || !weight)
			return r;
		text = str_fmt("%lld:%lld %lld", (long long)major, (long long)minor,
			       (long long)weight);
		r = put(g, b, "weightDevice",
			cgroup_has_file(g, "blkio.weight_device") ? "blkio.weight_device"
			: cgroup_has_file(g, "blkio.bfq.weight_device")
				? "blkio.bfq.weight_device"
				: "io.bfq.weight",
			text, e);
	}
	return r;
}

static int set_block(const struct cgroup *g, struct oci_at b, struct err *e)
{
	static const struct {
		const char *key, *v1, *v2_word;
	} rows[] = {
		{ "throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps" },
		{ "throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps" },
		{ "throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops" },
		{ "throttleWriteIOPSDevice", "blkio.throttle.write_iops_device",
		  "wiops" },
	};
	bool old = cgroup_has_file(g, "blkio.weight");
	int r = put_if_told(g, b, "weight", old ? "blkio.weight" : "blkio.bfq.weight",
			    "io.bfq.weight", NULL, e);

	if (r == 0)
		r = put_if_told(g, b, "leafWeight", "blkio.leaf_weight", NULL, NULL, e);
	if (r == 0)
		r = weight_devices(g, b, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
		r = throttle(g, b, rows[i].key, rows[i].v1, rows[i].v2_word, e);
	return r;
}

static int set_hugepages(const struct cgroup *g, struct oci_at top, struct err *e)
{
	const json_t *list = NULL;
	int r = oci_array(top, "hugepageLimits", &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		AUTO_FREE char *v1 = NULL, *v2 = NULL;
		const char *size = NULL;
		struct oci_at at;

		r = oci_item(list, i, "linux.resources.hugepageLimits.", &at, e);
		if (r == 0)
			r = oci_need(at, "pageSize", &size, e);
		if (r == 0 && strchr(size, '/'))
			r = oci_bad(e, at, "pageSize", "is %s, no size", size);
		if (r < 0)
			return r;
		v1 = str_fmt("hugetlb.%s.limit_in_bytes", size);
		v2 = str_fmt("hugetlb.%s.max", size);
		r = put_number(g, at, "limit", v1, v2, "max", e);
	}
	return r;
}

static int set_network(const struct cgroup *g, struct oci_at n, struct err *e)
{
	const json_t *list = NULL;
	int r = put_if_told(g, n, "classID", "net_cls.classid", NULL, NULL, e);

	if (r == 0)
		r = oci_array(n, "priorities", &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const char *name = NULL;
		int64_t priority = 0;
		AUTO_FREE char *text = NULL;
		struct oci_at at;

		r = oci_item(list, i, "linux.resources.network.priorities.", &at, e);
		if (r == 0)
			r = oci_need(at, "name", &name, e);
		if (r == 0)
			r = oci_number(at, "priority", 0, UINT32_MAX, &priority, e);
		if (r < 0)
			return r;
		text = str_fmt("%s %lld", name, (long long)priority);
		r = put(g, n, "priorities", "net_prio.ifpriomap", text, e);
	}
	return r;
}

static int device_number(struct oci_at at, const char *key, unsigned *ret, struct err *e)
{
	int64_t v = -1;
	int r = oci_number(at, key, -1, INT32_MAX, &v, e);

	if (r == 0)
		*ret = v < 0 ? CGROUP_DEVICE_ANY : (unsigned)v;
	return r;
}

static int device_rule(struct oci_at at, struct cgroup_device *ret, struct err *e)
{
	const char *type = NULL, *access = NULL;
	bool allow = false;
	int r = oci_flag(at, "allow", &allow, e);

	if (r == 0)
		r = oci_text(at, "type", &type, e);
	if (r == 0)
		r = oci_text(at, "access", &access, e);
	if (r == 0)
		r = device_number(at, "major", &ret->major, e);
	if (r == 0)
		r = device_number(at, "minor", &ret->minor, e);
	if (r < 0)
		return r;
	if (access &&
	    (!*access || strlen(access) > 3 || strspn(access, "rwm") != strlen(access)))
		return oci_bad(e, at, "access", "is '%s', not of r, w and m", access);
	if (type && *type && (strlen(type) != 1 || !strchr("abc", *type)))
		return oci_bad(e, at, "type", "is '%s', not a, b or c", type);
	ret->deny = !allow;
	ret->type = type && *type ? *type : 'a';
	snprintf(ret->access, sizeof(ret->access), "%s", access ? access : "rwm");
	return 0;
}

/* What `spec` writes: nothing that anybody chose. */
static bool is_customary(const struct cgroup_device *rules, size_t n)
{
	return n == 1 && rules->deny && rules->type == 'a' &&
	       rules->major == CGROUP_DEVICE_ANY && rules->minor == CGROUP_DEVICE_ANY;
}

/* After all rules: the devices that every container has, and making (not using) of any.
 */
static void append_usual(struct cgroup_device *rules, size_t *n)
{
	size_t n_usual;
	const struct cgroup_device *usual = cgroup_usual_devices(&n_usual);

	for (const char *type = "cb"; *type; type++)
		rules[(*n)++] = (struct cgroup_device){ .type = *type,
							.major = CGROUP_DEVICE_ANY,
							.minor = CGROUP_DEVICE_ANY,
							.access = "m" };
	for (size_t i = 0; i < n_usual; i++)
		rules[(*n)++] = usual[i];
}

static int set_devices(const struct cgroup *g, struct oci_at top, struct err *e)
{
	AUTO_FREE struct cgroup_device *rules = NULL;
	const json_t *list = NULL;
	size_t n, room;
	bool must;
	int r = oci_array(top, "devices", &list, e);

	if (r < 0 || !json_array_size(list))
		return r;
	(void)cgroup_usual_devices(&room);
	rules = mem_new(json_array_size(list) + 2 + room, sizeof(*rules));
	for (n = 0; r == 0 && n < json_array_size(list); n++) {
		struct oci_at at;

		r = oci_item(list, n, "linux.resources.devices.", &at, e);
		if (r == 0)
			r = device_rule(at, &rules[n], e);
	}
	if (r < 0)
		return r;
	must = !is_customary(rules, n);
	append_usual(rules, &n);
	if (cgroup_devices(g, rules, n, must, e) < 0)
		return err_ctx(e, "config: 'linux.resources.devices'");
	return 0;
}

static int set_unified(const struct cgroup *g, struct oci_at u, struct err *e)
{
	const char *file;
	json_t *value;

	json_object_foreach ((json_t *)u.j, file, value) {
		int r;

		if (!json_is_string(value))
			return oci_bad(e, u, file, "is not a string");
		if (strchr(file, '/') || str_starts(file, "cgroup."))
			return oci_bad(e, u, file, "is no file of a controller");
		r = put(g, u, file, file, json_string_value(value), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int oci_resources_apply(const json_t *resources, const struct cgroup *g, bool update,
			struct err *e)
{
	static const struct {
		const char *key, *where;
		int (*set)(const struct cgroup *g, struct oci_at at, struct err *e);
	} parts[] = {
		{ "memory", "linux.resources.memory.", set_memory },
		{ "cpu", "linux.resources.cpu.", set_cpu },
		{ "pids", "linux.resources.pids.", set_pids },
		{ "blockIO", "linux.resources.blockIO.", set_block },
		{ "network", "linux.resources.network.", set_network },
		{ "unified", "linux.resources.unified.", set_unified },
	};
	struct oci_at top = { resources, "linux.resources." };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++) {
		struct oci_at at;

		r = oci_object(top, parts[i].key, parts[i].where, &at, e);
		if (r == 0 && at.j)
			r = parts[i].set(g, at, e);
	}
	if (r == 0)
		r = set_hugepages(g, top, e);
	return r < 0 || update ? r : set_devices(g, top, e);
}
