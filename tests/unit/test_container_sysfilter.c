/* tests/unit/test_container_sysfilter.c - what the filter answers, asked from inside it.
 */
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "runtime/container/sysfilter.h"
#include "runtime/container/sysfilter_words.h"
#include "tests/lib/test.h"

#define BIT(cap) (UINT64_C(1) << (cap))

/* Under the filter for @caps (NULL: our own): the errno of one call, 0 where it went
 * through. */
static int ask_profile(const char *profile, uint64_t caps, long nr, long a, long b,
		       long c)
{
	struct sock_fprog p;
	struct err e = ERR_INIT;
	pid_t pid;
	int st;

	CHECK_OK(container_sysfilter_load_profile(profile, caps, -1, &p, &e), &e);
	pid = fork();
	if (pid == 0) {
		long r;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0)
			_exit(255);
		r = syscall(nr, a, b, c, 0, 0, 0);
		_exit(r < 0 ? errno : 0);
	}
	CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st));
	CHECK(WEXITSTATUS(st) != 255);
	free(p.filter);
	return WEXITSTATUS(st);
}

static int ask(uint64_t caps, long nr, long a, long b, long c)
{
	return ask_profile(NULL, caps, nr, a, b, c);
}

static const char profile[] =
	"{ \"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 95,"
	"  \"archMap\": [ { \"architecture\": \"SCMP_ARCH_X86_64\","
	"    \"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"] } ],"
	"  \"syscalls\": ["
	"  { \"names\": [\"exit_group\", \"exit\", \"getpid\", \"no_such_call\"],"
	"    \"action\": \"SCMP_ACT_ALLOW\" },"
	"  { \"names\": [\"getuid\"], \"action\": \"SCMP_ACT_ALLOW\","
	"    \"includes\": { \"caps\": [\"CAP_SYS_ADMIN\"] } },"
	"  { \"names\": [\"getgid\"], \"action\": \"SCMP_ACT_ALLOW\","
	"    \"excludes\": { \"caps\": [\"CAP_SYS_ADMIN\"] } },"
	"  { \"names\": [\"geteuid\"], \"action\": \"SCMP_ACT_ALLOW\","
	"    \"includes\": { \"minKernel\": \"4.8\" } },"
	"  { \"names\": [\"getegid\"], \"action\": \"SCMP_ACT_ALLOW\","
	"    \"includes\": { \"minKernel\": \"99.1\" } },"
	"  { \"names\": [\"getppid\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 11 "
	"},"
	"  { \"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\","
	"    \"args\": [ { \"index\": 0, \"value\": 0, \"op\": \"SCMP_CMP_EQ\" },"
	"                { \"index\": 0, \"value\": 8, \"op\": \"SCMP_CMP_EQ\" } ] },"
	"  { \"names\": [\"gettid\"], \"action\": \"SCMP_ACT_ALLOW\","
	"    \"includes\": { \"arches\": [\"z80\"] } } ] }";

TEST(sysfilter_takes_a_profile_of_docker_s)
{
	CHECK_INT(ask_profile(profile, 0, SYS_getpid, 0, 0, 0), 0);
	CHECK_INT(ask_profile(profile, 0, SYS_getsid, 0, 0, 0), 95);
	CHECK_INT(ask_profile(profile, 0, SYS_getppid, 0, 0, 0), 11);
	CHECK_INT(ask_profile(profile, 0, SYS_gettid, 0, 0, 0), 95);
	CHECK_INT(ask_profile(profile, 0, SYS_geteuid, 0, 0, 0), 0);
	CHECK_INT(ask_profile(profile, 0, SYS_getegid, 0, 0, 0), 95);
}

TEST(sysfilter_profile_looks_at_capabilities_and_arguments)
{
	CHECK_INT(ask_profile(profile, 0, SYS_getuid, 0, 0, 0), 95);
	CHECK_INT(ask_profile(profile, BIT(CAP_SYS_ADMIN), SYS_getuid, 0, 0, 0), 0);
	CHECK_INT(ask_profile(profile, 0, SYS_getgid, 0, 0, 0), 0);
	CHECK_INT(ask_profile(profile, BIT(CAP_SYS_ADMIN), SYS_getgid, 0, 0, 0), 95);
	CHECK_INT(ask_profile(profile, 0, SYS_personality, 0, 0, 0), 0);
	CHECK_INT(ask_profile(profile, 0, SYS_personality, 8, 0, 0), 0);
	CHECK_INT(ask_profile(profile, 0, SYS_personality, 4, 0, 0), 95);
}

