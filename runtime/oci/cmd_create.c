/* oci/cmd_create.c - create, start, run. See command.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/oci/command.h"
#include "runtime/oci/group.h"
#include "runtime/oci/hooks.h"
#include "runtime/oci/member.h"
#include "runtime/oci/resources.h"

/* One container in the making. */
struct making {
	struct oci_state state;
	struct oci_config config;
	struct cgroup_host *host;
	struct cgroup *group;
	struct container *child;
	int word, console;
	bool grouped; /* the cgroup is ours to remove */
};

static int run_hooks(struct making *m, const char *kind, enum oci_status status,
		     pid_t pid, struct err *e)
{
	AUTO_JSON json_t *state = oci_state_format(&m->state, status, pid, false);

	return oci_hooks_run(m->config.json, kind, state, e);
}

/* Created: the environment stands (step 2 of the specification's lifecycle). */
static int on_built(void *arg, pid_t pid, struct err *e)
{
	int r = run_hooks(arg, "prestart", OCI_CREATED, pid, e);

	return r < 0 ? r : run_hooks(arg, "createRuntime", OCI_CREATED, pid, e);
}

static int on_inside(void *arg, struct err *e)
{
	return run_hooks(arg, "createContainer", OCI_CREATED, getpid(), e);
}

static int on_starting(void *arg, struct err *e)
{
	return run_hooks(arg, "startContainer", OCI_CREATED, getpid(), e);
}

static void set_moments(struct making *m)
{
	struct container_moments *at = &m->config.exact.moments;
	const json_t *j = m->config.json;

	at->arg = m;
	if (oci_hooks_any(j, "prestart") || oci_hooks_any(j, "createRuntime"))
		at->built = on_built;
	if (oci_hooks_any(j, "createContainer"))
		at->inside = on_inside;
	if (oci_hooks_any(j, "startContainer"))
		at->starting = on_starting;
}

static void making_init(struct making *m)
{
	memset(m, 0, sizeof(*m));
	oci_state_init(&m->state);
	oci_config_init(&m->config);
	m->word = m->console = -1;
}

static void making_free(struct making *m)
{
	fd_auto_close(&m->word);
	fd_auto_close(&m->console);
	container_free(m->child);
	cgroup_free(m->group);
	cgroup_host_free(m->host);
	oci_config_free(&m->config);
	oci_state_free(&m->state);
}

static void undo(struct making *m)
{
	struct err ignored = ERR_INIT;

	m->child = container_abort(m->child);
	if (m->grouped && oci_group_destroy(m->host, m->state.cgroup, &ignored) < 0)
		err_clear(&ignored);
	if (m->state.dir >= 0 && oci_state_remove(&m->state, &ignored) < 0)
		err_clear(&ignored);
}

static int read_bundle(struct making *m, const char *bundle, struct err *e)
{
	AUTO_FREE char *path = realpath(bundle, NULL);
	AUTO_CLOSE int dir = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	AUTO_JSON json_t *json = NULL;
	int r;

	if (dir < 0)
		return err_set(e, errno, "open bundle '%s'", bundle);
	r = oci_json_read(dir, "config.json", &json, e);
	if (r < 0)
		return err_ctx(e, "bundle '%s'", path);
	r = oci_config_parse(json, path, &m->config, e);
	m->state.bundle = TAKE(path);
	return r;
}

/* What the container is now must not change with the bundle later. */
static int keep_config(struct making *m, struct err *e)
{
	char when[40];
	time_t now = time(NULL);

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	m->state.created = str_dup(when);
	m->state.rootfs = str_dup(m->config.rootfs);
	m->state.config = json_incref(m->config.json);
	return json_write(m->state.dir, "config.json", m->config.json, 0600, e);
}

static const json_t *resources_of(const json_t *config)
{
	return json_object_get(json_object_get(config, "linux"), "resources");
}

static int make_group(struct making *m, struct err *e)
{
	const struct cgroup_limits none = { .everywhere = true };
	int r = cgroup_host_open(&m->host, e);

	if (r == 0)
		r = cgroup_create(m->host, m->state.cgroup, &none, &m->group, e);
	if (r < 0)
		return r;
	/* Its limits, its freezing and its end would be the other's, too. */
	if (!cgroup_is_empty(m->group))
		return err_msg(e, EBUSY,
			       "cgroup '%s' is another's: there are processes in it",
			       m->state.cgroup);
	m->grouped = true;
	m->config.spec.cgroup = m->group;
	return oci_resources_apply(resources_of(m->config.json), m->group, false, e);
}

static int listen_for_word(struct making *m, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	m->word = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/" OCI_START_SOCKET,
		 m->state.dir);
	if (m->word < 0 || bind(m->word, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(m->word, 1) < 0)
		return err_set(e, errno, "make '%s'", OCI_START_SOCKET);
	m->config.exact.word_fd = m->word;
	return 0;
}

/* The container's process is there, and blocked; nothing of it is known yet outside. */
static int make_process(struct making *m, const struct oci_args *a, struct err *e)
{
	const char *pid_file = oci_args_value(a, "pid-file");
	int r = container_create(&m->config.spec, &m->child, e);

	if (r < 0)
		return r;
	m->state.pid = container_pid(m->child);
	m->state.start_time = proc_start_time(m->state.pid);
	if (m->console >= 0)
		r = fd_send(m->console, "/dev/ptmx", 9, container_tty(m->child), e);
	if (r == 0)
		r = oci_state_save(&m->state, e);
	if (r == 0 && pid_file)
		r = oci_pid_file(pid_file, m->state.pid, e);
	/* The last step: from now on it waits by its own, for who connects to it. */
	return r < 0 ? r : container_start(m->child, e);
}

