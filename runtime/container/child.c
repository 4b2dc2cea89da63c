/* container/child.c - see child.h. */
#include "runtime/container/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/container/caps.h"
#include "runtime/container/limits.h"
#include "runtime/container/mnt.h"
#include "runtime/container/rootfs.h"

/* Where the fds that outlive the preparation stand; minibox-init knows these numbers. */
enum { FD_SYNC = 3, FD_STATUS = 4, FD_INIT = 5, FD_END = 6, FD_ASIDE = 64 };

struct child {
	const struct container_plan *plan;
	int stdio[3], sync, status, init, master;
};

static void report(int sock, int kind, int exec_errno, int fd, const struct err *e)
{
	struct child_message m = { .kind = kind, .exec_errno = exec_errno };
	struct err ignored = ERR_INIT;

	if (e)
		m.e = *e;
	/* The parent may be gone: then there is nobody to tell. */
	if (fd_send(sock, &m, sizeof(m), fd, &ignored) < 0)
		_exit(125);
}

/* By the system call: the C library keeps 32 and 33 for itself and would leave them
 * ignored where our caller had them so. */
static void reset_signals(void)
{
	const char dfl[64] = {
		0
	}; /* struct kernel_sigaction: SIG_DFL, no flags, no mask */
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)syscall(SYS_rt_sigaction, s, dfl, NULL, (NSIG - 1) / 8);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Become root of the user namespace that we stand in; until now we are nobody there. */
static int become_root(struct err *e)
{
	if (setgroups(0, NULL) < 0)
		return err_set(e, errno, "drop 'supplementary groups'");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(e, errno, "become 'root' of the container");
	/* setresuid() made us dumpable where fs.suid_dumpable is 1. */
	prctl(PR_SET_DUMPABLE, 0);
	/* ENOSYS, EPERM (a seccomp filter around us): then no keyring is shared either */
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	return 0;
}

static int set_aside(int *fd, const char *what, struct err *e)
{
	int high;

	if (*fd < 0)
		return 0;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, FD_ASIDE);
	if (high < 0)
		return err_set(e, errno, "set '%s' aside", what);
	*fd = high;
	return 0;
}

static int put(int fd, int at, int flags, struct err *e)
{
	if (fd >= 0 && dup3(fd, at, flags) < 0)
		return err_set(e, errno, "put fd '%d' in place", at);
	if (fd < 0)
		close(at);
	return 0;
}

static int open_stdio(struct child *c, struct err *e)
{
	const struct container_spec *s = c->plan->spec;
	AUTO_CLOSE int slave = -1;
	int r = 0;

	if (s->tty) {
		r = container_tty_open(c->plan->user.uid, c->plan->pidfd < 0, &c->master,
				       &slave, e);
		for (int i = 0; i < 3 && r == 0; i++) {
			c->stdio[i] = slave;
			r = set_aside(&c->stdio[i], "terminal", e);
		}
		return r;
	}
	for (int i = 0; i < 3 && r == 0; i++) {
		AUTO_CLOSE int null = -1;

		if (c->stdio[i] >= 0)
			continue;
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0)
			return err_set(e, errno, "open '/dev/null' in the container");
		c->stdio[i] = null;
		r = set_aside(&c->stdio[i], "/dev/null", e);
	}
	return r;
}

/*
 * From here on nothing of the host is open but what stands at its number. In two steps,
 * because any of these fds may now have the number that another one is to get.
 */
static int settle_fds(struct child *c, struct err *e)
{
	bool init = c->init >= 0;
	int r = set_aside(&c->sync, "sync", e);

	if (r == 0)
		r = set_aside(&c->status, "status", e);
	if (r == 0)
		r = set_aside(&c->init, "init", e);
	if (r == 0)
		r = set_aside(&c->master, "terminal", e);
	for (int i = 0; i < 3 && r == 0; i++)
		r = put(c->stdio[i], i, 0, e);
	if (r == 0)
		r = put(c->sync, FD_SYNC, init ? 0 : O_CLOEXEC, e);
	if (r == 0)
		r = put(init && !c->plan->direct ? c->status : -1, FD_STATUS, 0, e);
	if (r == 0)
		r = put(c->init, FD_INIT, O_CLOEXEC, e);
	/* The pty master is the one left to hand over: it goes with the READY message. */
	if (r == 0 && c->master >= 0)
		r = put(c->master, FD_END, O_CLOEXEC, e);
	if (r < 0)
		return r;
	c->sync = FD_SYNC;
	c->init = init ? FD_INIT : -1;
	c->master = c->master >= 0 ? FD_END : -1;
	if (close_range((unsigned)FD_END + (c->master >= 0), ~0U, 0) < 0)
		return err_set(e, errno, "close 'other fds'");
	return 0;
}

