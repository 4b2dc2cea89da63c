/*
 * cgroup/devices.c - the devices of a group: v1's list, v2's filter. See cgroup.h.
 *
 * Knows who keeps the rules where, and what may be passed over where nobody does.
 */
#include "runtime/cgroup/devices.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"

static const struct cgroup_device nothing = { .deny = true,
					      .type = 'a',
					      .major = CGROUP_DEVICE_ANY,
					      .minor = CGROUP_DEVICE_ANY,
					      .access = "rwm" };
/* null, zero, full, random, urandom, tty, ptmx and the terminals behind it */
static const struct cgroup_device usual[] = {
	{ .type = 'c', .major = 1, .minor = 3, .access = "rwm" },
	{ .type = 'c', .major = 1, .minor = 5, .access = "rwm" },
	{ .type = 'c', .major = 1, .minor = 7, .access = "rwm" },
	{ .type = 'c', .major = 1, .minor = 8, .access = "rwm" },
	{ .type = 'c', .major = 1, .minor = 9, .access = "rwm" },
	{ .type = 'c', .major = 5, .minor = 0, .access = "rwm" },
	{ .type = 'c', .major = 5, .minor = 2, .access = "rwm" },
	{ .type = 'c', .major = 136, .minor = CGROUP_DEVICE_ANY, .access = "rwm" },
};

const struct cgroup_device *cgroup_usual_devices(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(usual);
	return usual;
}

static void number(unsigned n, char ret[12])
{
	if (n == CGROUP_DEVICE_ANY)
		snprintf(ret, 12, "*");
	else
		snprintf(ret, 12, "%u", n);
}

static int write_rule(int dir, const struct cgroup_device *d, char type, struct err *e)
{
	char text[48], major[12], minor[12];

	number(d->major, major);
	number(d->minor, minor);
	snprintf(text, sizeof(text), "%c %s:%s %s", type, major, minor, d->access);
	return fd_write_str(dir, d->deny ? "devices.deny" : "devices.allow", text, e);
}

static bool is_whole(const struct cgroup_device *d)
{
	return d->type == 'a' && d->major == CGROUP_DEVICE_ANY &&
	       d->minor == CGROUP_DEVICE_ANY && strchr(d->access, 'r') &&
	       strchr(d->access, 'w') && strchr(d->access, 'm');
}

/* The kernel takes every rule that begins with an "a" as "a *:* rwm". */
static int add_v1(int dir, const struct cgroup_device *d, struct err *e)
{
	int r;

	if (is_whole(d))
		return fd_write_str(dir, d->deny ? "devices.deny" : "devices.allow", "a",
				    e);
	if (d->type != 'a')
		return write_rule(dir, d, d->type, e);
	r = write_rule(dir, d, 'b', e);
	return r < 0 ? r : write_rule(dir, d, 'c', e);
}

static int set_rules(int dir, bool unified, const struct cgroup_device *rules, size_t n,
		     struct err *e)
{
	int r = 0;

	if (dir < 0)
		return err_msg(e, ENOTSUP,
			       "it needs the controller 'devices' or a unified "
			       "hierarchy, which this host does not offer");
	if (unified)
		return cgroup_filter_set(dir, rules, n, e);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_v1(dir, &rules[i], e);
	return r;
}

/* Who has no node of a device cannot use it, and a default service makes none: without a
 * filter it is only kept from less than what it could do with a node that it was given.
 */
static bool needs_filter(const struct cgroup_device *allow, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(allow[i].access, 'r') || !strchr(allow[i].access, 'w'))
			return true;
	return false;
}

/* What nobody can keep here, and nobody asked for by name. */
static int pass_over(const struct cgroup *g, struct err *e)
{
	log_warn("cgroup '%s': devices are not filtered: %s, ignoring", g->path,
		 err_text(e));
	err_clear(e);
	return 0;
}

/* A group of an earlier run. Without bpf(2) there is no filter of ours. */
static int lift(int dir, bool unified, struct err *e)
{
	int r = unified ? cgroup_filter_lift(dir, e)
			: fd_write_str(dir, "devices.allow", "a", e);

	if (unified && cgroup_filter_is_missing(r)) {
		err_clear(e);
		return 0;
	}
	return r;
}

int cgroup_limits_devices(const struct cgroup *g, const struct cgroup_limits *l,
			  bool adopted, struct err *e)
{
	size_t n = 1 + ARRAY_LEN(usual);
	AUTO_FREE struct cgroup_device *rules = mem_new(n + l->n_allow, sizeof(*rules));
	bool unified = false;
	int r, dir = cgroup_dir_of(g, CTL_DEVICES, &unified);

	if (!l->devices)
		return adopted && dir >= 0 ? lift(dir, unified, e) : 0;
	rules[0] = nothing;
	memcpy(rules + 1, usual, sizeof(usual));
	for (size_t i = 0; i < l->n_allow; i++)
		rules[n++] = l->allow[i];
	r = set_rules(dir, unified, rules, n, e);
	if ((unified || dir < 0) && cgroup_filter_is_missing(r) &&
	    !needs_filter(l->allow, l->n_allow))
		return pass_over(g, e);
	return r;
}

int cgroup_devices(const struct cgroup *g, const struct cgroup_device *rules, size_t n,
		   bool must, struct err *e)
{
	bool unified = false;
	int dir = cgroup_dir_of(g, CTL_DEVICES, &unified);
	int r = set_rules(dir, unified, rules, n, e);

	if (!must && (unified || dir < 0) && cgroup_filter_is_missing(r))
		return pass_over(g, e);
	return r < 0 ? err_ctx(e, "cgroup '%s'", g->path) : 0;
}
