/* images/parse/confine.c - see confine.h. */
#include "images/parse/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "images/parse/wire.h"

enum { NOBODY = 65534 };

/* A zstd window is at most 128 MiB; a header's names and xattrs are far below that. */
#define MEMORY_MAX (512ULL << 20)
/* Of computing, not of waiting: no layer takes that long, a parser gone astray does. */
enum { CPU_SECONDS_MAX = 3600 };

static int set_limits(struct err *e)
{
	static const struct {
		int what;
		rlim_t max;
	} limits[] = {
		{ RLIMIT_AS, MEMORY_MAX },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_NOFILE, 0 },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_CPU, CPU_SECONDS_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct rlimit l;

#ifdef __SANITIZE_ADDRESS__
		if (limits[i].what == RLIMIT_AS) /* its shadow memory is terabytes */
			continue;
#endif
		if (getrlimit(limits[i].what, &l) < 0)
			return err_set(e, errno, "get a limit");
		if (l.rlim_max > limits[i].max) /* raising a lower one is not allowed */
			l.rlim_max = limits[i].max;
		l.rlim_cur = l.rlim_max;
		if (setrlimit(limits[i].what, &l) < 0)
			return err_set(e, errno, "set a limit");
	}
	return 0;
}

/* Not every kernel has it; what it denies is denied by the rest as well. */
static int deny_paths(struct err *e)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
	};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		return 0;
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_set(e, errno, "restrict itself by Landlock");
	close(fd);
	return 0;
}

static int leave_host(struct err *e)
{
	const gid_t none = NOBODY;

	if (fchdir(WIRE_FD_EMPTY) < 0 || chroot(".") < 0)
		return err_set(e, errno, "enter the empty directory");
	if (syscall(SYS_close_range, WIRE_FD_SIDE + 1, ~0U, 0) < 0)
		return err_set(e, errno, "close what was inherited");
	if (setgroups(1, &none) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return err_set(e, errno, "become nobody");
	/* after the change of user, which clears both */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "give up privileges");
	return 0;
}

/* Looking for a file is refused, not deadly: libc looks for character sets. */
static int filter_calls(struct err *e)
{
	static const int allowed[] = {
		SCMP_SYS(read),         SCMP_SYS(write),
		SCMP_SYS(pread64),      SCMP_SYS(brk),
		SCMP_SYS(munmap),       SCMP_SYS(mremap),
		SCMP_SYS(madvise),      SCMP_SYS(futex),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime),
		SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall),
		SCMP_SYS(exit),         SCMP_SYS(exit_group),
		SCMP_SYS(close),        SCMP_SYS(sysinfo),
		SCMP_SYS(getrandom),
	};
	static const int refused[] = {
		SCMP_SYS(open),   SCMP_SYS(openat),     SCMP_SYS(stat),  SCMP_SYS(fstat),
		SCMP_SYS(access), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(allowed); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (r == 0) /* memory, but no new code */
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(refused); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), refused[i], 0);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_set(e, -r, "filter system calls") : 0;
}

int confine(struct err *e)
{
	int r = deny_paths(e);

	if (r == 0)
		r = leave_host(e);
	if (r == 0)
		r = set_limits(e);
	return r < 0 ? r : filter_calls(e);
}