static int check_console(struct making *m, const struct oci_args *a, bool foreground,
			 struct err *e)
{
	const char *path = oci_args_value(a, "console-socket");

	if (!path)
		return !m->config.spec.tty || foreground
			       ? 0
			       : err_msg(e, EINVAL,
					 "config: 'process.terminal' wants "
					 "--console-socket");
	if (!m->config.spec.tty)
		return err_msg(e, EINVAL,
			       "option 'console-socket' wants "
			       "process.terminal in config.json");
	return oci_console_connect(path, &m->console, e);
}

static int make(struct oci_run *o, const struct oci_args *a, bool foreground,
		struct making *m, struct err *e)
{
	const char *bundle = oci_args_value(a, "bundle"), *id = a->operands.v[0];
	struct container_exact *x = &m->config.exact;
	int r = read_bundle(m, bundle ? bundle : ".", e);

	if (r == 0)
		r = oci_cgroup_path(m->config.cgroups_path, id, o->systemd,
				    &m->state.cgroup, e);
	if (r == 0)
		r = oci_preserve_fds(a, &m->config, e);
	if (r == 0)
		r = check_console(m, a, foreground, e);
	x->keep_keyring = oci_args_flag(a, "no-new-keyring");
	for (int i = 0; i < 3; i++)
		m->config.spec.stdio[i] = i;
	if (r == 0)
		r = oci_state_make(o->root, id, &m->state, e);
	if (r < 0)
		return r;
	r = keep_config(m, e);
	if (r == 0)
		r = oci_state_save(&m->state, e);
	if (r == 0)
		r = oci_config_open(&m->config, e);
	if (r == 0)
		r = make_group(m, e);
	if (r == 0)
		r = listen_for_word(m, e);
	set_moments(m);
	if (r == 0)
		r = make_process(m, a, e);
	if (r < 0)
		undo(m);
	return r;
}

static int create_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	struct making m;
	int r;

	making_init(&m);
	r = make(o, a, false, &m, e);
	making_free(&m);
	return r;
}

/* Told its word, and the hooks that follow. */
static int start_state(struct oci_state *s, struct err *e)
{
	AUTO_JSON json_t *state = NULL;
	int r = container_word_send(s->dir, OCI_START_SOCKET, e);

	(void)unlinkat(s->dir, OCI_START_SOCKET, 0);
	if (r < 0)
		return r;
	state = oci_state_format(s, OCI_RUNNING, s->pid, false);
	oci_hooks_run_all(s->config, "poststart", state);
	return 0;
}

static int start_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	enum oci_status status;
	struct oci_state s;
	int r;

	oci_state_init(&s);
	r = oci_state_load(o->root, a->operands.v[0], &s, e);
	if (r == 0 && (status = oci_state_status(&s)) != OCI_CREATED)
		r = err_msg(e, EINVAL, "container '%s' is %s, not created", s.id,
			    oci_status_name(status));
	if (r == 0)
		r = start_state(&s, e);
	if (r < 0 && s.id)
		r = err_ctx(e, "start");
	oci_state_free(&s);
	return r;
}

/* Created and started by one command; in the foreground it also stays, and tidies up. */
static int run_run(struct oci_run *o, const struct oci_args *a, struct err *e)
{
	bool detach = oci_args_flag(a, "detach"), keep = oci_args_flag(a, "keep");
	struct err end = ERR_INIT;
	struct making m;
	int r, status = 0;

	making_init(&m);
	r = make(o, a, !detach, &m, e);
	if (r < 0) {
		making_free(&m);
		return r;
	}
	r = start_state(&m.state, e);
	if (r == 0 && !detach)
		r = status = o->attach(m.child, e);
	if ((r < 0 || !detach) && !keep && oci_delete(&m.state, &end) < 0)
		err_keep_first(e, &end);
	making_free(&m);
	return e->code ? -e->code : status;
}

#define CREATE_OPTIONS                                                                   \
	{ "bundle", 'b', "DIR", "of the container (default: this directory)" },          \
		{ "console-socket", 0, "PATH", "send the terminal's master there" },     \
		{ "pid-file", 0, "FILE", "write the process's pid there" },              \
		{ "no-pivot", 0, NULL, "accepted; the root is always pivoted to" },      \
		{ "no-new-keyring", 0, NULL, "stay in the caller's session keyring" },   \
	{                                                                                \
		"preserve-fds", 0, "N", "hand on N fds after the standard ones"          \
	}

static const struct oci_option create_options[] = { CREATE_OPTIONS };
static const struct oci_option run_options[] = {
	CREATE_OPTIONS,
	{ "detach", 'd', NULL, "do not wait for its end" },
	{ "keep", 0, NULL, "do not delete it after its end" },
	{ "no-subreaper", 0, NULL, "accepted; minibox is never one" },
};

const struct oci_command oci_cmd_create = {
	.name = "create",
	.operands = "ID",
	.summary = "Make a container; its process waits to be started",
	.min_operands = 1,
	.max_operands = 1,
	.options = create_options,
	.n_options = ARRAY_LEN(create_options),
	.run = create_run,
};

const struct oci_command oci_cmd_start = {
	.name = "start",
	.operands = "ID",
	.summary = "Start the process of a created container",
	.min_operands = 1,
	.max_operands = 1,
	.run = start_run,
};

const struct oci_command oci_cmd_run = {
	.name = "run",
	.operands = "ID",
	.summary = "Create and start a container",
	.min_operands = 1,
	.max_operands = 1,
	.options = run_options,
	.n_options = ARRAY_LEN(run_options),
	.run = run_run,
};
