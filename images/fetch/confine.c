/* images/fetch/confine.c - see confine.h. */
#include "images/fetch/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/fd.h"

enum {
	NOBODY = 65534,
	CAPS_MAX = 64,
	FILES_MAX = 64,
	MEMORY_MAX_MIB = 1024 /* of addresses; threads that resolve names take 8 each */
};

/* The rights and scopes of Landlock by ABI; Debian's header knows the first two. */
struct landlock_rules {
	uint64_t fs, net, scoped;
};
enum {
	LANDLOCK_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	LANDLOCK_BIND_TCP = 1 << 0, /* ABI 4 */
	LANDLOCK_SCOPES = 3         /* ABI 6: abstract unix sockets, signals */
};

static int drop_caps(struct err *e)
{
	for (unsigned long cap = 0; cap < CAPS_MAX; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return err_set(e, errno, "drop capability %lu", cap);
	return 0;
}

static int drop_user(struct err *e)
{
	int r;

	if (geteuid() != 0)
		return 0;
	r = drop_caps(e);
	if (r < 0)
		return r;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return err_set(e, errno, "become user %d", NOBODY);
	return 0;
}

static int limit(int what, rlim_t n, const char *name, struct err *e)
{
	struct rlimit rl;

	if (getrlimit((__rlimit_resource_t)what, &rl) < 0)
		return err_set(e, errno, "get limit '%s'", name);
	if (rl.rlim_max > n) /* raising a lower one is not allowed */
		rl.rlim_max = n;
	rl.rlim_cur = rl.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &rl) == 0
		       ? 0
		       : err_set(e, errno, "set limit '%s'", name);
}

static int limits(struct err *e)
{
	int r = limit(RLIMIT_CORE, 0, "core", e);

	if (r == 0)
		r = limit(RLIMIT_FSIZE, 0, "fsize", e);
	if (r == 0)
		r = limit(RLIMIT_NOFILE, FILES_MAX, "nofile", e);
#ifndef __SANITIZE_ADDRESS__
	if (r == 0)
		r = limit(RLIMIT_AS, (rlim_t)MEMORY_MAX_MIB << 20, "as", e);
#endif
	return r;
}

static void allow_reading(int ruleset, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	const struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_READ,
							 .parent_fd = fd };

	if (fd >= 0) /* what is not there needs no rule */
		(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
			      &rule, 0);
}

/* Name resolution and TLS read their configuration, modules and certificates; nothing
 * else of the host is our business. */
static int restrict_files(struct err *e)
{
	static const char *const paths[] = { "/etc",
					     "/usr",
					     "/lib",
					     "/lib64",
					     "/run/systemd/resolve",
					     "/run/resolvconf",
					     "/run/NetworkManager" };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	unsigned rights = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
	const struct landlock_rules rules = { .fs = (UINT64_C(1) << rights) - 1,
					      .net = abi >= 4 ? LANDLOCK_BIND_TCP : 0,
					      .scoped = abi >= 6 ? LANDLOCK_SCOPES : 0 };
	AUTO_CLOSE int ruleset = -1;

	if (abi < 1) /* switched off, or before Linux 5.13 */
		return 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (ruleset < 0)
		return err_set(e, errno, "make a Landlock ruleset");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		allow_reading(ruleset, paths[i]);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_set(e, errno, "enter the Landlock ruleset");
	return 0;
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH
static const unsigned denied[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_unshare,
	SYS_setns,
	SYS_process_vm_readv,
	SYS_mount,
	SYS_process_vm_writev,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_bpf,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_userfaultfd,
	SYS_perf_event_open,
	SYS_io_uring_setup,
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_pidfd_getfd,
	SYS_pidfd_open,
	SYS_listen,
	SYS_init_module,
	SYS_finit_module,
	SYS_kexec_load,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_personality,
};

static int restrict_calls(struct err *e)
{
	enum { HEAD = 5, N = ARRAY_LEN(denied) };
	struct sock_filter code[HEAD + 2 * N + 1];
	struct sock_fprog prog = { ARRAY_LEN(code), code };
	const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
	size_t n = 0;

#define LOAD(field)                                                                      \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	code[n++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)LOAD(nr);
	/* the second, 32-bit table of x86-64 begins here; what is there is not needed */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000,
						 2 * N - 1, 0);
#undef LOAD
	for (size_t i = 0; i < N; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 denied[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return err_set(e, errno, "set the seccomp filter");
	return 0;
}
#else
static int restrict_calls(struct err *e)
{
	(void)e; /* the numbers are the same names everywhere, but not tried there */
	return 0;
}
#endif

int confine(struct err *e)
{
	int r;

	if (syscall(SYS_close_range, 3, ~0u, 0) < 0)
		return err_set(e, errno, "close descriptors");
	r = drop_user(e);
	if (r < 0)
		return r;
	/* a change of user forgets this, so it comes after */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "give up privileges");
	r = limits(e);
	if (r == 0)
		r = restrict_files(e);
	return r == 0 ? restrict_calls(e) : r;
}
