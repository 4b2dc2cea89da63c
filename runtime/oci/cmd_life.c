/* oci/cmd_life.c - state, kill, delete, pause, resume, ps, list. See command.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/oci/command.h"
#include "runtime/oci/group.h"
#include "runtime/oci/hooks.h"

enum { KILL_WAIT_MS = 10000 };

static int load(struct oci_run *o, const struct oci_args *a, struct oci_state *s,
		struct err *e)
{
	oci_state_init(s);
	return oci_state_load(o->root, a->operands.v[0], s, e);
}

static int print_json(const json_t *j, struct err *e)
{
	AUTO_FREE char *text = json_dumps(j, JSON_INDENT(2));

	if (!text)
		return err_msg(e, ENOMEM, "cannot write the 'state' as JSON");
	printf("%s\n", text);
	return 0;
}

static int state_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	struct oci_state s;
	int r = load(o, a, &s, e);

	if (r == 0) {
		j = oci_state_format(&s, oci_state_status(&s), s.pid, true);
		r = print_json(j, e);
	}
	oci_state_free(&s);
	return r;
}

int oci_signal(const char *name)
{
	unsigned long long n;

	if (str_u64(name, SIGRTMAX, &n))
		return (int)n;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (strncasecmp(name, "RTMIN+", 6) == 0 && str_u64(name + 6, 30, &n))
		return SIGRTMIN + (int)n;
	for (int s = 1; s < SIGRTMIN; s++)
		if (sigabbrev_np(s) && strcasecmp(sigabbrev_np(s), name) == 0)
			return s;
	return 0;
}

int oci_kill(const struct oci_state *s, int sig, struct err *e)
{
	AUTO_CLOSE int pidfd = proc_pidfd_as(s->pid, s->start_time);

	if (pidfd < 0 || proc_kill(pidfd, sig) < 0)
		return err_set(e, errno, "signal container '%s'", s->id);
	return 0;
}

static int kill_all(const struct oci_state *s, int sig, struct err *e)
{
	struct cgroup_pids pids;
	struct cgroup *g;
	int r = oci_group_open(s, &g, e);

	if (r < 0 || !g)
		return r;
	/* what forks meanwhile, too */
	if (sig == SIGKILL) {
		r = cgroup_kill(g, e);
		cgroup_free(g);
		return r;
	}
	cgroup_pids(g, &pids);
	for (size_t i = 0; i < pids.n; i++)
		(void)kill(pids.v[i], sig); /* gone meanwhile: done */
	free(pids.v);
	cgroup_free(g);
	return 0;
}

static int kill_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	const char *name = a->operands.n > 1 ? a->operands.v[1] : "TERM";
	int sig = oci_signal(name);
	enum oci_status status;
	struct oci_state s;
	int r = load(o, a, &s, e);

	if (r == 0 && sig == 0)
		r = err_msg(e, EINVAL, "signal '%s' is unknown", name);
	if (r == 0 && oci_args_flag(a, "all")) {
		r = kill_all(&s, sig, e);
	} else if (r == 0) {
		status = oci_state_status(&s);
		r = status == OCI_STOPPED || status == OCI_CREATING
			    /* containerd knows by these words that it came too late */
			    ? err_msg(e, ESRCH, "container not running: '%s' is %s", s.id,
				      oci_status_name(status))
			    : oci_kill(&s, sig, e);
	}
	oci_state_free(&s);
	return r;
}

int oci_delete(struct oci_state *s, struct err *e)
{
	AUTO_JSON json_t *state = NULL;
	struct cgroup_host *h = NULL;
	int r = 0;

	if (s->cgroup && *s->cgroup) {
		r = cgroup_host_open(&h, e);
		if (r == 0)
			r = oci_group_destroy(h, s->cgroup, e);
		cgroup_host_free(h);
	}
	if (r == 0)
		r = oci_state_remove(s, e);
	if (r < 0)
		return err_ctx(e, "delete container '%s'", s->id);
	state = oci_state_format(s, OCI_STOPPED, 0, false);
	oci_hooks_run_all(s->config, "poststop", state);
	return 0;
}