TEST(sysfilter_profile_is_cached_by_its_text)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_STRV struct strv names = STRV_INIT;
	struct sock_fprog p;
	struct err e = ERR_INIT;

	for (int i = 0; i < 2; i++) {
		CHECK_OK(container_sysfilter_load_profile(profile, 0, dir, &p, &e), &e);
		free(p.filter);
	}
	CHECK_OK(container_sysfilter_load_profile(profile, 1, dir, &p, &e), &e);
	free(p.filter);
	CHECK_OK(fd_list(dir, ".", &names, &e), &e);
	CHECK_INT(names.n, 2);
	CHECK(str_starts(names.v[0], "profile-"));
}

TEST(sysfilter_profile_names_what_is_wrong)
{
	static const char *const t[][2] = {
		{ "[]", "not an object" },
		{ "{}", "unknown action ''" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}",
		  "no array at 'syscalls'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[7],"
		  "\"action\":\"SCMP_ACT_ERRNO\"}]}",
		  "wrong type in 'names'" },
		{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "'SCMP_ACT_NOTIFY'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[]}", "'flags'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"Z80\"]}",
		  "architecture 'Z80'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":"
		  "\"SCMP_ARCH_Z80\"}]}",
		  "architecture 'SCMP_ARCH_Z80'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":5000}",
		  "'defaultErrnoRet'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":"
		  "\"SCMP_ACT_ERRNO\"}]}",
		  "'names'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		  "\"read\"],"
		  "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,\"op\":"
		  "\"SCMP_CMP_EQ\"}]}]}",
		  "'SCMP_CMP_EQ'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		  "\"read\"],"
		  "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"maxKernel\":\"5\"}}]}",
		  "'maxKernel'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = ERR_INIT;
		void *ctx;

		CHECK_INT(sysfilter_profile(t[i][0], 0, &ctx, &e), -EINVAL);
		if (!strstr(err_text(&e), t[i][1]))
			test_fail(__FILE__, __LINE__, "%s is told %s", t[i][0],
				  err_text(&e));
	}
}

TEST(sysfilter_answers_enosys_to_unknown_calls)
{
	CHECK_INT(ask(0, 9999, 0, 0, 0), ENOSYS);
	CHECK_INT(ask(0, 0x40000000 + SYS_getpid, 0, 0, 0), ENOSYS); /* x32 */
	CHECK_INT(ask(0, SYS_clone3, 0, 0, 0), ENOSYS);
}

