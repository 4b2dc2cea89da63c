/* The real minibox-supervisor: logs, its own death, quitting, a full disk, and what it
 * weighs. */
#include "tests/lib/fakestack.h"

#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define FOREVER "exec sleep 1000\n"

static void kill_supervisor(struct fakestack *f)
{
	int old = fake_supervisor_pid(f);

	CHECK(old > 1 && kill(old, SIGKILL) == 0);
	for (int i = 0; i < 500 && fake_supervisor_pid(f) == old; i++)
		usleep(2000);
	CHECK(fake_supervisor_pid(f) != old);
}

/* Every line of stdout must read "line N" with N from *@next upwards; returns lines of
 * stderr. A log that is still being written may end within a line. */
static unsigned read_so_far(struct fakestack *f, const char *name, unsigned long *next,
			    int *ret_rest)
{
	struct sup_log_reader *r;
	struct sup_log_line l;
	struct err e = ERR_INIT;
	char want[32];
	unsigned other = 0;

	CHECK_OK(sup_log_open(f->logs, name, &r, &e), &e);
	while (sup_log_next(r, &l) == 1) {
		if (l.stream != 1) {
			other++;
			continue;
		}
		if (*next == 0)
			*next = strtoul(l.text + 5, NULL, 10);
		snprintf(want, sizeof(want), "line %lu", (*next)++);
		CHECK_STR(l.text, want);
	}
	*ret_rest = sup_log_flush(r, &l);
	sup_log_free(r);
	return other;
}

static unsigned read_counted(struct fakestack *f, const char *name, unsigned long *next)
{
	int rest;
	unsigned other = read_so_far(f, name, next, &rest);

	CHECK_INT(rest, 0);
	return other;
}

static unsigned count_segments(struct fakestack *f, const char *name)
{
	AUTO_STRV struct strv v = STRV_INIT;
	struct err e = ERR_INIT;
	unsigned n = 0;

	CHECK_OK(fd_list(f->logs, name, &v, &e), &e);
	strv_foreach (i, &v)
		n += str_starts(v.v[i], "out.");
	CHECK_INT(v.n, n * 3);
	return n;
}

TEST(a_killed_supervisor_neither_loses_nor_repeats_a_byte)
{
	struct fakestack f = fake_stack();
	struct sup_service *app =
		fake_service(&f, "app",
			     "seq -f 'line %.0f' 1 400000 &\nseq -f 'err %.0f' 1 1000 "
			     ">&2\nwait\nexec sleep 1000\n");
	unsigned long next = 1;
	struct sup_status st;
	int rest;

	app->log_segments = 1000;
	app->log_segment_bytes = 300000;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	st = fake_wait(&f, "app", SUP_RUNNING);
	for (int i = 0; i < 8; i++) {
		usleep(20000);
		kill_supervisor(&f);
	}
	fake_reconnect(&f);
	for (int i = 0; i < 300 && next < 400001; i++) {
		next = 1;
		usleep(50000);
		read_so_far(&f, "app", &next, &rest);
	}
	CHECK_INT(next, 400001);
	next = 1;
	CHECK_INT(read_counted(&f, "app", &next), 1000);
	CHECK(count_segments(&f, "app") > 10);
	CHECK_INT(fake_status(&f, "app").pid, st.pid);
	CHECK_INT(fake_status(&f, "app").restarts, 0);
	fake_down(&f);
}

TEST(segments_are_cut_at_lines_and_old_ones_removed)
{
	struct fakestack f = fake_stack();
	struct sup_service *app = fake_service(&f, "app", "seq -f 'line %.0f' 1 20000\n");
	unsigned long next = 0;

	app->log_segments = 3;
	app->log_segment_bytes = 20000;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "app", SUP_EXITED);
	CHECK_INT(count_segments(&f, "app"), 3);
	read_counted(&f, "app", &next); /* begins with a whole line, or the check fails */
	CHECK_INT(next, 20001);
	fake_down(&f);
}

TEST(a_reader_follows_across_segments)
{
	struct fakestack f = fake_stack();
	struct sup_service *app =
		fake_service(&f, "app",
			     "i=1; while [ $i -le 2000 ]; do echo line $i; i=$((i+1)); "
			     "done\nprintf unfinished\n");
	struct sup_log_reader *r;
	struct sup_log_line l;
	struct err e = ERR_INIT;
	unsigned long n = 1;
	char want[32];

	app->log_segments = 100;
	app->log_segment_bytes = 1000;
	CHECK_OK(sup_log_open(f.logs, "app", &r, &e), &e);
	CHECK_INT(sup_log_next(r, &l), 0);
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	while (n <= 2000) {
		if (sup_log_next(r, &l) == 0) {
			usleep(1000);
			continue;
		}
		snprintf(want, sizeof(want), "line %lu", n++);
		CHECK_STR(l.text, want);
		CHECK(l.wall_ns > 1600000000ull * 1000000000u);
	}
	fake_wait(&f, "app", SUP_EXITED);
	CHECK_INT(sup_log_next(r, &l), 0);
	CHECK_INT(sup_log_flush(r, &l), 1);
	CHECK_STR(l.text, "unfinished");
	sup_log_free(r);
	fake_down(&f);
}

