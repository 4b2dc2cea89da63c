/* oci/config_process.c - "process" of a config.json, or of a file given to exec. See
 * config.h. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "runtime/oci/config.h"
#include "runtime/oci/member.h"

static int parse_user(struct oci_at p, struct oci_config *c, struct err *e)
{
	struct container_exact *x = &c->exact;
	int64_t uid = 0, gid = 0, mask = 022;
	const json_t *groups = NULL, *g;
	struct oci_at u;
	size_t i;
	int r = oci_object(p, "user", "process.user.", &u, e);

	if (r == 0)
		r = oci_number(u, "uid", 0, UINT32_MAX - 1, &uid, e);
	if (r == 0)
		r = oci_number(u, "gid", 0, UINT32_MAX - 1, &gid, e);
	if (r == 0)
		r = oci_number(u, "umask", 0, 0777, &mask, e);
	if (r == 0)
		r = oci_array(u, "additionalGids", &groups, e);
	if (r < 0)
		return r;
	x->uid = (uid_t)uid;
	x->gid = (gid_t)gid;
	x->umask = (mode_t)mask;
	free(x->groups);
	x->n_groups = 0;
	x->groups = mem_new(json_array_size(groups) + 1, sizeof(*x->groups));
	json_array_foreach (groups, i, g) {
		json_int_t n = json_integer_value(g);

		if (!json_is_integer(g) || n < 0 || n >= UINT32_MAX)
			return oci_bad(e, u, "additionalGids",
				       "has a member that is not a group's number");
		x->groups[x->n_groups++] = (gid_t)n;
	}
	return 0;
}

static int parse_set(struct oci_at caps, const char *key, uint64_t *ret, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = oci_texts(caps, key, &names, e);

	if (r == 0 && container_caps_parse(&names, ret, e) < 0)
		r = err_ctx(e, "config: 'process.capabilities.%s'", key);
	return r;
}

static int parse_caps(struct oci_at p, struct oci_config *c, struct err *e)
{
	struct container_exact *x = &c->exact;
	const struct {
		const char *key;
		uint64_t *set;
	} sets[] = {
		{ "bounding", &x->bounding },   { "effective", &x->effective },
		{ "permitted", &x->permitted }, { "inheritable", &x->inheritable },
		{ "ambient", &x->ambient },
	};
	struct oci_at caps;
	int r = oci_object(p, "capabilities", "process.capabilities.", &caps, e);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(sets); i++)
		r = parse_set(caps, sets[i].key, sets[i].set, e);
	return r;
}

static int rlimit_by_name(const char *name)
{
	static const struct {
		const char *name;
		int resource;
	} rows[] = {
		{ "RLIMIT_CPU", RLIMIT_CPU },
		{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
		{ "RLIMIT_DATA", RLIMIT_DATA },
		{ "RLIMIT_STACK", RLIMIT_STACK },
		{ "RLIMIT_CORE", RLIMIT_CORE },
		{ "RLIMIT_RSS", RLIMIT_RSS },
		{ "RLIMIT_NPROC", RLIMIT_NPROC },
		{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
		{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
		{ "RLIMIT_AS", RLIMIT_AS },
		{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
		{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
		{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
		{ "RLIMIT_NICE", RLIMIT_NICE },
		{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
		{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].name, name))
			return rows[i].resource;
	return -1;
}

/* oci_json_read() has wrapped the numbers above 2^63: "no limit" is -1 here. */
static int limit_value(struct oci_at at, const char *key, uint64_t *ret, struct err *e)
{
	const json_t *v = json_object_get(at.j, key);

	if (!json_is_integer(v))
		return oci_bad(e, at, key, "is not a number");
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

static int parse_rlimit(struct oci_at at, struct container_spec *s, struct err *e)
{
	struct container_rlimit l = { 0 };
	const char *type = NULL;
	int r = oci_need(at, "type", &type, e);

	if (r < 0)
		return r;
	l.resource = rlimit_by_name(type);
	if (l.resource < 0)
		return oci_bad(e, at, "type", "is %s, which is unknown", type);
	for (size_t i = 0; i < s->n_rlimits; i++)
		if (s->rlimits[i].resource == l.resource)
			return oci_bad(e, at, "type", "%s stands there twice", type);
	r = limit_value(at, "soft", &l.soft, e);
	if (r == 0)
		r = limit_value(at, "hard", &l.hard, e);
	if (r == 0 && l.soft > l.hard)
		r = oci_bad(e, at, "soft", "is above 'hard' for %s", type);
	if (r < 0)
		return r;
	s->rlimits = mem_grow(s->rlimits, s->n_rlimits + 1, sizeof(*s->rlimits));
	s->rlimits[s->n_rlimits++] = l;
	return 0;
}

static int parse_rlimits(struct oci_at p, struct oci_config *c, struct err *e)
{
	const json_t *list = NULL;
	int r = oci_array(p, "rlimits", &list, e);

	c->spec.n_rlimits = 0;
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct oci_at at;

		r = oci_item(list, i, "process.rlimits.", &at, e);
		if (r == 0)
			r = parse_rlimit(at, &c->spec, e);
	}
	return r;
}

