/* oci/cmd_events.c - what a container uses, once or as it goes. See command.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/oci/command.h"
#include "runtime/oci/group.h"

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* The members that callers read, in runc's places and units: bytes and nanoseconds; a
 * limit of 0 is none. */
static json_t *stats_of(const struct cgroup_usage *u, const struct cgroup_limits *l)
{
	return json_pack("{s:{s:{s:o}},s:{s:{s:o,s:o,s:o}},s:{s:o,s:o}}", "cpu", "usage",
			 "total", number(u->cpu_usec * 1000), "memory", "usage", "usage",
			 number(u->memory_bytes), "max", number(u->memory_peak_bytes),
			 "limit", number(l->memory_bytes), "pids", "current",
			 number(u->pids), "limit", number(l->pids));
}

static int print_event(const char *id, const char *type, json_t *data, struct err *e)
{
	AUTO_JSON json_t *j = json_object();
	AUTO_FREE char *text = NULL;

	json_object_set_new(j, "type", json_string(type));
	json_object_set_new(j, "id", json_text(id));
	if (data)
		json_object_set_new(j, "data", data);
	text = json_dumps(j, JSON_COMPACT);
	if (!text)
		return err_msg(e, ENOMEM, "cannot write the '%s' as JSON", type);
	printf("%s\n", text);
	if (fflush(stdout) != 0)
		return err_set(e, errno, "write the '%s'", type);
	return 0;
}

/* @oom_kills: how many were told already */
static int print_now(const char *id, const struct cgroup *g, uint64_t *oom_kills,
		     struct err *e)
{
	struct cgroup_usage usage = { 0 };
	struct cgroup_limits limits = { 0 };
	int r = cgroup_usage(g, &usage, e);

	if (r == 0)
		r = cgroup_limits(g, &limits, e);
	for (; r == 0 && *oom_kills < usage.oom_kills; ++*oom_kills)
		r = print_event(id, "oom", NULL, e);
	return r < 0 ? r : print_event(id, "stats", stats_of(&usage, &limits), e);
}

static int print_on(const struct oci_state *s, const struct cgroup *g, int interval_ms,
		    struct err *e)
{
	AUTO_CLOSE int pidfd = proc_pidfd_as(s->pid, s->start_time);
	struct cgroup_usage usage = { 0 };
	uint64_t told = 0;
	int r = cgroup_usage(g, &usage, e);

	told = usage.oom_kills;
	while (r == 0) {
		r = print_now(s->id, g, &told, e);
		if (r < 0 || pidfd < 0 || proc_wait_exit(pidfd, interval_ms) != 0)
			break;
	}
	return r;
}

/* "5s", "500ms", "2": seconds without a unit. */
static int parse_interval(const char *text, int *ret_ms, struct err *e)
{
	static const struct {
		const char *unit;
		unsigned long long ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "", 1000 } };
	size_t digits = strspn(text, "0123456789");
	AUTO_FREE char *head = str_fmt("%.*s", (int)digits, text);
	unsigned long long n;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!str_eq(text + digits, units[i].unit) ||
		    !str_u64(head, 86400000 / units[i].ms, &n) || n == 0)
			continue;
		*ret_ms = (int)(n * units[i].ms);
		return 0;
	}
	return err_msg(e, EINVAL, "option 'interval': '%s' is no time such as 5s", text);
}

static int events_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	const char *interval = oci_args_value(a, "interval");
	struct cgroup *g = NULL;
	struct oci_state s;
	uint64_t told = UINT64_MAX; /* what was before is no event */
	int ms = 5000, r = interval ? parse_interval(interval, &ms, e) : 0;

	oci_state_init(&s);
	if (r == 0)
		r = oci_state_load(o->root, a->operands.v[0], &s, e);
	if (r == 0 && (oci_state_status(&s) == OCI_STOPPED || s.pid == 0))
		r = err_msg(e, EINVAL, "container not running: '%s'", s.id);
	if (r == 0)
		r = oci_group_open(&s, &g, e);
	if (r == 0 && !g)
		r = err_msg(e, ENOENT, "cgroup '%s' is gone", s.cgroup);
	if (r == 0)
		r = oci_args_flag(a, "stats") ? print_now(s.id, g, &told, e)
					      : print_on(&s, g, ms, e);
	cgroup_free(g);
	oci_state_free(&s);
	return r;
}

static const struct oci_option events_options[] = {
	{ "stats", 0, NULL, "print what it uses now, and end" },
	{ "interval", 0, "TIME", "between two prints (default 5s)" },
};

const struct oci_command oci_cmd_events = {
	.name = "events",
	.operands = "ID",
	.summary = "Print what a container uses, and its out-of-memory kills",
	.min_operands = 1,
	.max_operands = 1,
	.options = events_options,
	.n_options = ARRAY_LEN(events_options),
	.run = events_run,
};
