/*
 * stack/launch.c - starting processes from a stored spec: a container's own, a command in
 * it, its healthcheck.
 *
 * Needs neither the stack file nor the image store: everything is pinned below RUN.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/leash.h"
#include "runtime/stack/oom.h"

int instance_spec(struct stack_host *h, const char *stack, const char *service,
		  json_t **ret, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = host_service_fd(h, stack, service, &dir, e);

	if (r != 0)
		return r;
	if (faccessat(dir, "spec.json", F_OK, 0) < 0 && errno == ENOENT)
		return STACK_E_ABSENT;
	return json_read(dir, "spec.json", ret, e);
}

/* The fds behind a spec, closed together. */
struct pins {
	int dir, root, userns, netns, in, out, err, status, cache;
	struct cgroup *cgroup;
};

static void pins_close(struct pins *p)
{
	int *const fds[] = { &p->dir, &p->root, &p->userns, &p->netns, &p->in,
			     &p->out, &p->err,  &p->status, &p->cache };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_auto_close(fds[i]);
	cgroup_free(p->cgroup);
}

static int open_in(int dir, const char *name, int flags, int *ret, struct err *e)
{
	*ret = openat(dir, name, flags | O_CLOEXEC, 0600);
	return *ret < 0 ? err_set(e, errno, "open '%s'", name) : 0;
}

static int pins_open_cgroup(struct stack_host *h, const char *stack, const char *service,
			    struct pins *p, struct err *e)
{
	AUTO_FREE char *path = host_cgroup(h, stack, service);
	struct cgroup_host *cg = NULL;
	int r = host_cgroups(h, &cg, e);

	if (r == 0)
		r = cgroup_open(cg, path, &p->cgroup, e);
	return r > 0 ? err_msg(e, ENOENT, "cgroup '%s' is gone", path) : r;
}

/* Open what every process of the container needs, and put it into @spec. */
static int pins_open(struct stack_host *h, const char *stack, const char *service,
		     const json_t *j, struct pins *p, struct container_spec *spec,
		     struct err *e)
{
	int r = host_service_fd(h, stack, service, &p->dir, e);

	if (r > 0)
		return err_msg(e, ENOENT, "there is no container of service '%s'",
			       service);
	if (r == 0)
		r = open_in(p->dir, "root", O_RDONLY | O_DIRECTORY, &p->root, e);
	if (r == 0 && json_bool(j, "userns", false))
		r = open_in(p->dir, "userns", O_RDONLY, &p->userns, e);
	if (r == 0)
		r = open_in(p->dir, "netns", O_RDONLY, &p->netns, e);
	if (r == 0)
		r = open_in(h->root_fd, "cache", O_RDONLY | O_DIRECTORY, &p->cache, e);
	if (r == 0)
		r = pins_open_cgroup(h, stack, service, p, e);
	spec->rootfs_fd = p->root;
	spec->userns_fd = p->userns;
	spec->netns_fd = p->netns;
	spec->cache_fd = p->cache;
	spec->cgroup = p->cgroup;
	return r;
}

#define PINS_NONE                                                                        \
	{                                                                                \
		-1, -1, -1, -1, -1, -1, -1, -1, -1, NULL                                 \
	}

/* Read-write, so that a dead supervisor leaves the container a reader and it never sees
 * EPIPE. */
static int open_log_fifos(struct pins *p, struct container_spec *spec, struct err *e)
{
	int r = open_in(p->dir, "stdout", O_RDWR, &p->out, e);

	if (r == 0)
		r = open_in(p->dir, "stderr", O_RDWR, &p->err, e);
	if (r == 0 && faccessat(p->dir, "stdin", F_OK, 0) == 0)
		r = open_in(p->dir, "stdin", O_RDWR, &p->in, e);
	spec->stdio[0] = p->in;
	spec->stdio[1] = p->out;
	spec->stdio[2] = p->err;
	return r;
}

static void apply_override(struct container_spec *spec, const struct stack_override *o)
{
	if (o->args.n) {
		strv_free(&spec->args);
		strv_copy(&spec->args, &o->args);
	}
	strv_foreach (i, &o->env)
		strv_set_env(&spec->env, o->env.v[i]);
	if (o->user)
		str_set(&spec->user, o->user);
	if (o->cwd)
		str_set(&spec->cwd, o->cwd);
	spec->tty = o->tty;
	memcpy(spec->stdio, o->stdio, sizeof(spec->stdio));
}

/* A launcher that was killed after the start but before its report leaves a container
 * that nobody knows: a second one beside it would share its volumes. */
static int kill_leftover(const struct pins *p, struct err *e)
{
	if (cgroup_is_empty(p->cgroup))
		return 0;
	return cgroup_kill(p->cgroup, e);
}

