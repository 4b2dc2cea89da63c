/* tests for runtime/base/err.c */
#include <signal.h>

#include "tests/lib/test.h"

TEST(err_ctx_reads_from_the_outside_in)
{
	struct err e = ERR_INIT;

	CHECK_INT(err_set(&e, ENOENT, "open '%s'", "x"), -ENOENT);
	CHECK_INT(err_ctx(&e, "service '%s'", "db"), -ENOENT);
	CHECK_STR(err_text(&e), "service 'db': open 'x': No such file or directory");
}

TEST(err_overflow_keeps_the_root_cause)
{
	struct err e = ERR_INIT;

	err_set(&e, EIO, "read 'x'");
	for (int i = 0; i < 100; i++)
		err_ctx(&e, "some context that is rather long %d", i);
	CHECK(str_ends(err_text(&e), "read 'x': Input/output error"));
	CHECK(strlen(err_text(&e)) < sizeof(e.text));
}

TEST(err_set_twice_aborts)
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct err e = ERR_INIT;

		fclose(stderr);
		err_set(&e, EIO, "one");
		err_set(&e, EIO, "two");
		_exit(0);
	}
	waitpid(pid, &st, 0);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGABRT);
}