TEST(a_service_that_closes_its_output_may_open_it_again)
{
	struct fakestack f = fake_stack();
	uint64_t cpu;
	struct sup_log_reader *r;
	struct sup_log_line l;
	struct err e = ERR_INIT;
	char path[64];
	struct buf b = BUF_INIT;

	fake_service(&f, "app",
		     "echo one\nexec >/dev/null 2>&1\nsleep 0.6\necho two >stdout\nexec "
		     "sleep 1000\n");
	fake_write(&f, "app/noinit", "");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "app", SUP_RUNNING);
	for (int tries = 0, lines = 0; tries < 100 && lines < 2; tries++) {
		usleep(100000);
		CHECK_OK(sup_log_open(f.logs, "app", &r, &e), &e);
		for (lines = 0; sup_log_next(r, &l) == 1; lines++)
			;
		sup_log_free(r);
	}
	CHECK_OK(sup_log_open(f.logs, "app", &r, &e), &e);
	CHECK_INT(sup_log_next(r, &l), 1);
	CHECK_STR(l.text, "one");
	CHECK_INT(sup_log_next(r, &l), 1);
	CHECK_STR(l.text, "two");
	sup_log_free(r);
	/* and the hang-up in between did not make it spin */
	snprintf(path, sizeof(path), "/proc/%d/schedstat", fake_supervisor_pid(&f));
	CHECK_OK(fd_read_file(AT_FDCWD, path, 4096, &b, &e), &e);
	cpu = strtoull(b.data, NULL, 10);
	printf("# supervisor used %llu us\n", (unsigned long long)cpu / 1000);
	CHECK(cpu < 100000000u);
	fake_down(&f);
}

TEST(a_full_disk_does_not_block_a_service)
{
	struct fakestack f = fake_stack();
	struct err e = ERR_INIT;
	char path[192];
	struct buf b = BUF_INIT;

	snprintf(path, sizeof(path), "%s/root", f.base);
	if (unshare(CLONE_NEWNS) < 0)
		SKIP("a mount namespace (root)");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("none", path, "tmpfs", 0, "size=256k") == 0);
	fake_service(&f, "app", "seq 1 200000\n");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	CHECK_INT(fake_wait(&f, "app", SUP_EXITED).exit_status, 0);
	snprintf(path, sizeof(path), "%s/root/logs/app/supervisor.log", f.base);
	if (fd_read_file(AT_FDCWD, path, 65536, &b, &e) == 0)
		CHECK(strlen(b.data) < 65536);
	fake_down(&f);
}

TEST(quit_leaves_the_services_and_the_next_one_adopts_them)
{
	struct fakestack f = fake_stack();
	struct err e = ERR_INIT;
	struct sup_event ev;
	struct sup_status st, gone;

	fake_service(&f, "stays", FOREVER);
	fake_service(&f, "ends", "sleep 0.5; exit 7\n");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	st = fake_wait(&f, "stays", SUP_RUNNING);
	gone = fake_wait(&f, "ends", SUP_RUNNING);
	fake_call(&f, SUP_OP_QUIT, "");
	while (sup_next_event(f.sock, 3000, &ev) > 0)
		;
	CHECK(proc_start_time(st.pid) == st.start_time);
	for (int i = 0; i < 300 && sup_alive(f.stack); i++)
		usleep(10000);
	CHECK(sup_connect(f.stack, &f.sock, &e) < 0);
	err_clear(&e);
	usleep(600000);
	CHECK_OK(sup_start(f.exe_dir, f.run, "app", NULL, NULL, NULL, &e), &e);
	CHECK_OK(sup_start(f.exe_dir, f.run, "app", NULL, NULL, NULL, &e), &e);
	fake_reconnect(&f);
	CHECK_INT(fake_status(&f, "stays").pid, st.pid);
	CHECK(gone.pid > 0);
	CHECK_INT(fake_wait(&f, "ends", SUP_EXITED).exit_status, 7 << 8);
	/* An adopted one is stopped like any other. */
	fake_call(&f, SUP_OP_STOP, "stays");
	CHECK_INT(fake_status(&f, "stays").exit_status, SIGTERM);
	fake_down(&f);
}

