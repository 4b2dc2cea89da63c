/* tests/unit/test_container_container.c - create, start, wait: what a process is given.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "runtime/container/child.h"
#include "tests/lib/container_fixture.h"

TEST(container_runs_a_program_and_gives_its_exit_code)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;

	fix_script(f, "echo hello; exit 42");
	CHECK_INT(fix_run(f, &e), 42);
	CHECK_STR(f->out, "hello\n");
}

TEST(container_root_is_nobody_on_the_host)
{
	struct fixture *f = fix_new();
	struct container *c = NULL;
	struct err e = ERR_INIT;
	char path[64], text[4096], *line;
	int fd, p[2];

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	f->spec.stdio[1] = p[1];
	fix_script(f, "id -u; touch /data/made; exec sleep 60");
	CHECK_OK(container_create(&f->spec, &c, &e), &e);
	CHECK_OK(container_start(c, &e), &e);
	CHECK(read(p[0], text, 2) == 2 && memcmp(text, "0\n", 2) == 0);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)container_pid(c));
	fd = open(path, O_RDONLY);
	fix_read_all(fd, text, sizeof(text));
	close(fd);
	line = strstr(text, "\nUid:");
	CHECK(line && strtoul(line + 5, NULL, 10) == FIX_HOST_BASE);
	container_abort(c);
}

TEST(container_env_cwd_and_umask_have_defaults)
{
	struct fixture *f = fix_new();

	f->spec.user = str_dup("app");
	f->spec.cwd = str_dup("/srv/made/here");
	strv_add(&f->spec.env, "EXTRA=1");
	fix_check(f, "[ $HOME = /home/app ] && [ $HOSTNAME = box ] && [ $EXTRA = 1 ] &&"
		     "[ $(hostname) = box ] && [ $(pwd) = /srv/made/here ] &&"
		     "[ $(umask) = 0022 ] && touch here && [ -z \"$TERM\" ] &&"
		     "[ $PATH = "
		     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ]");
}

TEST(container_user_has_its_groups_and_no_capabilities)
{
	struct fixture *f = fix_new();

	f->spec.user = str_dup("app");
	fix_check(f, "[ \"$(id -G)\" = '1001 2000' ] && [ $(id -u) = 1000 ] &&"
		     "grep -q 'CapEff:.0000000000000000' /proc/self/status &&"
		     "grep -q 'CapPrm:.0000000000000000' /proc/self/status &&"
		     "grep -q 'CapInh:.0000000000000000' /proc/self/status &&"
		     "grep -q 'CapAmb:.0000000000000000' /proc/self/status");
}

TEST(container_root_has_the_default_capabilities_only)
{
	struct fixture *f = fix_new();

	/* Docker's 14 without MKNOD and AUDIT_WRITE: 00000000a80425fb - 08000000 -
	 * 20000000 */
	fix_check(f,
		  "for s in CapPrm CapEff CapBnd; do"
		  " grep -q \"$s:.00000000800425fb\" /proc/self/status || exit 1; done;"
		  "grep -q 'NoNewPrivs:.1' /proc/self/status &&"
		  "grep -q 'Seccomp:.2' /proc/self/status");
}

TEST(container_capabilities_are_added_and_dropped)
{
	struct fixture *f = fix_new();

	strv_add(&f->spec.cap_drop, "ALL");
	strv_add(&f->spec.cap_add, "net_bind_service");
	fix_check(f, "grep -q 'CapEff:.0000000000000400' /proc/self/status");
	strv_free(&f->spec.cap_add);
	fix_check(f, "grep -q 'CapEff:.0000000000000000' /proc/self/status");
	strv_free(&f->spec.cap_drop);
	strv_add(&f->spec.cap_add, "ALL");
	strv_add(&f->spec.cap_drop, "CAP_SYS_ADMIN");
	fix_check(f, "grep -q 'CapEff:.000001ffffdfffff' /proc/self/status");
}

/* A program of a user who is not root has what was asked for by name, and passes it on;
 * with no_new_privs, where no file could give it, and without. */
