/*
 * container/container.c - making, starting and reaping the process. See container.h.
 *
 * Knows the way in: a short-lived helper on our own memory (spawn.h) joins cgroups and
 * enters namespaces, then clones the container's process as a child of *ours* and is
 * gone.
 */
#include "runtime/container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/container/apparmor.h"
#include "runtime/container/child.h"
#include "runtime/container/exact.h"
#include "runtime/container/limits.h"
#include "runtime/container/plan.h"
#include "runtime/container/spawn.h"

struct container {
	pid_t pid;
	int pidfd, sync, tty;
	int exec_errno;
	char *program; /* its name, for errors */
};

struct doorway {
	const struct container_plan *plan;
	bool in_cgroup; /* born in the v2 group: only the other hierarchies are to be
			   joined */
	pid_t pid;
	int pidfd;
};

/* The network first: it may belong to the host's user namespace, where we still have
 * rights. */
static int enter_namespaces(const struct container_plan *p, struct err *e)
{
	const struct container_spec *s = p->spec;

	if (p->pidfd >= 0) {
		if (p->namespaces && setns(p->pidfd, p->namespaces) < 0)
			return err_set(e, errno, "enter the container's 'namespaces'");
		return 0;
	}
	for (size_t i = 0; s->exact && i < s->exact->n_join; i++)
		if (setns(s->exact->join_ns[i], 0) < 0)
			return err_set(e, errno, "enter a namespace told by 'path'");
	if (s->netns_fd >= 0 && setns(s->netns_fd, CLONE_NEWNET) < 0)
		return err_set(e, errno, "enter network namespace");
	if (s->userns_fd >= 0 && setns(s->userns_fd, CLONE_NEWUSER) < 0)
		return err_set(e, errno, "enter user namespace");
	return 0;
}

/* CLONE_PARENT: the new process is the child of our caller, who is the one that stays. */
static int clone_child(struct doorway *d, struct err *e)
{
	struct clone_args a = {
		.flags = CLONE_PARENT | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&d->pidfd,
	};
	long pid;

	if (d->plan->pidfd < 0 && d->plan->spec->exact)
		a.flags |= (uint64_t)d->plan->spec->exact->new_ns;
	else if (d->plan->pidfd < 0)
		a.flags |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
			   CLONE_NEWCGROUP;
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (pid < 0)
		return err_set(e, errno, "clone the container's 'process'");
	if (pid == 0)
		container_child_main(d->plan);
	d->pid = (pid_t)pid;
	return 0;
}

/*
 * Here, while "/proc" is the host's for certain; what we clone takes it along to its
 * execve. A new exact container asks later by itself: its hooks are executed before.
 */
static int ask_profile(const struct container_plan *p, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int r;

	if (!p->apparmor || (p->spec->exact && p->pidfd < 0))
		return 0;
	r = container_apparmor_open(&fd, e);
	return r < 0 ? r : container_apparmor_ask(fd, p->apparmor, e);
}

/* Cgroups before the cgroup namespace: else the host's path would show inside. */
static int pass_doorway(void *arg, struct err *e)
{
	struct doorway *d = arg;
	const struct container_plan *p = d->plan;
	int dumpable = prctl(PR_GET_DUMPABLE), r = 0;

	if (p->spec->cgroup)
		r = d->in_cgroup ? cgroup_join_v1(p->spec->cgroup, e)
				 : cgroup_join(p->spec->cgroup, e);
	if (r == 0)
		r = container_limits_raise(p->limits, p->limit_set, e);
	if (r == 0)
		r = ask_profile(p, e);
	if (r == 0)
		r = enter_namespaces(p, e);
	if (r < 0)
		return r;
	/* The directory of a new ipc namespace's queues belongs to whoever makes it. */
	if (p->pidfd < 0 && !p->spec->exact && p->spec->userns_fd >= 0)
		setfsuid(0), setfsgid(0);
	/*
	 * Born undumpable: no process of a container that it joins can trace it or look
	 * into its /proc directory before it has become the container's own by execve
	 * (CVE-2016-9962).
	 */
	prctl(PR_SET_DUMPABLE, 0);
	r = clone_child(d, e);
	prctl(PR_SET_DUMPABLE, dumpable); /* the memory is our caller's */
	return r;
}

