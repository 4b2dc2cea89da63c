/* oci/cmd_exec.c - exec and update: what is done to a running container. See command.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/oci/command.h"
#include "runtime/oci/group.h"
#include "runtime/oci/member.h"
#include "runtime/oci/resources.h"

/* "UID[:GID]": names would have to be looked up in the container, which is the caller's
 * affair. */
static int set_user(const char *text, struct oci_config *c, struct err *e)
{
	AUTO_FREE char *uid = str_dup(text);
	char *gid = strchr(uid, ':');
	unsigned long long u = 0, g = 0;

	if (gid)
		*gid++ = '\0';
	if (!str_u64(uid, UINT32_MAX - 1, &u) ||
	    (gid && !str_u64(gid, UINT32_MAX - 1, &g)))
		return err_msg(e, EINVAL, "option 'user': '%s' is not UID or UID:GID",
			       text);
	c->exact.uid = (uid_t)u;
	if (gid)
		c->exact.gid = (gid_t)g;
	return 0;
}

static int add_groups(const struct oci_args *a, struct container_exact *x, struct err *e)
{
	AUTO_STRV struct strv gids = STRV_INIT;
	unsigned long long n;

	oci_args_list(a, "additional-gids", &gids);
	x->groups = mem_grow(x->groups, x->n_groups + gids.n + 1, sizeof(*x->groups));
	strv_foreach (i, &gids) {
		if (!str_u64(gids.v[i], UINT32_MAX - 1, &n))
			return err_msg(e, EINVAL,
				       "option 'additional-gids': '%s' is no number",
				       gids.v[i]);
		x->groups[x->n_groups++] = (gid_t)n;
	}
	return 0;
}

/* The process as told by options, over the container's own. */
static int set_process(const struct oci_args *a, struct oci_config *c, struct err *e)
{
	const char *cwd = oci_args_value(a, "cwd"), *user = oci_args_value(a, "user");
	AUTO_STRV struct strv env = STRV_INIT, caps = STRV_INIT;
	uint64_t more = 0;
	int r;

	strv_free(&c->spec.args);
	for (size_t i = 1; i < a->operands.n; i++)
		strv_add(&c->spec.args, a->operands.v[i]);
	oci_args_list(a, "env", &env);
	strv_foreach (i, &env)
		if (strchr(env.v[i], '='))
			strv_set_env(&c->spec.env, env.v[i]);
	if (cwd)
		str_set(&c->spec.cwd, cwd);
	c->spec.tty = oci_args_flag(a, "tty");
	if (oci_args_flag(a, "no-new-privs"))
		c->spec.no_new_privs = true;
	oci_args_list(a, "cap", &caps);
	r = container_caps_parse(&caps, &more, e);
	if (r < 0)
		return r;
	c->exact.bounding |= more;
	c->exact.permitted |= more;
	c->exact.effective |= more;
	if (oci_args_value(a, "apparmor"))
		str_set(&c->exact.apparmor, oci_args_value(a, "apparmor"));
	r = add_groups(a, &c->exact, e);
	return r < 0 || !user ? r : set_user(user, c, e);
}

static int read_process(const struct oci_args *a, struct oci_config *c, struct err *e)
{
	const char *file = oci_args_value(a, "process");
	AUTO_JSON json_t *j = NULL;
	int r;

	if (!file && a->operands.n < 2)
		return err_msg(e, EINVAL, "usage: 'exec ID COMMAND [ARG...]'");
	if (!file)
		return set_process(a, c, e);
	r = oci_json_read(AT_FDCWD, file, &j, e);
	if (r == 0)
		r = oci_config_process(j, c, e);
	return r < 0 ? err_ctx(e, "process '%s'", file) : 0;
}

static int enter(struct oci_run *o, const struct oci_args *a, const struct oci_state *s,
		 struct oci_config *c, struct container **ret, struct err *e)
{
	const char *console = oci_args_value(a, "console-socket");
	const char *pid_file = oci_args_value(a, "pid-file");
	AUTO_CLOSE int pidfd = proc_pidfd_as(s->pid, s->start_time), sock = -1;
	struct container *child = NULL;
	int r = 0;