int instance_start(struct stack_host *h, const char *stack, const char *service,
		   const struct stack_override *over, struct container **ret,
		   int *ret_exec_errno, struct err *e)
{
	struct pins p = PINS_NONE;
	AUTO_JSON json_t *j = NULL;
	struct container *c = NULL;
	struct container_spec spec;
	int r = instance_spec(h, stack, service, &j, e);

	*ret_exec_errno = 0;
	if (r != 0)
		return r;
	container_spec_init(&spec);
	r = container_spec_parse(json_object_get(j, "spec"), &spec, e);
	if (r == 0)
		r = pins_open(h, stack, service, j, &p, &spec, e);
	if (r == 0)
		r = kill_leftover(&p, e);
	if (r == 0)
		r = open_in(p.dir, "exit", O_WRONLY | O_CREAT | O_TRUNC, &p.status, e);
	spec.status_fd = p.status;
	if (r == 0 && over)
		memcpy(spec.stdio, over->stdio, sizeof(spec.stdio));
	else if (r == 0)
		r = open_log_fifos(&p, &spec, e);
	if (r == 0)
		r = container_create(&spec, &c, e);
	/* while it is there, but nothing of it can have been killed yet */
	if (r == 0 && !over) {
		r = oom_guard(h, stack, service, j, e);
		if (r < 0)
			c = container_abort(c);
	}
	if (r == 0)
		r = container_start(c, e);
	if (r < 0 && c)
		*ret_exec_errno = container_exec_errno(c);
	if (r == 0)
		*ret = c;
	else
		container_free(c);
	container_spec_free(&spec);
	pins_close(&p);
	return r;
}

int stack_launch(struct stack_host *h, const char *stack, const char *service,
		 struct sup_launch_report *ret, int *ret_tty, struct err *e)
{
	struct container *c = NULL;
	int exec_errno = 0, r;

	memset(ret, 0, sizeof(*ret));
	*ret_tty = -1;
	r = instance_start(h, stack, service, NULL, &c, &exec_errno, e);
	if (r == STACK_E_ABSENT)
		r = err_msg(e, ENOENT, "there is no container of service '%s'", service);
	if (r < 0) {
		ret->exit_code = !exec_errno ? 125 : exec_errno == ENOENT ? 127 : 126;
		snprintf(ret->text, sizeof(ret->text), "%s", err_text(e));
		return r;
	}
	ret->pid = container_pid(c);
	ret->start_time = proc_start_time(ret->pid);
	*ret_tty = container_tty_take(c);
	container_free(c);
	return 0;
}

/* Join a running container; the caller's @over tells what to run there. */
static int exec_in(struct stack_host *h, const char *stack, const char *service,
		   const json_t *j, const struct stack_override *over, pid_t pid,
		   int pidfd, struct container **ret, int *ret_exec_errno, struct err *e)
{
	struct pins p = PINS_NONE;
	struct container_spec spec;
	int r;

	container_spec_init(&spec);
	r = container_spec_parse(json_object_get(j, "spec"), &spec, e);
	if (r == 0)
		r = pins_open(h, stack, service, j, &p, &spec, e);
	if (r == 0) {
		struct container *c = NULL;

		apply_override(&spec, over);
		spec.die_with_parent = over->die_with_parent;
		if (over->die_with_parent)
			r = leash_put(p.cgroup, e);
		if (r == 0)
			r = container_exec(&spec, pid, pidfd, &c, e);
		if (r == 0)
			*ret = c;
		else if (c) {
			*ret_exec_errno = container_exec_errno(c);
			container_free(c);
		}
	}
	container_spec_free(&spec);
	pins_close(&p);
	return r;
}

int stack_exec(struct stack_host *h, const char *stack, const char *service,
	       const struct stack_override *o, struct container **ret,
	       int *ret_exec_errno, struct err *e)
{
	AUTO_CLOSE int stack_fd = -1, pidfd = -1;
	AUTO_JSON json_t *j = NULL;
	struct sup_status st;
	int r = instance_spec(h, stack, service, &j, e);

	*ret_exec_errno = 0;
	if (r == 0)
		r = host_stack_fd(h, stack, &stack_fd, e);
	if (r == 0)
		r = sup_status_read(stack_fd, service, &st, e);
	if (r != 0)
		return r;
	pidfd = proc_pidfd_as(st.pid, st.start_time);
	if (pidfd < 0)
		return err_msg(e, ESRCH, "service '%s' is not running", service);
	return exec_in(h, stack, service, j, o, st.pid, pidfd, ret, ret_exec_errno, e);
}

int stack_health(struct stack_host *h, const char *stack, const char *service,
		 int *ret_code, struct err *e)
{
	struct stack_override over = { .stdio = { -1, STDOUT_FILENO, STDOUT_FILENO },
				       .die_with_parent = true };
	AUTO_JSON json_t *j = NULL;
	struct container *c = NULL;
	int status = 0, exec_errno = 0;
	int r = instance_spec(h, stack, service, &j, e);

	if (r > 0)
		r = err_msg(e, ENOENT, "there is no container of service '%s'", service);
	if (r == 0) {
		json_strv(j, "health", &over.args);
		r = stack_exec(h, stack, service, &over, &c, &exec_errno, e);
	}
	if (r == 0)
		r = container_wait(c, &status, e);
	container_free(c);
	strv_free(&over.args);
	if (r == 0)
		*ret_code =
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return r;
}