static void reap(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
}

/* The maker's own moment, while the child waits. */
static int answer_built(struct container *c, const struct container_exact *x,
			struct err *e)
{
	int r = x->moments.built ? x->moments.built(x->moments.arg, c->pid, e) : 0;

	return r < 0 ? r : fd_send(c->sync, "", 1, -1, e);
}

/* Wait for what the child has to say before it execs. Reaps it when it failed. */
static int hear(struct container *c, const struct container_exact *x, struct err *e)
{
	struct child_message m;
	int fd = -1, st = 0, n = fd_recv(c->sync, &m, sizeof(m), &fd);

	if (n == (int)sizeof(m) && m.kind == CHILD_BUILT) {
		n = answer_built(c, x, e);
		if (n < 0)
			return n;
		n = fd_recv(c->sync, &m, sizeof(m), &fd);
	}
	if (n == (int)sizeof(m) && m.kind == CHILD_READY) {
		c->tty = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (n != (int)sizeof(m))
		(void)kill(c->pid, SIGKILL);
	reap(c->pid, &st);
	c->pid = -1;
	if (n != (int)sizeof(m))
		return err_msg(e, EIO,
			       "the container's 'process' died while being made "
			       "(wait status 0x%x)",
			       (unsigned)st);
	c->exec_errno = m.exec_errno;
	m.e.text[sizeof(m.e.text) - 1] = '\0';
	*e = m.e;
	return -e->code;
}

/* A protected caller (a negative score) must not lend its protection to a container. */
static int set_oom_score(pid_t pid, int score, struct err *e)
{
	AUTO_FREE char *want = str_fmt("%d", score);
	AUTO_BUF struct buf now = BUF_INIT;
	char path[48];
	int r = fd_read_file(AT_FDCWD, "/proc/self/oom_score_adj", 64, &now, e);

	if (r < 0)
		return r;
	now.data[strcspn(now.data, "\n")] = '\0';
	if (str_eq(now.data, want))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	r = fd_write_str(AT_FDCWD, path, want, e);
	return r < 0 ? err_ctx(e, "'oom_score_adj' %d", score) : 0;
}

/* An exact spec may also tell none: then it is the caller's. */
static int tell_oom_score(pid_t pid, const struct container_spec *s, struct err *e)
{
	if (!s->exact)
		return set_oom_score(pid, s->oom_score_adj, e);
	return s->exact->set_oom_score_adj
		       ? set_oom_score(pid, s->exact->oom_score_adj, e)
		       : 0;
}

static int spawn_child(struct doorway *d, struct err *e)
{
	const struct cgroup *g = d->plan->spec->cgroup;
	int dir = g ? cgroup_dirfd_v2(g) : -1, r;

	d->in_cgroup = dir >= 0;
	r = container_spawn(pass_doorway, d, dir, "way into the container", e);
	if (r != -EOPNOTSUPP || e->code)
		return r;
	d->in_cgroup = false;
	return container_spawn(pass_doorway, d, -1, "way into the container", e);
}

/* Common to a first and a further process: up to "ready". */
static int make_process(struct container_plan *p, struct container **ret, struct err *e)
{
	struct doorway d = { .plan = p, .pid = -1, .pidfd = -1 };
	struct container *c;
	int pair[2], r, st;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, errno, "make 'sync' socket");
	p->sync = pair[1];
	r = spawn_child(&d, e);
	fd_auto_close(&p->sync);
	p->sync = -1;
	if (r < 0) {
		/* It cannot be there, unless the doorway was killed just behind it. */
		if (d.pid > 0 && kill(d.pid, SIGKILL) == 0)
			reap(d.pid, &st);
		fd_auto_close(&d.pidfd);
		close(pair[0]);
		return r;
	}
	c = mem_new(1, sizeof(*c));
	*c = (struct container){
		.pid = d.pid,
		.pidfd = d.pidfd,
		.sync = pair[0],
		.tty = -1,
		.program = str_dup(p->spec->args.v[0]),
	};
	r = hear(c, p->spec->exact, e);
	if (r == 0)
		r = tell_oom_score(c->pid, p->spec, e);
	if (r < 0) {
		container_abort(c);
		return r;
	}
	*ret = c;
	return 0;
}