static int enter_cwd(const struct container_plan *p, struct err *e)
{
	const char *cwd = p->spec->cwd && *p->spec->cwd ? p->spec->cwd : "/";
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	char where[PATH_MAX];
	bool made = false;
	int r;

	if (root < 0)
		return err_set(e, errno, "open '/' of the container");
	r = container_mnt_target(root, cwd, true, &fd, &made, e);
	if (r < 0)
		return err_ctx(e, "working directory '%s'", cwd);
	if (made && fchownat(fd, "", p->user.uid, p->user.gid, AT_EMPTY_PATH) < 0)
		return err_set(e, errno, "chown working directory '%s'", cwd);
	if (fchdir(fd) < 0)
		return err_set(e, errno, "enter working directory '%s'", cwd);
	/* A directory outside of our root would read "(unreachable)/..."
	 * (CVE-2024-21626). */
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0 || *where != '/')
		return err_msg(e, EPERM, "working directory '%s' is not in the container",
			       cwd);
	return 0;
}

static int apply_filter(const struct container_plan *p, struct err *e)
{
	if (p->filter.len &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p->filter) < 0)
		return err_set(e, errno, "apply 'seccomp' filter");
	return 0;
}

static int become_user(const struct container_user *u, struct err *e)
{
	if (setgroups(u->n_groups, u->groups) < 0)
		return err_set(e, errno, "set supplementary groups of user '%u'", u->uid);
	if (setresgid(u->gid, u->gid, u->gid) < 0)
		return err_set(e, errno, "become group '%u'", u->gid);
	if (setresuid(u->uid, u->uid, u->uid) < 0)
		return err_set(e, errno, "become user '%u'", u->uid);
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

/*
 * The order is the kernel's: the bounding set wants CAP_SETPCAP; a filter wants
 * CAP_SYS_ADMIN or no_new_privs; setresuid() to another user than root clears the
 * capabilities by itself.
 */
static int confine(const struct container_plan *p, struct err *e)
{
	const struct container_spec *s = p->spec;
	int r = container_caps_bound(p->caps, e);

	if (r == 0 && !s->no_new_privs)
		r = apply_filter(p, e);
	if (r == 0)
		r = become_user(&p->user, e);
	if (r == 0)
		r = container_caps_apply(p->user.uid == 0 ? p->caps : 0, e);
	/* After the change of user, which clears it. */
	if (r == 0 && s->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_set(e, errno, "ask to die with the caller");
	if (r == 0 && s->no_new_privs) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return err_set(e, errno, "set 'no_new_privs'");
		r = apply_filter(p, e);
	}
	return r;
}

static int prepare(struct child *c, struct err *e)
{
	const struct container_plan *p = c->plan;
	bool joins = p->pidfd >= 0;
	int r = become_root(e);

	umask(0);
	reset_signals();
	if (setsid() < 0 && errno != EPERM)
		return err_set(e, errno, "start a 'session'");
	if (r == 0 && !joins)
		r = container_rootfs_enter(p, e);
	if (r == 0 && !joins && p->spec->hostname &&
	    sethostname(p->spec->hostname, strlen(p->spec->hostname)) < 0)
		r = err_set(e, errno, "set hostname '%s'", p->spec->hostname);
	for (int i = 0; i < 3 && r == 0; i++)
		r = set_aside(&c->stdio[i], "stdio", e);
	if (r == 0)
		r = open_stdio(c, e);
	if (r == 0)
		r = settle_fds(c, e);
	/* minibox-init gives the terminal to the main process's own session. */
	if (r == 0 && p->spec->tty && (c->init < 0 || p->direct) &&
	    ioctl(0, TIOCSCTTY, 0) < 0)
		r = err_set(e, errno, "take the terminal");
	umask(022);
	if (r == 0)
		r = enter_cwd(p, e);
	return r < 0 ? r : confine(p, e);
}

/* A regular file that we may execute; the kernel's own EACCES otherwise. */
static int try_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* As execvp(3), but by the container's PATH. Return: 0 or a positive errno. */
static int find_program(const struct container_plan *p, char *ret, size_t n)
{
	const char *name = p->spec->args.v[0];
	const char *path = strv_get_env(&p->env, "PATH");
	int seen = ENOENT;

	if (strchr(name, '/')) {
		if (snprintf(ret, n, "%s", name) >= (int)n)
			return ENAMETOOLONG;
		return try_program(ret);
	}
	for (const char *end; path; path = *end ? end + 1 : NULL) {
		int len, err;

		end = strchrnul(path, ':');
		len = (int)(end - path);
		if (snprintf(ret, n, "%.*s%s%s", len, path, len ? "/" : "./", name) >=
		    (int)n)
			continue;
		err = try_program(ret);
		if (err == 0)
			return 0;
		if (err == EACCES)
			seen = err; /* go on: a later directory may have it */
	}
	return seen;
}

static void fail(struct child *c, int exec_errno, const struct err *e)
	__attribute__((noreturn));
static void fail(struct child *c, int exec_errno, const struct err *e)
{
	report(c->sync, CHILD_FAILED, exec_errno, -1, e);
	_exit(exec_errno == ENOENT ? 127 : exec_errno ? 126 : 125);
}

static void exec_init(struct child *c, char *program)
{
	const struct container_plan *p = c->plan;
	char flags[3], **argv = mem_new(p->spec->args.n + 4, sizeof(*argv));
	size_t n = 0;

	if (p->direct)
		snprintf(flags, sizeof(flags), "x");
	else
		snprintf(flags, sizeof(flags), "%s%s", c->status >= 0 ? "s" : "",
			 p->spec->tty ? "t" : "");
	argv[n++] = (char[]){ "minibox-init" };
	argv[n++] = flags;
	argv[n++] = program;
	strv_foreach (i, &p->spec->args)
		argv[n++] = p->spec->args.v[i];
	syscall(SYS_execveat, c->init, "", argv, p->env.v, AT_EMPTY_PATH);
}

static void run_program(struct child *c)
{
	const struct container_plan *p = c->plan;
	const char *name = p->spec->args.v[0];
	struct err e = ERR_INIT;
	char program[PATH_MAX];
	int r = find_program(p, program, sizeof(program));

	if (r) {
		err_set(&e, r, "execute '%s'", name);
		fail(c, r, &e);
	}
	if (container_limits_apply(p->limits, p->limit_set, &e) < 0)
		fail(c, 0, &e);
	if (c->init >= 0) {
		exec_init(c, program);
		err_set(&e, errno, "execute init '%s'",
			p->direct ? p->spec->launcher : p->spec->init_path);
		fail(c, 0, &e);
	}
	execve(program, p->spec->args.v, p->env.v);
	r = errno;
	err_set(&e, r, "execute '%s'", name);
	fail(c, r, &e);
}

void container_child_main(const struct container_plan *p)
{
	const struct container_spec *s = p->spec;
	struct child c = {
		.plan = p,
		.stdio = { s->stdio[0], s->stdio[1], s->stdio[2] },
		.sync = p->sync,
		.status = s->status_fd,
		.init = p->init_fd,
		.master = -1,
	};
	struct err e = ERR_INIT;
	char word;

	if (s->tty)
		c.stdio[0] = c.stdio[1] = c.stdio[2] = -1;
	if (prepare(&c, &e) < 0)
		fail(&c, 0, &e);
	report(c.sync, CHILD_READY, 0, c.master, NULL);
	fd_auto_close(&c.master);
	/* Nothing comes when the parent is gone: then no foreign code is run at all. */
	if (fd_recv(c.sync, &word, 1, NULL) != 1)
		_exit(125);
	run_program(&c);
	_exit(125);
}