TEST(container_lends_added_capabilities_to_a_user)
{
	struct fixture *f = fix_new();

	f->spec.user = str_dup("app");
	strv_add(&f->spec.cap_add, "NET_ADMIN");
	for (int i = 0; i < 4; i++) {
		AUTO_FREE char *init = fix_init_path();

		f->spec.no_new_privs = i % 2;
		f->spec.init_path = i / 2 ? init : NULL;
		fix_check(f, "for s in Inh Prm Eff Amb; do"
			     " grep -q \"Cap$s:.0000000000001000\" /proc/self/status ||"
			     " exit 1; done; [ $(id -u) = 1000 ] &&"
			     "ip link set lo mtu 1400 && [ ! -w /etc/passwd ]");
		f->spec.init_path = NULL;
	}
	f->spec.privileged = true;
	strv_free(&f->spec.cap_add);
	fix_check(f, "grep -q 'CapEff:.0000000000000000' /proc/self/status");
}

TEST(container_names_an_unknown_capability)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;

	fix_script(f, "true");
	strv_add(&f->spec.cap_add, "FLY");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e), "create container: capability 'FLY' is unknown");
}

TEST(container_nonroot_binds_port_80)
{
	struct fixture *f = fix_new();

	f->spec.user = str_dup("app");
	fix_check(
		f,
		"httpd -p 80 -h /tmp && grep -q ':0050 ' /proc/net/tcp* &&"
		"[ \"$(cat /proc/sys/net/ipv4/ping_group_range)\" = '0	65535' ]");
}

TEST(container_entry_points_may_change_user)
{
	struct fixture *f = fix_new();

	/* as gosu and setpriv do: root's own setgroups, setgid, setuid, then exec */
	fix_check(f, "chown 1000:1001 /data && [ $(stat -c %u /data) = 1000 ] &&"
		     "cp /bin/busybox /bin/id && [ $(setpriv --nnp id -u) = 0 ] &&"
		     "[ $(start-stop-daemon -S -c app:app -x /bin/id -- -u) = 1000 ]");
}

/* The host's own file system is a root as any other; its setpriv is util-linux's. */
TEST(container_setpriv_of_the_host_works_on_a_read_only_root)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;
	AUTO_CLOSE int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	f->spec.rootfs_fd = host;
	f->spec.read_only = true;
	fix_args(f, "setpriv", "--reuid=1000", "--regid=1001", "--clear-groups",
		 "/usr/bin/id", "-u", NULL);
	CHECK_INT(fix_run(f, &e), 0);
	CHECK_STR(f->out, "1000\n");
	fix_args(f, "/bin/sh", "-c", "! touch /new 2>/dev/null && touch /dev/shm/x",
		 NULL);
	CHECK_INT(fix_run(f, &e), 0);
}

TEST(container_signals_are_as_after_boot)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;
	sigset_t all;

	/* what the caller ignores or blocks must not reach the container */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	f->spec.init_path = fix_init_path();
	/* not by a shell, which has dispositions of its own */
	fix_args(f, "/bin/busybox", "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status",
		 NULL);
	CHECK_INT(fix_run(f, &e), 0);
	CHECK_STR(f->out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(container_has_no_fd_of_ours)
{
	struct fixture *f = fix_new();
	int leak = open("/etc/passwd", O_RDONLY); /* not close-on-exec */

	CHECK(leak >= 0);
	/* 3 is the directory that ls reads; with init it is the same for the main process
	 */
	fix_check(f, "[ \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 ' ]");
	f->spec.init_path = fix_init_path();
	fix_check(f, "[ \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 ' ] &&"
		     "[ \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 ' ]");
}

TEST(container_create_leaks_no_fd_into_the_caller)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;
	int before;

	fix_script(f, "true");
	CHECK_INT(fix_run(f, &e), 0);
	before = fix_count_fds();
	for (int i = 0; i < 3; i++)
		CHECK_INT(fix_run(f, &e), 0);
	fix_args(f, "/nowhere", NULL);
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_INT(fix_count_fds(), before);
}