static int stop(struct oci_state *s, struct err *e)
{
	AUTO_CLOSE int pidfd = proc_pidfd_as(s->pid, s->start_time);

	if (pidfd < 0)
		return 0;
	if (proc_kill(pidfd, SIGKILL) < 0 && errno != ESRCH)
		return err_set(e, errno, "kill container '%s'", s->id);
	/* frozen, it does not die: the cgroup is thawed when it is removed */
	if (!s->paused && !proc_wait_exit(pidfd, KILL_WAIT_MS))
		return err_msg(e, ETIMEDOUT, "container '%s' does not end", s->id);
	return 0;
}

static int delete_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	bool force = oci_args_flag(a, "force");
	enum oci_status status;
	struct oci_state s;
	int r = load(o, a, &s, e);

	if (r == -ENOENT && force) {
		err_clear(e);
		r = 0;
	} else if (r == 0) {
		status = oci_state_status(&s);
		if (status != OCI_STOPPED && !force)
			r = err_msg(e, EBUSY, "container '%s' is %s, not stopped", s.id,
				    oci_status_name(status));
		if (r == 0 && status != OCI_CREATING)
			r = stop(&s, e);
		if (r == 0)
			r = oci_delete(&s, e);
	}
	oci_state_free(&s);
	return r;
}

static int freeze(struct oci_run *o, const struct oci_args *a, bool frozen, struct err *e)
{
	enum oci_status status, wanted = frozen ? OCI_RUNNING : OCI_PAUSED;
	struct cgroup *g = NULL;
	struct oci_state s;
	int r = load(o, a, &s, e);

	if (r == 0) {
		status = oci_state_status(&s);
		if (status != wanted && !(frozen && status == OCI_CREATED))
			r = err_msg(e, EINVAL, "container '%s' is %s, not %s", s.id,
				    oci_status_name(status), oci_status_name(wanted));
	}
	if (r == 0)
		r = oci_group_open(&s, &g, e);
	if (r == 0 && !g)
		r = err_msg(e, ENOENT, "cgroup '%s' is gone", s.cgroup);
	if (r == 0)
		r = cgroup_freeze(g, frozen, e);
	if (r == 0) {
		s.paused = frozen;
		r = oci_state_save(&s, e);
	}
	cgroup_free(g);
	oci_state_free(&s);
	return r;
}

static int pause_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	return freeze(o, a, true, e);
}

static int resume_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	return freeze(o, a, false, e);
}

static void print_process(pid_t pid)
{
	AUTO_BUF struct buf line = BUF_INIT;
	struct err ignored = ERR_INIT;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (fd_read_file(AT_FDCWD, path, 1 << 20, &line, &ignored) < 0)
		return; /* gone meanwhile */
	for (size_t i = 0; i + 1 < line.len; i++)
		if (line.data[i] == '\0')
			line.data[i] = ' ';
	buf_addc(&line, '\0');
	str_sanitize(line.data);
	printf("%-8d %s\n", (int)pid, line.data);
}

static int ps_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	const char *format = oci_args_value(a, "format");
	struct cgroup_pids pids = { NULL, 0 };
	struct cgroup *g = NULL;
	struct oci_state s;
	int r = load(o, a, &s, e);

	if (r == 0)
		r = oci_group_open(&s, &g, e);
	if (r == 0 && g)
		cgroup_pids(g, &pids);
	if (r == 0 && format && str_eq(format, "json")) {
		AUTO_JSON json_t *list = json_array();

		for (size_t i = 0; i < pids.n; i++)
			json_array_append_new(list, json_integer(pids.v[i]));
		r = print_json(list, e);
	} else if (r == 0) {
		printf("PID      COMMAND\n");
		for (size_t i = 0; i < pids.n; i++)
			print_process(pids.v[i]);
	}
	free(pids.v);
	cgroup_free(g);
	oci_state_free(&s);
	return r;
}

