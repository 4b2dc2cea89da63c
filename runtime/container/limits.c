/* container/limits.c - see limits.h. */
#include "runtime/container/limits.h"

#include <errno.h>

enum { NOFILE_DEFAULT = 1048576 };

static const char *const names[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = "cpu",           [RLIMIT_FSIZE] = "fsize",
	[RLIMIT_DATA] = "data",         [RLIMIT_STACK] = "stack",
	[RLIMIT_CORE] = "core",         [RLIMIT_RSS] = "rss",
	[RLIMIT_NPROC] = "nproc",       [RLIMIT_NOFILE] = "nofile",
	[RLIMIT_MEMLOCK] = "memlock",   [RLIMIT_AS] = "as",
	[RLIMIT_LOCKS] = "locks",       [RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_MSGQUEUE] = "msgqueue", [RLIMIT_NICE] = "nice",
	[RLIMIT_RTPRIO] = "rtprio",     [RLIMIT_RTTIME] = "rttime",
};

int container_limits_decide(const struct container_spec *s, struct rlimit *ret,
			    bool *ret_set, struct err *e)
{
	struct rlimit now = { 0 };

	ret[RLIMIT_CORE] = (struct rlimit){ 0, 0 };
	ret_set[RLIMIT_CORE] = true;
	/* Never more than the host's, so that the default cannot fail. */
	getrlimit(RLIMIT_NOFILE, &now);
	if (now.rlim_max > NOFILE_DEFAULT)
		now.rlim_max = NOFILE_DEFAULT;
	ret[RLIMIT_NOFILE] = (struct rlimit){ now.rlim_max, now.rlim_max };
	ret_set[RLIMIT_NOFILE] = true;
	return container_limits_listed(s, ret, ret_set, e);
}

int container_limits_listed(const struct container_spec *s, struct rlimit *ret,
			    bool *ret_set, struct err *e)
{
	for (size_t i = 0; i < s->n_rlimits; i++) {
		const struct container_rlimit *l = &s->rlimits[i];

		if (l->resource < 0 || l->resource >= RLIM_NLIMITS)
			return err_msg(e, EINVAL, "resource limit '%d' is unknown",
				       l->resource);
		if (l->soft > l->hard)
			return err_msg(e, EINVAL, "resource limit '%s': soft above hard",
				       names[l->resource]);
		ret[l->resource] = (struct rlimit){ l->soft, l->hard };
		ret_set[l->resource] = true;
	}
	return 0;
}

int container_limits_raise(const struct rlimit *l, const bool *set, struct err *e)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit now;

		if (!set[i] || getrlimit((__rlimit_resource_t)i, &now) < 0 ||
		    l[i].rlim_max <= now.rlim_max)
			continue;
		now.rlim_max = l[i].rlim_max;
		if (setrlimit((__rlimit_resource_t)i, &now) < 0)
			return err_set(e, errno, "raise resource limit '%s' to %llu",
				       names[i], (unsigned long long)l[i].rlim_max);
	}
	return 0;
}

int container_limits_apply(const struct rlimit *l, const bool *set, struct err *e)
{
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (set[i] && setrlimit((__rlimit_resource_t)i, &l[i]) < 0)
			return err_set(e, errno, "set resource limit '%s'", names[i]);
	return 0;
}
