/* container/spawn.c - see spawn.h. Knows clone3 and the two instruction sets. */
#include "runtime/container/spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10 };

struct call {
	int (*fn)(void *arg, struct err *e);
	void *arg;
	struct err *e;
	int result;
};

static int run(void *p)
{
	struct call *c = p;

	c->result = c->fn(c->arg, c->e);
	return 0;
}

/*
 * The C library has no clone3 wrapper, and a plain system call would let the child return
 * on the caller's stack. So: the call, and in the child straight into @fn on the new
 * stack.
 */
#if defined(__x86_64__)
static long clone3_run(struct clone_args *a, int (*fn)(void *), void *arg)
{
	register int (*fn_)(void *) __asm__("r8") = fn;
	register void *arg_ __asm__("r9") = arg;
	long ret;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %%r9, %%rdi\n\t"
			 "call *%%r8\n\t"
			 "movl %%eax, %%edi\n\t"
			 "movl %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(ret)
			 : "0"((long)SYS_clone3), "D"(a), "S"(sizeof(*a)), "r"(fn_),
			   "r"(arg_), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}
#elif defined(__aarch64__)
static long clone3_run(struct clone_args *a, int (*fn)(void *), void *arg)
{
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)a;
	register long x1 __asm__("x1") = sizeof(*a);
	register int (*x9)(void *) __asm__("x9") = fn;
	register void *x10 __asm__("x10") = arg;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x10\n\t"
			 "blr x9\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x9), "r"(x10), [exit] "i"(SYS_exit)
			 : "x30", "memory", "cc");
	return x0;
}
#else
#error "container/spawn.c: write clone3_run() for this machine"
#endif

int container_spawn(int (*fn)(void *arg, struct err *e), void *arg, int cgroup_fd,
		    const char *what, struct err *e)
{
	/* On our own stack: it lives exactly as long as the child may use it. */
	char stack[STACK_BYTES] __attribute__((aligned(16)));
	struct call c = { .fn = fn, .arg = arg, .e = e };
	struct clone_args a = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES,
		.exit_signal = SIGCHLD,
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	sigset_t all, old;
	long pid;
	int st;

	if (cgroup_fd >= 0) {
		a.flags |= CLONE_INTO_CGROUP;
		a.cgroup = (uint64_t)cgroup_fd;
	}
	/* No handler of the caller may run in the child, which would run it on our
	 * memory. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid = clone3_run(&a, run, &c);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0 && cgroup_fd >= 0)
		return -EOPNOTSUPP;
	if (pid < 0)
		return err_set(e, (int)-pid, "clone '%s'", what);
	while (waitpid((pid_t)pid, &st, __WALL) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for '%s'", what);
	if (WIFSIGNALED(st))
		return err_msg(e, EIO, "'%s' was killed by signal %d", what,
			       WTERMSIG(st));
	return c.result;
}
