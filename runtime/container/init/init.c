/*
 * container/init/init.c - minibox-init, PID 1 of a container.
 *
 * Starts the main process, passes signals on to it, reaps orphans, writes the main
 * process's wait status for whoever watches, ends as it ended. No C library and no
 * allocation: one dirtied page of stack is what a container pays for it.
 *
 * argv: "minibox-init" FLAGS PROGRAM ARG0 ARGS...
 *   FLAGS   "s": fd 4 takes the wait status as decimal text; "t": fd 0 is the terminal;
 *           "x": no PID 1 is wanted, PROGRAM takes our place
 * fd 3 takes one int, the errno of a failed execve; its closing means the execve was
 * done.
 */
#include <asm/unistd.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/signal.h>

#include "runtime/container/init/syscall.h"

enum { FD_SYNC = 3, FD_STATUS = 4 };
enum { SET_BYTES = 8, F_SETFD_ = 2, FD_CLOEXEC_ = 1, TIOCSCTTY_ = 0x540e };
enum { WNOHANG_ = 1, ENOENT_ = 2 };

typedef unsigned long sigset;
#define SIGBIT(s) (1UL << ((s)-1))

/* What the kernel raises for a fault of our own, and what must not reach a terminal's
 * reader. */
#define NOT_FORWARDED                                                                    \
	(SIGBIT(SIGCHLD) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU) | SIGBIT(SIGSEGV) |         \
	 SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGFPE) | SIGBIT(SIGTRAP))

void init_main(long *stack) __attribute__((noreturn, used));

static _Bool has(const char *flags, char c)
{
	for (; *flags; flags++)
		if (*flags == c)
			return 1;
	return 0;
}

static void quit(int code) __attribute__((noreturn));
static void quit(int code)
{
	for (;;)
		sys(__NR_exit_group, code, 0, 0, 0);
}

static void set_mask(sigset set)
{
	sys(__NR_rt_sigprocmask, SIG_SETMASK, (long)&set, 0, SET_BYTES);
}

/* In the new process: a session of its own, so that a shell gets job control. */
static void run_main(const char *flags, char **argv, char **envp)
	__attribute__((noreturn));
static void run_main(const char *flags, char **argv, char **envp)
{
	int err;

	sys(__NR_setsid, 0, 0, 0, 0);
	if (has(flags, 't'))
		sys(__NR_ioctl, 0, TIOCSCTTY_, 0, 0);
	set_mask(0);
	err = (int)-sys(__NR_execve, (long)argv[0], (long)(argv + 1), (long)envp, 0);
	sys(__NR_write, FD_SYNC, (long)&err, sizeof(err), 0);
	quit(err == ENOENT_ ? 127 : 126);
}

static void write_status(unsigned status)
{
	char text[12], *p = text + sizeof(text);

	*--p = '\n';
	do
		*--p = (char)('0' + status % 10);
	while (status /= 10);
	sys(__NR_pwrite64, FD_STATUS, (long)p, text + sizeof(text) - p, 0);
}

/* Reaps everything that ended. Does not return once the main process is among it. */
static void reap(long main_pid, const char *flags)
{
	int status;
	long pid;

	while ((pid = sys(__NR_wait4, -1, (long)&status, WNOHANG_, 0)) > 0) {
		if (pid != main_pid)
			continue;
		if (has(flags, 's'))
			write_status((unsigned)status);
		quit(status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff);
	}
}

/* Blocked signals are queued even for PID 1, which the kernel spares from unhandled ones.
 */
void init_main(long *stack)
{
	long argc = stack[0], pid;
	char **argv = (char **)(stack + 1), **envp = argv + argc + 1;
	sigset all = ~0UL;

	if (argc < 4)
		quit(125);
	sys(__NR_prctl, PR_SET_NAME, (long)"minibox-init", 0, 0);
	sys(__NR_fcntl, FD_SYNC, F_SETFD_, FD_CLOEXEC_, 0);
	sys(__NR_fcntl, FD_STATUS, F_SETFD_, FD_CLOEXEC_, 0);
	if (has(argv[1], 'x'))
		run_main(argv[1], argv + 2, envp);
	set_mask(all);
	pid = sys5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		run_main(argv[1], argv + 2, envp);
	if (pid < 0) {
		int err = (int)-pid;

		sys(__NR_write, FD_SYNC, (long)&err, sizeof(err), 0);
		quit(126);
	}
	sys(__NR_close, FD_SYNC, 0, 0, 0);
	for (;;) {
		long s = sys(__NR_rt_sigtimedwait, (long)&all, 0, 0, SET_BYTES);

		if (s == SIGCHLD)
			reap(pid, argv[1]);
		else if (s > 0 && !(NOT_FORWARDED & SIGBIT(s)))
			sys(__NR_kill, pid, s, 0, 0);
	}
}
