/* tests/unit/test_container_init.c - minibox-init as PID 1 of a container. */
#include "tests/lib/container_fixture.h"

static struct fixture *with_init(void)
{
	struct fixture *f = fix_new();

	f->spec.init_path = fix_init_path();
	return f;
}

static void start(struct fixture *f, struct container **c)
{
	struct err e = ERR_INIT;

	CHECK_OK(container_create(&f->spec, c, &e), &e);
	CHECK_OK(container_start(*c, &e), &e);
}

TEST(init_is_pid_1_and_reaps_orphans)
{
	struct fixture *f = with_init();

	/* orphans that end at once must not stay as zombies ("Z" in their state) */
	fix_check(f, "[ $(cat /proc/1/comm) = minibox-init ] && [ $$ = 2 ] &&"
		     "for i in 1 2 3 4 5; do (sh -c 'exit 3' & sleep 0.01 & ) ; done; "
		     "sleep 0.3;"
		     "grep -l '^State:.Z' /proc/[0-9]*/status; [ $(ls -d /proc/[0-9]* | "
		     "wc -l) -le 5 ]");
}

TEST(init_ends_as_the_main_process_and_writes_its_status)
{
	static const struct {
		const char *script;
		int code;
		const char *status;
	} rows[] = {
		{ "exit 0", 0, "0\n" },
		{ "exit 7", 7, "1792\n" },
		{ "kill -TERM $$", 128 + 15, "15\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f = with_init();
		AUTO_CLOSE int dir = scratch_dir();
		AUTO_BUF struct buf text = BUF_INIT;
		struct err e = ERR_INIT;

		f->spec.status_fd =
			openat(dir, "exit", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		fix_script(f, rows[i].script);
		CHECK_INT(fix_run(f, &e), rows[i].code);
		CHECK_OK(fd_read_file(dir, "exit", 64, &text, &e), &e);
		CHECK_STR(text.data, rows[i].status);
	}
}

TEST(init_passes_signals_on)
{
	struct fixture *f = with_init();
	struct container *c;
	struct err e = ERR_INIT;
	int p[2], st;
	char text[256];

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	f->spec.stdio[1] = p[1];
	fix_script(f, "trap 'echo hup' HUP; trap 'echo usr1' USR1; trap 'echo term; exit "
		      "5' TERM;"
		      "echo up; while :; do sleep 0.05; done");
	start(f, &c);
	close(p[1]);
	CHECK(read(p[0], text, 3) == 3);
	CHECK(proc_kill(container_pidfd(c), SIGHUP) == 0);
	usleep(150000);
	CHECK(proc_kill(container_pidfd(c), SIGUSR1) == 0);
	usleep(150000);
	CHECK(proc_kill(container_pidfd(c), SIGTERM) == 0);
	fix_read_all(p[0], text, sizeof(text));
	CHECK_STR(text, "hup\nusr1\nterm\n");
	CHECK_OK(container_wait(c, &st, &e), &e);
	CHECK_INT(fix_exit_code(st), 5);
	container_free(c);
}

TEST(init_forwards_a_signal_that_nobody_handles)
{
	struct fixture *f = with_init();
	struct container *c;
	struct err e = ERR_INIT;
	int st;

	fix_args(f, "/bin/busybox", "sleep", "60", NULL);
	start(f, &c);
	CHECK(proc_kill(container_pidfd(c), SIGTERM) == 0);
	CHECK_OK(container_wait(c, &st, &e), &e);
	CHECK_INT(fix_exit_code(st), 128 + SIGTERM);
	container_free(c);
}

TEST(init_takes_all_others_with_it)
{
	struct fixture *f = with_init();
	struct err e = ERR_INIT;

	/* the sleep holds the pipe: reading it to its end would take a minute */
	fix_script(f, "sleep 60 & echo $!");
	CHECK_INT(fix_run(f, &e), 0);
}

/*
 * One page of data and one of stack; the kernel places the top of the stack at
 * random, so what init uses of it may straddle a second page.
 */
TEST(init_costs_at_most_three_dirty_pages)
{
	struct fixture *f = with_init();
	struct container *c;
	char path[64], text[65536], *p;
	unsigned long dirty = 0;
	int fd;

	fix_args(f, "/bin/busybox", "sleep", "60", NULL);
	start(f, &c);
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)container_pid(c));
	fd = open(path, O_RDONLY);
	fix_read_all(fd, text, sizeof(text));
	close(fd);
	p = strstr(text, "Private_Dirty:");
	/* before the checks: one that fails must leave no process */
	container_abort(c);
	CHECK(p);
	dirty = strtoul(p + 14, NULL, 10);
	CHECK(dirty > 0);
	printf("# dirty %lu KiB\n", dirty);
	CHECK(dirty <= 12);
}