TEST(sysfilter_answers_eperm_to_refused_calls)
{
	static const long refused[] = {
		SYS_keyctl,       SYS_add_key,     SYS_request_key,       SYS_kexec_load,
		SYS_pivot_root,   SYS_mount,       SYS_umount2,           SYS_setns,
		SYS_unshare,      SYS_bpf,         SYS_open_by_handle_at, SYS_init_module,
		SYS_reboot,       SYS_userfaultfd, SYS_io_uring_setup,    SYS_fsopen,
		SYS_move_mount,   SYS_acct,        SYS_perf_event_open,   SYS_swapon,
		SYS_settimeofday,
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		CHECK_INT(ask(0, refused[i], -1, 0, 0), EPERM);
}

TEST(sysfilter_lets_ordinary_calls_through)
{
	CHECK_INT(ask(0, SYS_getpid, 0, 0, 0), 0);
	CHECK_INT(ask(0, SYS_ptrace, PTRACE_TRACEME, 0, 0), 0);
	CHECK_INT(ask(0, SYS_openat2, -1, 0, 0), EINVAL);
	CHECK_INT(ask(0, SYS_chroot, (long)"/", 0, 0), EPERM);
	CHECK_INT(ask(BIT(CAP_SYS_CHROOT), SYS_chroot, (long)"/", 0, 0), 0);
}

TEST(sysfilter_opens_gates_by_capability)
{
	CHECK_INT(ask(BIT(CAP_SYS_ADMIN), SYS_unshare, 0, 0, 0), 0);
	CHECK(ask(BIT(CAP_SYS_ADMIN), SYS_mount, 0, 0, 0) != EPERM);
	CHECK_INT(ask(BIT(CAP_BPF), SYS_bpf, -1, 0, 0), EINVAL);
	CHECK_INT(ask(BIT(CAP_SYS_ADMIN), SYS_bpf, -1, 0, 0), EINVAL);
	CHECK_INT(ask(BIT(CAP_SYS_ADMIN), SYS_clone3, 0, 0, 0), EINVAL);
}

TEST(sysfilter_looks_at_the_flags_of_clone)
{
	static const long flags[] = {
		CLONE_NEWUSER,          CLONE_NEWNS,
		CLONE_NEWNET | SIGCHLD, CLONE_NEWPID | CLONE_NEWIPC,
		CLONE_NEWUTS,           CLONE_NEWCGROUP | CLONE_NEWNS
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		CHECK_INT(ask(0, SYS_clone, flags[i], 0, 0), EPERM);
	CHECK_INT(ask(0, SYS_clone, SIGCHLD, 0, 0), 0);
}

TEST(sysfilter_refuses_two_socket_families_and_odd_personalities)
{
	CHECK_INT(ask(0, SYS_socket, AF_VSOCK, SOCK_STREAM, 0), EPERM);
	CHECK_INT(ask(0, SYS_socket, AF_ALG, SOCK_SEQPACKET, 0), EPERM);
	CHECK_INT(ask(0, SYS_socket, AF_UNIX, SOCK_STREAM, 0), 0);
	CHECK_INT(ask(0, SYS_socket, AF_INET6, SOCK_DGRAM, 0), 0);
	CHECK_INT(ask(0, SYS_socket, AF_NETLINK, SOCK_RAW, 0), 0);
	CHECK_INT(ask(0, SYS_personality, 0xffffffff, 0, 0), 0);
	CHECK_INT(ask(0, SYS_personality, ADDR_NO_RANDOMIZE, 0, 0), ENOSYS);
}

TEST(sysfilter_takes_a_compiled_filter_from_the_cache)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_STRV struct strv names = STRV_INIT;
	struct sock_fprog first, second, other;
	struct err e = ERR_INIT;

	CHECK_OK(container_sysfilter_load(0, dir, &first, &e), &e);
	CHECK_OK(container_sysfilter_load(0, dir, &second, &e), &e);
	CHECK(first.len == second.len);
	CHECK(memcmp(first.filter, second.filter, first.len * sizeof(*first.filter)) ==
	      0);
	CHECK_OK(fd_list(dir, ".", &names, &e), &e);
	CHECK_INT(names.n, 1);
	/* other gates are another filter; capabilities that open no gate are not */
	CHECK_OK(container_sysfilter_load(BIT(CAP_SYS_ADMIN), dir, &other, &e), &e);
	free(other.filter);
	CHECK_OK(container_sysfilter_load(BIT(CAP_CHOWN), dir, &other, &e), &e);
	free(other.filter);
	strv_free(&names);
	CHECK_OK(fd_list(dir, ".", &names, &e), &e);
	CHECK_INT(names.n, 2);
	free(first.filter);
	free(second.filter);
}

TEST(sysfilter_compiles_anew_when_the_cached_file_is_damaged)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_STRV struct strv names = STRV_INIT;
	struct sock_fprog p;
	struct err e = ERR_INIT;

	CHECK_OK(container_sysfilter_load(0, dir, &p, &e), &e);
	free(p.filter);
	CHECK_OK(fd_list(dir, ".", &names, &e), &e);
	CHECK_OK(fd_write_file(dir, names.v[0], "short", 5, 0600, &e), &e);
	CHECK_OK(container_sysfilter_load(0, dir, &p, &e), &e);
	CHECK(p.len > 20);
	free(p.filter);
}

TEST(sysfilter_knows_each_of_its_words)
{
	AUTO_STRV struct strv acts = STRV_INIT, ops = STRV_INIT, archs = STRV_INIT;
	enum scmp_compare op;
	uint32_t n = 0;
	bool numbered;

	sysfilter_words(&acts, &ops, &archs);
	CHECK(acts.n == 8 && ops.n == 7 && archs.n == 19);
	strv_foreach (i, &acts)
		CHECK(sysfilter_action(acts.v[i], 5, &n, &numbered) &&
		      numbered == ((n & 5) == 5));
	strv_foreach (i, &ops)
		CHECK(sysfilter_operator(ops.v[i], &op));
	strv_foreach (i, &archs)
		CHECK(sysfilter_arch(archs.v[i], &n));
	CHECK(sysfilter_action("SCMP_ACT_ERRNO", 7, &n, NULL) && n == SCMP_ACT_ERRNO(7));
	CHECK(sysfilter_arch("SCMP_ARCH_AARCH64", &n) && n == SCMP_ARCH_AARCH64);
	CHECK(!sysfilter_action("SCMP_ACT_NOTIFY", 0, &n, NULL));
	CHECK(!sysfilter_operator("SCMP_CMP_", &op) && !sysfilter_arch("X86", &n));
}