/* PIDFD_GET_INFO with PIDFD_INFO_EXIT: Linux 6.15. */
static bool kernel_tells_exit_codes(void)
{
	uint64_t info[8] = { 1 << 3 };
	pid_t pid = fork();
	int fd, r;

	if (pid == 0)
		_exit(0);
	fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	CHECK(fd >= 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
	r = ioctl(fd, _IOWR(0xff, 11, uint64_t[8]), info);
	close(fd);
	return r == 0 && info[0] & 1 << 3;
}

TEST(the_exit_code_of_an_adopted_process_without_init_is_what_the_kernel_tells)
{
	int code = kernel_tells_exit_codes() ? 6 : 255;
	struct fakestack f = fake_stack();

	fake_service(&f, "app", "sleep 0.6; exit 6\n");
	fake_write(&f, "app/noinit", "");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "app", SUP_RUNNING);
	kill_supervisor(&f);
	CHECK_INT(fake_wait(&f, "app", SUP_EXITED).exit_status, code << 8);
	fake_reconnect(&f);
	fake_down(&f);
}

TEST(a_launcher_dies_with_its_supervisor_and_is_run_again)
{
	struct fakestack f = fake_stack();
	AUTO_FREE char *calls = NULL;

	fake_service(&f, "app", FOREVER);
	fake_write(&f, "app/hang", "");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "app", SUP_STARTING);
	usleep(100000);
	CHECK(unlinkat(f.stack, "app/hang", 0) == 0);
	kill_supervisor(&f);
	fake_wait(&f, "app", SUP_RUNNING);
	calls = fake_read(&f, "calls");
	CHECK_STR(calls, "launch app\nlaunch app\n");
	fake_reconnect(&f);
	fake_down(&f);
}

TEST(reload_adds_and_forgets_services_but_not_running_ones)
{
	struct fakestack f = fake_stack();
	struct err e = ERR_INIT;
	struct sup_status st;

	fake_service(&f, "one", FOREVER);
	fake_service(&f, "two", "exit 4\n");
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	st = fake_wait(&f, "one", SUP_RUNNING);
	fake_wait(&f, "two", SUP_EXITED);
	/* "two" takes the place of "one": slots stay with names */
	f.service[0] = f.service[1];
	f.service[0].instance = 2;
	f.head.n_services = 1;
	CHECK_OK(sup_spec_write(f.stack, &f.head, f.service, &e), &e);
	CHECK(sup_call(f.sock, SUP_OP_RELOAD, "", 0, 1000, &e) == -EIO);
	CHECK(strstr(err_text(&e), "still running, cannot forget service 'one'"));
	err_clear(&e);
	fake_service(&f, "one", FOREVER);
	fake_service(&f, "three", FOREVER);
	fake_depends(&f, &f.service[2], &f.service[0], SUP_DEP_COMPLETED);
	CHECK_OK(sup_spec_write(f.stack, &f.head, f.service, &e), &e);
	fake_call(&f, SUP_OP_RELOAD, "");
	CHECK_INT(fake_status(&f, "two").ended, 0);
	CHECK_INT(fake_status(&f, "two").state, SUP_CREATED);
	CHECK_INT(fake_status(&f, "two").instance, 2);
	fake_write(&f, "two/cmd", "exit 0\n");
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "three", SUP_RUNNING);
	CHECK_INT(fake_status(&f, "one").pid, st.pid);
	fake_down(&f);
}

static unsigned long pss_kib(int pid)
{
	char path[64], *p;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	CHECK_OK(fd_read_file(AT_FDCWD, path, 65536, &b, &e), &e);
	p = strstr(b.data, "\nPss:");
	CHECK(p);
	return strtoul(p + 5, NULL, 10);
}

TEST(keeper_and_supervisor_stay_small)
{
	struct fakestack f = fake_stack();
	unsigned long own, keeper;
	int pid;

	for (int i = 0; i < 3; i++) {
		struct sup_service *s;

		s = fake_service(&f, (const char *[]){ "db", "web", "nginx" }[i],
				 "while :; do echo hello; sleep 0.1; done\n");
		s->health = SUP_HEALTH_EXEC;
		fake_write(
			&f,
			(const char *[]){ "db/health", "web/health", "nginx/health" }[i],
			"echo fine\n");
	}
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "nginx", SUP_HEALTHY);
	sleep(1);
	pid = fake_supervisor_pid(&f);
	own = pss_kib(pid);
	keeper = pss_kib(fake_parent(pid));
	printf("# Pss: supervisor %lu KiB, keeper %lu KiB, together %lu\n", own, keeper,
	       own + keeper);
	CHECK(own + keeper <= 72);
	fake_down(&f);
}