TEST(container_start_tells_127_from_126)
{
	struct fixture *f = fix_new();
	static const char *const inits[] = { NULL, "init", "launcher" };

	for (size_t i = 0; i < ARRAY_LEN(inits); i++) {
		static const struct {
			const char *program;
			int err;
		} rows[] = {
			{ "nosuch", ENOENT },         { "/bin/nosuch", ENOENT },
			{ "/etc/passwd", EACCES },    { "/etc", EACCES },
			{ "/etc/noformat", ENOEXEC },
		};

		if (i == 2) {
			f->spec.launcher = TAKE(f->spec.init_path);
			f->spec.userns_fd = f->spec.netns_fd = -1;
			f->spec.rootfs_fd = f->tree;
		} else if (inits[i])
			f->spec.init_path = fix_init_path();
		else
			fix_write(f->tree, "etc/noformat", "not a program", 0755);
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			struct container *c = NULL;
			struct err e = ERR_INIT;
			AUTO_FREE char *want =
				str_fmt("execute '%s': %s", rows[k].program,
					strerror(rows[k].err));

			fix_args(f, rows[k].program, NULL);
			CHECK_OK(container_create(&f->spec, &c, &e), &e);
			CHECK_INT(container_start(c, &e), -rows[k].err);
			CHECK_INT(container_exec_errno(c), rows[k].err);
			CHECK_STR(err_text(&e), want);
			container_free(c);
		}
	}
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

TEST(container_failure_in_the_child_is_told_in_one_line)
{
	struct fixture *f = fix_new();
	struct container_mount *m;
	struct err e = ERR_INIT;

	fix_script(f, "true");
	m = container_spec_add_mount(&f->spec);
	m->type = CONTAINER_MOUNT_TMPFS;
	m->target = str_dup("/etc/passwd/x");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e),
		  "create container: mount '/etc/passwd/x': open '/etc/passwd/x' "
		  "in the container: Not a directory");
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

TEST(container_create_runs_no_foreign_code)
{
	struct fixture *f = fix_new();
	struct container *c = NULL;
	struct err e = ERR_INIT;
	char path[64], exe[4096] = "", self[4096] = "";

	fix_script(f, "echo started > /data/started");
	CHECK_OK(container_create(&f->spec, &c, &e), &e);
	usleep(50000);
	CHECK(faccessat(f->tree, "data/started", F_OK, 0) < 0);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)container_pid(c));
	CHECK(readlink(path, exe, sizeof(exe) - 1) > 0);
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	CHECK_STR(exe, self);
	container_abort(c);
	CHECK(faccessat(f->tree, "data/started", F_OK, 0) < 0);
}

TEST(container_ends_with_its_maker_before_the_start)
{
	struct fixture *f = fix_new();
	int p[2], pidfd;
	pid_t maker, pid = 0;

	CHECK(pipe(p) == 0);
	fix_script(f, "true");
	maker = fork();
	if (maker == 0) {
		struct container *c = NULL;
		struct err e = ERR_INIT;

		if (container_create(&f->spec, &c, &e) == 0)
			pid = container_pid(c);
		if (write(p[1], &pid, sizeof(pid)) < 0)
			_exit(1);
		pause();
	}
	CHECK(read(p[0], &pid, sizeof(pid)) == sizeof(pid) && pid > 0);
	pidfd = proc_pidfd(pid);
	CHECK(pidfd >= 0);
	kill(maker, SIGKILL);
	waitpid(maker, NULL, 0);
	CHECK_INT(proc_wait_exit(pidfd, 5000), 1);
}

TEST(container_rlimits_are_set_and_a_refused_one_is_named)
{
	struct fixture *f = fix_new();
	struct container_rlimit l = { RLIMIT_NOFILE, 100, 200 };
	struct err e = ERR_INIT;

	fix_check(f, "[ $(ulimit -c) = 0 ] && [ $(ulimit -Hn) = $(ulimit -Sn) ]");
	f->spec.rlimits = &l;
	f->spec.n_rlimits = 1;
	fix_check(f, "[ $(ulimit -Sn) = 100 ] && [ $(ulimit -Hn) = 200 ]");
	l = (struct container_rlimit){ RLIMIT_NOFILE, 8, 8 };
	fix_check(f, "[ $(ulimit -Hn) = 8 ]");
	l = (struct container_rlimit){ RLIMIT_NOFILE, 1u << 31, 1u << 31 };
	fix_script(f, "true");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e),
		  "create container: raise resource limit 'nofile' to 2147483648: "
		  "Operation not permitted");
	f->spec.n_rlimits = 0;
	f->spec.rlimits = NULL;
}