static int parse_terminal(struct oci_at p, struct oci_config *c, struct err *e)
{
	int64_t height = 0, width = 0;
	struct oci_at size;
	int r = oci_flag(p, "terminal", &c->spec.tty, e);

	if (r == 0)
		r = oci_object(p, "consoleSize", "process.consoleSize.", &size, e);
	if (r == 0)
		r = oci_number(size, "height", 0, 65535, &height, e);
	if (r == 0)
		r = oci_number(size, "width", 0, 65535, &width, e);
	c->exact.rows = (unsigned short)height;
	c->exact.columns = (unsigned short)width;
	return r;
}

static int parse_labels(struct oci_at p, struct oci_config *c, struct err *e)
{
	const char *profile = NULL, *label = NULL;
	int r = oci_text(p, "apparmorProfile", &profile, e);

	if (r == 0)
		r = oci_text(p, "selinuxLabel", &label, e);
	if (r == 0)
		str_set(&c->exact.apparmor, profile && *profile ? profile : NULL);
	return r;
}

static int parse_text(struct oci_at p, struct oci_config *c, struct err *e)
{
	const char *cwd = NULL;
	int r = oci_texts(p, "args", &c->spec.args, e);

	if (r == 0 && (c->spec.args.n == 0 || !*c->spec.args.v[0]))
		r = oci_bad(e, p, "args", "is missing or empty");
	if (r == 0)
		r = oci_texts(p, "env", &c->spec.env, e);
	for (size_t i = 0; r == 0 && i < c->spec.env.n; i++)
		if (!strchr(c->spec.env.v[i], '=') || *c->spec.env.v[i] == '=')
			r = oci_bad(e, p, "env", "has '%.100s', which is no NAME=VALUE",
				    c->spec.env.v[i]);
	if (r == 0)
		r = oci_need(p, "cwd", &cwd, e);
	if (r == 0 && *cwd != '/')
		r = oci_bad(e, p, "cwd", "is not absolute: %s", cwd);
	if (r == 0)
		str_set(&c->spec.cwd, cwd);
	return r;
}

int oci_config_process(const json_t *process, struct oci_config *c, struct err *e)
{
	struct oci_at p = { process, "process." };
	int64_t score = INT32_MIN;
	int r;

	if (!json_is_object(process))
		return err_msg(e, EINVAL, "config: 'process' is not an object");
	strv_free(&c->spec.args);
	strv_free(&c->spec.env);
	r = parse_text(p, c, e);
	if (r == 0)
		r = parse_user(p, c, e);
	if (r == 0)
		r = parse_caps(p, c, e);
	if (r == 0)
		r = parse_rlimits(p, c, e);
	if (r == 0)
		r = parse_terminal(p, c, e);
	if (r == 0)
		r = parse_labels(p, c, e);
	c->spec.no_new_privs = false;
	if (r == 0)
		r = oci_flag(p, "noNewPrivileges", &c->spec.no_new_privs, e);
	if (r == 0)
		r = oci_number(p, "oomScoreAdj", -1000, 1000, &score, e);
	c->exact.set_oom_score_adj = score != INT32_MIN;
	c->exact.oom_score_adj = (int)score;
	return r;
}
