/* container/child.c - see child.h. */
#include "runtime/container/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/container/apparmor.h"
#include "runtime/container/caps.h"
#include "runtime/container/exact.h"
#include "runtime/container/limits.h"
#include "runtime/container/mnt.h"
#include "runtime/container/rootfs.h"

/* Where the fds that outlive the preparation stand; minibox-init knows these numbers. */
enum { FD_SYNC = 3, FD_STATUS = 4, FD_INIT = 5, FD_END = 6, FD_ASIDE = 64 };

struct child {
	const struct container_plan *plan;
	int stdio[3], sync, status, init, master, word;
	int attr; /* where to ask for the AppArmor profile; -1: nothing is to be asked */
	int kept; /* fds from 3 on that are the program's own: ours stand behind them */
	char program[PATH_MAX]; /* found already; "" not yet */
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
static int become_root(const struct container_exact *x, struct err *e)
{
	if (setgroups(0, NULL) < 0)
		return err_set(e, errno, "drop 'supplementary groups'");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(e, errno, "become 'root' of the container");
	/* setresuid() made us dumpable where fs.suid_dumpable is 1. */
	prctl(PR_SET_DUMPABLE, 0);
	/* ENOSYS, EPERM (a seccomp filter around us): then no keyring is shared either */
	if (!x || !x->keep_keyring)
		(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	return 0;
}

static int set_aside(const struct child *c, int *fd, const char *what, struct err *e)
{
	int high;

	if (*fd < 0)
		return 0;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, FD_ASIDE + c->kept);
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

static int open_terminal(struct child *c, struct err *e)
{
	AUTO_CLOSE int slave = -1;
	int r = container_tty_open(c->plan->user.uid, c->plan->pidfd < 0, &c->master,
				   &slave, e);

	for (int i = 0; i < 3 && r == 0; i++) {
		c->stdio[i] = slave;
		r = set_aside(c, &c->stdio[i], "terminal", e);
	}
	return r;
}

static int open_stdio(struct child *c, struct err *e)
{
	const struct container_spec *s = c->plan->spec;
	int r = 0;

	if (s->tty)
		return open_terminal(c, e);
	/* without a mount namespace there is no /dev of ours */
	for (int i = 0; i < 3 && !(s->exact && s->exact->host_mounts); i++) {
		AUTO_CLOSE int own = -1;

		r = container_stdio_own(c->stdio[i], c->plan->user.uid, &own, e);
		if (r == 0 && own >= 0) {
			c->stdio[i] = own;
			r = set_aside(c, &c->stdio[i], "/dev/null", e);
		}
		if (r < 0)
			return r;
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
	int k = c->kept, end = k + FD_END, r = set_aside(c, &c->sync, "sync", e);

	if (r == 0)
		r = set_aside(c, &c->status, "status", e);
	if (r == 0)
		r = set_aside(c, &c->init, "init", e);
	if (r == 0)
		r = set_aside(c, &c->word, "start socket", e);
	if (r == 0)
		r = set_aside(c, &c->master, "terminal", e);
	if (r == 0)
		r = set_aside(c, &c->attr, "AppArmor", e);
	for (int i = 0; i < 3 && r == 0; i++)
		r = put(c->stdio[i], i, 0, e);
	if (r == 0)
		r = put(c->sync, k + FD_SYNC, init ? 0 : O_CLOEXEC, e);
	/* With minibox-init nobody waits for the word by a socket, and the other way
	 * round. */
	if (r == 0)
		r = put(!init             ? c->word
			: c->plan->direct ? -1
					  : c->status,
			k + FD_STATUS, init ? 0 : O_CLOEXEC, e);
	if (r == 0)
		r = put(c->init, k + FD_INIT, O_CLOEXEC, e);
	/* The pty master is the one left to hand over: it goes with the READY message. */
	if (r == 0 && c->master >= 0)
		r = put(c->master, end++, O_CLOEXEC, e);
	if (r == 0 && c->attr >= 0)
		r = put(c->attr, end++, O_CLOEXEC, e);
	if (r < 0)
		return r;
	c->attr = c->attr >= 0 ? end - 1 : -1;
	c->sync = k + FD_SYNC;
	c->word = c->word >= 0 ? k + FD_STATUS : -1;
	c->init = init ? FD_INIT : -1;
	c->master = c->master >= 0 ? k + FD_END : -1;
	if (close_range((unsigned)end, ~0U, 0) < 0)
		return err_set(e, errno, "close 'other fds'");
	return 0;
}

/* Who joins finds it, or fails: a container is not changed by a look into it. */
static int enter_cwd(const struct container_plan *p, struct err *e)
{
	const char *cwd = p->spec->cwd && *p->spec->cwd ? p->spec->cwd : "/";
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	char where[PATH_MAX];
	bool made = false;
	int r = 0;

	if (root < 0)
		return err_set(e, errno, "open '/' of the container");
	if (p->pidfd >= 0) {
		fd = fd_open_in_root(root, cwd, O_PATH | O_DIRECTORY);
		if (fd < 0)
			return err_set(e, errno, "working directory '%s'", cwd);
	} else {
		r = container_mnt_target(root, cwd, true, &fd, &made, e);
	}
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
	unsigned flags = p->spec->exact ? p->spec->exact->filter_flags : 0;

	if (p->filter.len &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p->filter) < 0)
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
 * capabilities by itself, unless they are to be kept.
 */
static int confine(const struct container_plan *p, struct err *e)
{
	const struct container_spec *s = p->spec;
	int r = container_caps_bound(p->caps, e);

	if (r == 0 && !s->no_new_privs)
		r = apply_filter(p, e);
	if (r == 0 && p->lent && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		r = err_set(e, errno, "keep 'capabilities'");
	if (r == 0)
		r = become_user(&p->user, e);
	if (r == 0)
		r = p->lent ? container_caps_lend(p->lent, e)
			    : container_caps_apply(p->user.uid == 0 ? p->caps : 0, e);
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

	/* an exact spec need not have one: then as execvp(3), but with what root has */
	if (!path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

/* On failure it ends here. */
static void look_up(struct child *c)
{
	struct err e = ERR_INIT;
	int r = find_program(c->plan, c->program, sizeof(c->program));

	if (r) {
		err_set(&e, r, "execute '%s'", c->plan->spec->args.v[0]);
		fail(c, r, &e);
	}
}

/* The rights of an exact spec, given up in one go just before the program. The filter
 * comes last: it is foreign, and may refuse what any of the other steps needs, the search
 * for the program included. */
static int confine_exact(struct child *c, struct err *e)
{
	const struct container_plan *p = c->plan;
	const struct container_exact *x = p->spec->exact;
	int r = container_caps_bound(x->bounding, e);

	if (r == 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		r = err_set(e, errno, "keep 'capabilities'");
	if (r == 0)
		r = become_user(&p->user, e);
	if (r == 0 && c->attr >= 0)
		r = container_apparmor_ask(c->attr, p->apparmor, e);
	if (r == 0)
		look_up(c);
	if (r == 0 && !p->spec->no_new_privs && p->filter.len) {
		/* wants CAP_SYS_ADMIN, which is permitted still but not effective */
		r = container_caps_regain(e);
		if (r == 0)
			r = apply_filter(p, e);
	}
	if (r == 0)
		r = container_caps_exact(x, e);
	if (r == 0)
		r = container_limits_apply(p->limits, p->limit_set, e);
	umask(x->umask);
	if (r == 0 && p->spec->no_new_privs) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return err_set(e, errno, "set 'no_new_privs'");
		r = apply_filter(p, e);
	}
	return r;
}

static int set_names(const struct container_spec *s, struct err *e)
{
	const char *domain = s->exact ? s->exact->domainname : NULL;

	if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return err_set(e, errno, "set hostname '%s'", s->hostname);
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_set(e, errno, "set domainname '%s'", domain);
	return 0;
}

/* All mounts stand, the host's root is "/" still: the maker's moments. */
static int pause_built(struct child *c, const struct container_exact *x, struct err *e)
{
	char word;

	if (!x || (!x->moments.built && !x->moments.inside))
		return 0;
	report(c->sync, CHILD_BUILT, 0, -1, NULL);
	if (fd_recv(c->sync, &word, 1, NULL) != 1)
		_exit(125);
	return x->moments.inside ? x->moments.inside(x->moments.arg, e) : 0;
}

static int enter_root(struct child *c, struct err *e)
{
	const struct container_plan *p = c->plan;
	int r = 0;

	/* before the hooks, which may give the network more interfaces */
	if (p->spec->exact && (p->spec->exact->new_ns & CLONE_NEWNET))
		r = container_loopback_up(e);
	if (r == 0)
		r = container_rootfs_build(p, e);
	if (r == 0)
		r = pause_built(c, p->spec->exact, e);
	if (r == 0)
		r = container_rootfs_enter(p, e);
	return r < 0 ? r : set_names(p->spec, e);
}

static int check_kept(const struct child *c, struct err *e)
{
	for (int fd = 3; fd < 3 + c->kept; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return err_set(e, errno, "preserve fd '%d'", fd);
	return 0;
}

static void set_window(const struct child *c, const struct container_exact *x)
{
	struct winsize w = { .ws_row = x ? x->rows : 0, .ws_col = x ? x->columns : 0 };

	if (c->master >= 0 && w.ws_row && w.ws_col)
		(void)ioctl(c->master, TIOCSWINSZ, &w);
}

static int prepare(struct child *c, struct err *e)
{
	const struct container_plan *p = c->plan;
	const struct container_exact *x = p->spec->exact;
	bool joins = p->pidfd >= 0;
	int r = 0;

	/* while "/proc" is the host's */
	if (x && p->apparmor && !joins)
		r = container_apparmor_open(&c->attr, e);
	if (r == 0)
		r = become_root(x, e);
	umask(0);
	reset_signals();
	if (setsid() < 0 && errno != EPERM)
		return err_set(e, errno, "start a 'session'");
	if (r == 0)
		r = check_kept(c, e);
	if (r == 0 && !joins)
		r = enter_root(c, e);
	for (int i = 0; i < 3 && r == 0; i++)
		r = set_aside(c, &c->stdio[i], "stdio", e);
	if (r == 0)
		r = open_stdio(c, e);
	set_window(c, x);
	if (r == 0)
		r = settle_fds(c, e);
	/* minibox-init gives the terminal to the main process's own session. */
	if (r == 0 && p->spec->tty && (c->init < 0 || p->direct) &&
	    ioctl(0, TIOCSCTTY, 0) < 0)
		r = err_set(e, errno, "take the terminal");
	umask(022);
	if (r == 0)
		r = enter_cwd(p, e);
	return r < 0 || x ? r : confine(p, e);
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
	int r;

	if (!*c->program)
		look_up(c);
	if (!p->spec->exact && container_limits_apply(p->limits, p->limit_set, &e) < 0)
		fail(c, 0, &e);
	if (c->init >= 0) {
		exec_init(c, c->program);
		err_set(&e, errno, "execute init '%s'",
			p->direct ? p->spec->launcher : p->spec->init_path);
		fail(c, 0, &e);
	}
	execve(c->program, p->spec->args.v, p->env.v);
	r = errno;
	err_set(&e, r, "execute '%s'", name);
	fail(c, r, &e);
}

/* Nothing comes when the maker is gone: then no foreign code is run at all. With a
 * word_fd the maker's word only tells that it knows of us; who starts us comes by that
 * socket. */
static void await_word(struct child *c)
{
	char word;

	if (fd_recv(c->sync, &word, 1, NULL) != 1)
		_exit(125);
	if (c->word < 0)
		return;
	close(c->sync);
	c->sync = accept4(c->word, NULL, NULL, SOCK_CLOEXEC);
	if (c->sync < 0)
		_exit(125);
	close(c->word);
}

static void start_exact(struct child *c, const struct container_exact *x)
{
	struct err e = ERR_INIT;

	if (x->moments.starting && x->moments.starting(x->moments.arg, &e) < 0)
		fail(c, 0, &e);
	if (confine_exact(c, &e) < 0)
		fail(c, 0, &e);
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
		.attr = -1,
		.word = s->exact ? s->exact->word_fd : -1,
		.kept = s->exact ? (int)s->exact->preserve_fds : 0,
	};
	struct err e = ERR_INIT;

	if (s->tty)
		c.stdio[0] = c.stdio[1] = c.stdio[2] = -1;
	if (prepare(&c, &e) < 0)
		fail(&c, 0, &e);
	/* Before anybody waits: a program that is not there fails the creation. */
	if (s->exact)
		look_up(&c);
	report(c.sync, CHILD_READY, 0, c.master, NULL);
	fd_auto_close(&c.master);
	await_word(&c);
	if (s->exact)
		start_exact(&c, s->exact);
	run_program(&c);
	_exit(125);
}
