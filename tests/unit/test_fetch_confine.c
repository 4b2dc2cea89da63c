/* What is refused to minibox-fetch; each test gives its rights up for good, in a process
 * of its own. */
#include "images/fetch/confine.h"

#include <linux/landlock.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/lib/test.h"

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION);
}

static void give_up(void)
{
	struct err e = ERR_INIT;

	if (geteuid() != 0)
		SKIP("root");
	CHECK_OK(confine(&e), &e);
}

TEST(it_is_nobody_without_a_way_back)
{
	give_up();
	CHECK(getuid() == 65534 && geteuid() == 65534 && getegid() == 65534);
	CHECK_INT(getgroups(0, NULL), 0);
	CHECK(setuid(0) < 0 && setgid(0) < 0);
	CHECK_INT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_INT(prctl(PR_CAPBSET_READ, 21 /* CAP_SYS_ADMIN */, 0, 0, 0), 0);
}

TEST(it_keeps_the_three_descriptors_only)
{
	int fd = open("/dev/null", O_RDONLY);

	CHECK(fd > 2);
	give_up();
	CHECK(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	CHECK(fcntl(1, F_GETFD) >= 0);
}

TEST(it_reads_what_name_resolution_needs_and_no_more)
{
	int dir = scratch_dir();
	struct err e = ERR_INIT;
	char path[64], name[128];
	ssize_t n;

	CHECK_OK(fd_write_file(dir, "secret", "x", 1, 0644, &e), &e);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	n = readlink(path, name, sizeof(name) - 8);
	CHECK(n > 0);
	strcpy(name + n, "/secret");
	CHECK(fchmod(dir, 0755) == 0 && chmod(test_scratch_path, 0755) == 0);
	give_up();
	CHECK(open("/etc/hosts", O_RDONLY) >= 0);
	if (landlock_abi() >= 1) {
		CHECK(open(name, O_RDONLY) < 0 && errno == EACCES);
		CHECK(open("/proc/self/status", O_RDONLY) < 0 && errno == EACCES);
	}
	CHECK(open("/etc/shadow", O_RDONLY) < 0);
	CHECK(open("/tmp/minibox-fetch-was-here", O_CREAT | O_WRONLY, 0600) < 0);
	CHECK(mkdir("/tmp/minibox-fetch-was-here", 0700) < 0);
}

TEST(it_runs_and_traces_nothing)
{
	char *const argv[] = { (char[]){ "true" }, NULL }, *const none[] = { NULL };

	give_up();
	CHECK(execve("/bin/true", argv, none) < 0 && errno == EPERM);
	CHECK(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 && errno == EPERM);
	CHECK(kill(getppid(), 0) < 0 && errno == EPERM);
}

TEST(it_makes_no_namespace_and_no_mount)
{
	give_up();
	CHECK(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	CHECK(unshare(CLONE_NEWNS) < 0 && errno == EPERM);
	CHECK(mount("x", "/tmp", "tmpfs", 0, NULL) < 0 && errno == EPERM);
	CHECK(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM);
	CHECK(syscall(SYS_keyctl, 0, 0, 0) < 0 && errno == EPERM);
}

TEST(it_may_connect_but_not_serve)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd;

	give_up();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	CHECK(listen(fd, 1) < 0 && errno == EPERM);
	if (landlock_abi() >= 4)
		CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EACCES);
}

#ifdef __x86_64__
/* The 32-bit numbers would be other calls' names. */
TEST(it_has_no_second_table_of_calls)
{
	give_up();
	CHECK(syscall(0x40000000 + SYS_getpid) < 0 && errno == EPERM);
}
#endif