static void list_one(const struct oci_state *s, const char *format, bool quiet,
		     json_t *all)
{
	enum oci_status status = oci_state_status(s);

	if (quiet)
		printf("%s\n", s->id);
	else if (format && str_eq(format, "json"))
		json_array_append_new(all, oci_state_format(s, status, s->pid, true));
	else
		printf("%-24s %-8d %-9s %-40s %s\n", s->id,
		       status == OCI_STOPPED ? 0 : (int)s->pid, oci_status_name(status),
		       s->bundle ? s->bundle : "", s->created ? s->created : "");
}

static int list_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	const char *format = oci_args_value(a, "format");
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_JSON json_t *all = json_array();
	bool quiet = oci_args_flag(a, "quiet");
	int r = fd_list(o->root, ".", &names, e);

	if (r < 0)
		return r;
	if (!quiet && !(format && str_eq(format, "json")))
		printf("%-24s %-8s %-9s %-40s %s\n", "ID", "PID", "STATUS", "BUNDLE",
		       "CREATED");
	strv_foreach (i, &names) {
		struct err ignored = ERR_INIT;
		struct oci_state s;

		oci_state_init(&s);
		/* deleted meanwhile, or not a container's directory */
		if (oci_state_load(o->root, names.v[i], &s, &ignored) == 0)
			list_one(&s, format, quiet, all);
		oci_state_free(&s);
	}
	return !quiet && format && str_eq(format, "json") ? print_json(all, e) : 0;
}

static const struct oci_option kill_options[] = {
	{ "all", 'a', NULL, "to all processes of the container" },
};
static const struct oci_option delete_options[] = {
	{ "force", 'f', NULL, "kill it first; one that is not there is no error" },
};
static const struct oci_option format_options[] = {
	{ "format", 'f', "FORMAT", "table or json" },
	{ "quiet", 'q', NULL, "ids only" },
};

const struct oci_command oci_cmd_state = {
	.name = "state",
	.operands = "ID",
	.summary = "Print the state of a container",
	.min_operands = 1,
	.max_operands = 1,
	.run = state_run,
};
const struct oci_command oci_cmd_kill = {
	.name = "kill",
	.operands = "ID [SIGNAL]",
	.summary = "Send a signal (default TERM) to a container's process",
	.min_operands = 1,
	.max_operands = 2,
	.options = kill_options,
	.n_options = ARRAY_LEN(kill_options),
	.run = kill_run,
};
const struct oci_command oci_cmd_delete = {
	.name = "delete",
	.operands = "ID",
	.summary = "Remove a stopped container",
	.min_operands = 1,
	.max_operands = 1,
	.options = delete_options,
	.n_options = ARRAY_LEN(delete_options),
	.run = delete_run,
};
const struct oci_command oci_cmd_pause = {
	.name = "pause",
	.operands = "ID",
	.summary = "Freeze all processes of a container",
	.min_operands = 1,
	.max_operands = 1,
	.run = pause_run,
};
const struct oci_command oci_cmd_resume = {
	.name = "resume",
	.operands = "ID",
	.summary = "Thaw a paused container",
	.min_operands = 1,
	.max_operands = 1,
	.run = resume_run,
};
const struct oci_command oci_cmd_ps = {
	.name = "ps",
	.operands = "ID",
	.summary = "Print the processes of a container",
	.min_operands = 1,
	.max_operands = 1,
	.options = format_options,
	.n_options = 1,
	.run = ps_run,
};
const struct oci_command oci_cmd_list = {
	.name = "list",
	.operands = "",
	.summary = "Print all containers below --root",
	.max_operands = 0,
	.options = format_options,
	.n_options = ARRAY_LEN(format_options),
	.run = list_run,
};
