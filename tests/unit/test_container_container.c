/* tests/unit/test_container_container.c - create, start, wait: what a process is given. */
#include "tests/lib/container_fixture.h"

TEST(container_runs_a_program_and_gives_its_exit_code)
{
	struct fixture *f = fix_new();
	struct err e = ERR_INIT;

	fix_script(f, "echo hello; exit 42");
	CHECK_INT(fix_run(f, &e), 42);
	CHECK_STR(f->out, "hello\n");
	fix_script(f, "kill -9 $$");
	f->spec.init_path = fix_init_path();
	CHECK_INT(fix_run(f, &e), 128 + 9);
}