	(void)o;
	if (pidfd < 0)
		return err_set(e, errno, "container '%s'", s->id);
	if (console)
		r = oci_console_connect(console, &sock, e);
	if (r == 0 && c->spec.tty && oci_args_flag(a, "detach") && !console)
		r = err_msg(e, EINVAL, "a terminal with 'detach' wants --console-socket");
	if (r == 0)
		r = container_exec(&c->spec, s->pid, pidfd, &child, e);
	if (r == 0 && sock >= 0)
		r = fd_send(sock, "/dev/ptmx", 9, container_tty(child), e);
	if (r == 0 && pid_file)
		r = oci_pid_file(pid_file, container_pid(child), e);
	if (r < 0)
		child = container_abort(child);
	*ret = child;
	return r;
}

static int exec_in(struct oci_run *o, const struct oci_args *a, const struct oci_state *s,
		   struct oci_config *c, struct err *e)
{
	struct container *child = NULL;
	struct cgroup *g = NULL;
	int r = oci_config_parse(s->config, s->bundle, c, e);

	if (r == 0)
		r = read_process(a, c, e);
	if (r == 0)
		r = oci_preserve_fds(a, c, e);
	if (r == 0)
		r = oci_group_open(s, &g, e);
	if (r < 0)
		return r;
	c->spec.cgroup = g;
	for (int i = 0; i < 3; i++)
		c->spec.stdio[i] = i;
	r = enter(o, a, s, c, &child, e);
	cgroup_free(g);
	if (r == 0 && !oci_args_flag(a, "detach"))
		r = o->attach(child, e);
	container_free(child);
	return r;
}

static int exec_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	struct oci_config c;
	struct oci_state s;
	enum oci_status status;
	int r;

	oci_state_init(&s);
	oci_config_init(&c);
	r = oci_state_load(o->root, a->operands.v[0], &s, e);
	if (r == 0) {
		status = oci_state_status(&s);
		if (status != OCI_RUNNING && status != OCI_CREATED)
			r = err_msg(e, EINVAL, "container '%s' is %s, not running", s.id,
				    oci_status_name(status));
	}
	if (r == 0)
		r = exec_in(o, a, &s, &c, e);
	oci_config_free(&c);
	oci_state_free(&s);
	return r;
}

/* Options of update, and the member that each of them stands for. */
static const struct {
	const char *option, *part, *key;
	bool text;
} settings[] = {
	{ "memory", "memory", "limit", false },
	{ "memory-swap", "memory", "swap", false },
	{ "memory-reservation", "memory", "reservation", false },
	{ "cpu-share", "cpu", "shares", false },
	{ "cpu-quota", "cpu", "quota", false },
	{ "cpu-period", "cpu", "period", false },
	{ "cpu-burst", "cpu", "burst", false },
	{ "cpu-rt-period", "cpu", "realtimePeriod", false },
	{ "cpu-rt-runtime", "cpu", "realtimeRuntime", false },
	{ "cpuset-cpus", "cpu", "cpus", true },
	{ "cpuset-mems", "cpu", "mems", true },
	{ "pids-limit", "pids", "limit", false },
	{ "blkio-weight", "blockIO", "weight", false },
};

static int number(const char *option, const char *text, json_t **ret, struct err *e)
{
	char *end = NULL;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		return err_msg(e, EINVAL, "option '%s': '%s' is no number", option, text);
	*ret = json_integer(n);
	return 0;
}

static int from_options(const struct oci_args *a, json_t *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const char *text = oci_args_value(a, settings[i].option);
		json_t *part, *value = NULL;
		int r = 0;

		if (!text)
			continue;
		if (settings[i].text)
			value = json_text(text);
		else
			r = number(settings[i].option, text, &value, e);
		if (r < 0)
			return r;
		part = json_object_get(ret, settings[i].part);
		if (!part) {
			part = json_object();
			json_object_set_new(ret, settings[i].part, part);
		}
		json_object_set_new(part, settings[i].key, value);
	}
	return 0;
}