int container_create(const struct container_spec *s, struct container **ret,
		     struct err *e)
{
	struct container_plan p;
	int r = container_plan_create(s, &p, e);

	if (r == 0) {
		r = make_process(&p, ret, e);
		container_plan_free(&p);
	}
	return r < 0 ? err_ctx(e, "create container") : 0;
}

/* What comes after the start may be by the container's hand: where no user namespace
 * keeps them apart, its root may take minibox-init over just before that is the program.
 */
static int distrust(const struct child_message *m, struct err *e)
{
	*e = m->e;
	e->text[sizeof(e->text) - 1] = '\0';
	for (char *p = e->text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (e->code <= 0)
		e->code = EIO;
	return -e->code;
}

int container_start(struct container *c, struct err *e)
{
	struct child_message m;
	int n, st = 0;

	if (send(c->sync, "", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return err_set(e, errno, "start the container's 'process'");
	n = fd_recv(c->sync, &m, sizeof(m), NULL);
	close(c->sync);
	c->sync = -1;
	if (n <= 0)
		return 0; /* closed by execve; or killed meanwhile: container_wait() tells
			   */
	reap(c->pid, &st);
	c->pid = -1;
	if (n == (int)sizeof(m)) {
		c->exec_errno = m.exec_errno;
		return distrust(&m, e);
	}
	memcpy(&c->exec_errno, &m, sizeof(c->exec_errno));
	return err_set(e, c->exec_errno > 0 ? c->exec_errno : EIO, "execute '%s'",
		       c->program);
}

int container_exec(const struct container_spec *s, pid_t pid, int pidfd,
		   struct container **ret, struct err *e)
{
	struct container *c = NULL;
	struct container_plan p;
	int r = container_plan_exec(s, pid, pidfd, &p, e);

	*ret = NULL;
	if (r < 0)
		return err_ctx(e, "exec in container");
	r = make_process(&p, &c, e);
	container_plan_free(&p);
	if (r < 0)
		return err_ctx(e, "exec in container");
	r = container_start(c, e);
	/* Kept for container_exec_errno(): 126 and 127 are not failures of ours. */
	if (r < 0 && !c->exec_errno)
		c = container_abort(c);
	*ret = c;
	return r;
}

pid_t container_pid(const struct container *c)
{
	return c->pid;
}

int container_pidfd(const struct container *c)
{
	return c->pidfd;
}

int container_tty(const struct container *c)
{
	return c->tty;
}

int container_tty_take(struct container *c)
{
	return fd_take(&c->tty);
}

int container_exec_errno(const struct container *c)
{
	return c->exec_errno;
}

int container_wait(struct container *c, int *ret_status, struct err *e)
{
	if (c->pid < 0)
		return err_msg(e, ECHILD, "the container's 'process' is reaped already");
	while (waitpid(c->pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for process '%d'", (int)c->pid);
	c->pid = -1;
	return 0;
}

struct container *container_free(struct container *c)
{
	if (!c)
		return NULL;
	fd_auto_close(&c->pidfd);
	fd_auto_close(&c->sync);
	fd_auto_close(&c->tty);
	free(c->program);
	free(c);
	return NULL;
}

struct container *container_abort(struct container *c)
{
	int st;

	if (c && c->pid > 0) {
		(void)proc_kill(c->pidfd, SIGKILL);
		reap(c->pid, &st);
	}
	return container_free(c);
}