TEST(container_sysctls_are_written_and_foreign_ones_refused)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;

	strv_add(&f->spec.sysctls, "net.ipv4.ip_forward=1");
	fix_check(f, "[ $(cat /proc/sys/net/ipv4/ip_forward) = 1 ]");
	strv_add(&f->spec.sysctls, "vm.swappiness=1");
	CHECK_INT(fix_run(f, &e), -1);
	CHECK_STR(err_text(&e),
		  "create container: mount '/proc': sysctl 'vm.swappiness=1' is "
		  "not of the container's namespaces");
}

/* The waiting process's end of its socket, as root of a container without a user
 * namespace of its own could take it over. */
static int steal_sync(const struct container *c)
{
	for (int i = 3; i < 64; i++) {
		int fd = (int)syscall(SYS_pidfd_getfd, container_pidfd(c), i, 0);
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

TEST(container_words_after_the_start_are_not_trusted)
{
	struct child_message lie = { .kind = CHILD_FAILED, .exec_errno = ENOENT };
	static const int codes[] = { EACCES, 0, -7 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct fixture *f = fix_new();
		struct container *c = NULL;
		struct err e = ERR_INIT;
		int sock;

		fix_script(f, "exit 0");
		CHECK_OK(container_create(&f->spec, &c, &e), &e);
		sock = steal_sync(c);
		CHECK(sock >= 0);
		/* no end of the text, bytes that a terminal obeys, a code that means
		 * success */
		memset(lie.e.text, 'x', sizeof(lie.e.text));
		memcpy(lie.e.text, "\033]0;t\007\177\n", 8);
		lie.e.code = codes[i];
		CHECK(send(sock, &lie, sizeof(lie), MSG_NOSIGNAL) == sizeof(lie));
		close(sock);
		CHECK_INT(container_start(c, &e), codes[i] > 0 ? -codes[i] : -EIO);
		CHECK_INT(container_exec_errno(c), ENOENT);
		CHECK(strlen(err_text(&e)) < sizeof(lie.e.text));
		CHECK(str_starts(err_text(&e), "?]0;t???xxx"));
		container_free(c);
	}
}

TEST(container_tty_is_a_terminal_with_job_control)
{
	struct fixture *f = fix_new();
	static const char *const inits[] = { NULL, "init" };

	f->spec.tty = true;
	for (size_t i = 0; i < ARRAY_LEN(inits); i++) {
		struct container *c = NULL;
		struct err e = ERR_INIT;
		char text[4096];
		int st;

		if (inits[i])
			f->spec.init_path = fix_init_path();
		fix_script(f,
			   "tty; echo $TERM; ls -la /dev/console; [ -t 0 ] && [ -t 2 ] &&"
			   "echo ok > /dev/tty && echo con > /dev/console && read x &&"
			   "echo got $x");
		CHECK_OK(container_create(&f->spec, &c, &e), &e);
		CHECK(container_tty(c) >= 0 && isatty(container_tty(c)));
		CHECK_OK(container_start(c, &e), &e);
		CHECK(write(container_tty(c), "word\n", 5) == 5);
		fix_read_all(container_tty(c), text, sizeof(text));
		CHECK_OK(container_wait(c, &st, &e), &e);
		if (st || !strstr(text, "/dev/pts/0") || !strstr(text, "got word") ||
		    !strstr(text, "xterm") || !strstr(text, "con\r\n"))
			test_fail(__FILE__, __LINE__, "status 0x%x: %s", st, text);
		container_free(c);
	}
}

TEST(container_privileged_has_everything_of_its_user_namespace)
{
	struct fixture *f = fix_new();

	f->spec.privileged = true;
	f->spec.no_new_privs = false;
	fix_check(f, "grep -q 'CapEff:.000001ffffffffff' /proc/self/status &&"
		     "grep -q 'Seccomp:.0' /proc/self/status && mount -t tmpfs x /tmp &&"
		     "umount /tmp");
}

TEST(container_filter_holds_without_no_new_privs)
{
	struct fixture *f = fix_new();

	f->spec.no_new_privs = false;
	fix_check(f, "grep -q 'NoNewPrivs:.0' /proc/self/status &&"
		     "grep -q 'Seccomp:.2' /proc/self/status && ! unshare -m true");
	f->spec.user = str_dup("app");
	fix_check(f, "grep -q 'Seccomp:.2' /proc/self/status && ! unshare -U true");
}

TEST(container_without_user_namespace_is_confined_too)
{
	struct fixture *f = fix_new();

	f->spec.userns_fd = -1;
	f->spec.netns_fd = -1;
	f->spec.rootfs_fd = f->tree;
	fix_check(f,
		  "[ $(id -u) = 0 ] && ! mknod /tmp/x c 1 3 2>/dev/null &&"
		  "! unshare -m true 2>/dev/null && ! touch /proc/sys/x 2>/dev/null &&"
		  "[ ! -s /proc/kcore ] && [ $(ls /sys/firmware | wc -l) = 0 ] &&"
		  "! echo x 2>/dev/null > /proc/sysrq-trigger && [ -d /sys/class/net ]");
}

TEST(container_init_cannot_be_overwritten_by_its_container)
{
	struct fixture *f = fix_new();

	/* CVE-2019-5736, in the worst case: no user namespace, all rights */
	f->spec.userns_fd = f->spec.netns_fd = -1;
	f->spec.rootfs_fd = f->tree;
	f->spec.privileged = true;
	f->spec.init_path = fix_init_path();
	fix_check(f, "readlink /proc/1/exe; ! (echo x > /proc/1/exe) 2>/dev/null &&"
		     "grep -q minibox-init /proc/1/comm");
}

/* CVE-2019-5736: without init, "/proc/self/exe" would be this very test, which only a
 * user namespace keeps from being written to. */
TEST(container_finds_no_program_of_the_host_as_its_own)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;

	f->spec.userns_fd = f->spec.netns_fd = -1;
	f->spec.rootfs_fd = f->tree;
	f->spec.launcher = fix_init_path();
	fix_args(f, "/proc/self/exe", "sh", NULL);
	CHECK_INT(fix_run(f, &e), 125); /* minibox-init: wrong use */
	CHECK_STR(f->out, "");
	fix_check(f, "[ $$ = 1 ] && [ \"$(readlink /proc/1/exe)\" = /bin/busybox ] &&"
		     "[ \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 ' ]");
}

/* Joined before the cgroup namespace is made: its own group is "/" in every hierarchy. */
TEST(container_sees_its_own_cgroups_as_the_top)
{
	struct fixture *f = fix_new();
	struct cgroup_limits lim = { .memory_bytes = 64 << 20,
				     .pids = 20,
				     .devices = true };
	AUTO_FREE char *path = str_fmt("minibox-test-c-%d/box", (int)getpid());
	struct cgroup_host *h = NULL;
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;
	const char *check =
		"while IFS=: read n c p; do case $c in name=*|blkio|*hugetlb*) ;;"
		" *) [ $p = / ] || { echo $c $p; exit 1; };; esac; done < "
		"/proc/self/cgroup;"
		"cat /sys/fs/cgroup/memory.max "
		"/sys/fs/cgroup/memory/memory.limit_in_bytes"
		" 2>/dev/null | grep -qx 67108864 || { ls /sys/fs/cgroup; exit 1; };"
		"cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null | "
		"grep -qx 20"
		" && ! mkdir /sys/fs/cgroup/x 2>/dev/null";
	int code;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	f->spec.cgroup = g;
	fix_script(f, check);
	code = fix_run(f, &e);
	f->spec.userns_fd = f->spec.netns_fd = -1;
	f->spec.rootfs_fd = f->tree;
	if (code == 0)
		code = fix_run(f, &e);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
	if (code)
		test_fail(__FILE__, __LINE__, "exit %d: %s%s", code, f->out,
			  err_text(&e));
}