static int read_update(const struct oci_args *a, json_t **ret, struct err *e)
{
	const char *file = oci_args_value(a, "resources");
	AUTO_JSON json_t *j = NULL;
	int r = 0;

	if (file)
		r = oci_json_read(AT_FDCWD, str_eq(file, "-") ? "/dev/stdin" : file, &j,
				  e);
	else
		j = json_object();
	if (r == 0 && !json_is_object(j))
		r = err_msg(e, EINVAL, "resources '%s' are not an object", file);
	if (r == 0)
		r = from_options(a, j, e);
	if (r == 0)
		*ret = TAKE(j);
	return r;
}

static int update_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	AUTO_JSON json_t *resources = NULL;
	struct cgroup *g = NULL;
	struct oci_state s;
	int r;

	oci_state_init(&s);
	r = oci_state_load(o->root, a->operands.v[0], &s, e);
	if (r == 0 && oci_state_status(&s) == OCI_STOPPED)
		r = err_msg(e, EINVAL, "container '%s' is stopped", s.id);
	if (r == 0)
		r = read_update(a, &resources, e);
	if (r == 0)
		r = oci_group_open(&s, &g, e);
	if (r == 0 && !g)
		r = err_msg(e, ENOENT, "cgroup '%s' is gone", s.cgroup);
	if (r == 0)
		r = oci_resources_apply(resources, g, true, e);
	cgroup_free(g);
	oci_state_free(&s);
	return r;
}

static const struct oci_option exec_options[] = {
	{ "process", 'p', "FILE", "the process as config.json has it" },
	{ "console-socket", 0, "PATH", "send the terminal's master there" },
	{ "pid-file", 0, "FILE", "write the process's pid there" },
	{ "detach", 'd', NULL, "do not wait for its end" },
	{ "tty", 't', NULL, "give it a terminal" },
	{ "env", 'e', "NAME=VALUE", "a variable; may be repeated" },
	{ "user", 'u', "UID[:GID]", "run as this user" },
	{ "cwd", 0, "DIR", "run in this directory" },
	{ "additional-gids", 'g', "GID", "a further group; may be repeated" },
	{ "apparmor", 0, "NAME", "the profile to run under" },
	{ "cap", 'c', "CAP_NAME", "a further capability; may be repeated" },
	{ "no-new-privs", 0, NULL, "set no_new_privs" },
	{ "preserve-fds", 0, "N", "hand on N fds after the standard ones" },
	{ "ignore-paused", 0, NULL, "accepted; a paused container is not entered" },
};

const struct oci_command oci_cmd_exec = {
	.name = "exec",
	.operands = "ID [COMMAND [ARG...]]",
	.summary = "Run a further process in a container",
	.min_operands = 1,
	.max_operands = -1,
	.options = exec_options,
	.n_options = ARRAY_LEN(exec_options),
	.run = exec_run,
};

static const struct oci_option update_options[] = {
	{ "resources", 'r', "FILE", "linux.resources as JSON; - is standard input" },
	{ "memory", 0, "BYTES", "limit of memory" },
	{ "memory-swap", 0, "BYTES", "of memory and swap" },
	{ "memory-reservation", 0, "BYTES", "soft limit of memory" },
	{ "cpu-share", 0, "N", "weight, 2 to 262144" },
	{ "cpu-quota", 0, "USEC", "processor time in a period" },
	{ "cpu-period", 0, "USEC", "length of a period" },
	{ "cpu-burst", 0, "USEC", "what may be saved up" },
	{ "cpu-rt-period", 0, "USEC", "length of a realtime period" },
	{ "cpu-rt-runtime", 0, "USEC", "realtime in such a period" },
	{ "cpuset-cpus", 0, "LIST", "processors" },
	{ "cpuset-mems", 0, "LIST", "memory nodes" },
	{ "pids-limit", 0, "N", "number of processes" },
	{ "blkio-weight", 0, "N", "weight of block devices, 10 to 1000" },
};

const struct oci_command oci_cmd_update = {
	.name = "update",
	.operands = "ID",
	.summary = "Change the limits of a container",
	.min_operands = 1,
	.max_operands = 1,
	.options = update_options,
	.n_options = ARRAY_LEN(update_options),
	.run = update_run,
};
