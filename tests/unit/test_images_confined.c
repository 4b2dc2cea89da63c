/* A parser that was taken over gets nowhere: what it tries is refused or its end. */
#include "tests/lib/image_test.h"

/* As image_store_set_parser() has it, but with the one that was taken over. */
static void use_broken(const struct fixture *f)
{
	char dir[PATH_MAX], parser[PATH_MAX + 32];
	struct err e = ERR_INIT;

	CHECK_OK(proc_self_dir(dir, sizeof(dir), &e), &e);
	snprintf(parser, sizeof(parser), "%s/minibox-parse-broken", dir);
	image_store_set_parser(f->s, parser);
}

TEST(a_parser_taken_over_gets_nowhere)
{
	static const char signal31[] = "signal 31 (Bad system call)";
	static const char *const t[][2] = {
		{ "open", "refused" },
		{ "open_up", "refused" },
		{ "create", "refused" },
		{ "ring", "refused" },
		{ "openat2", signal31 },
		{ "mkdir", signal31 },
		{ "unlink", signal31 },
		{ "socket", signal31 },
		{ "unix", signal31 },
		{ "ptrace", signal31 },
		{ "memory", signal31 },
		{ "mount", signal31 },
		{ "chroot", signal31 },
		{ "unshare", signal31 },
		{ "root", signal31 },
		{ "kill", signal31 },
		{ "exec", signal31 },
		{ "fork", signal31 },
		{ "bpf", signal31 },
		{ "uring", signal31 },
		{ "code", signal31 },
		{ "descriptor", "nothing open" },
		{ "memory_limit", "no memory" },
	};
	struct fixture f = fixture_open();

	use_broken(&f);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_FREE char *code =
			str_fmt("save('%s.tar', [Tar().add('%s', data='x').data()])",
				t[i][0], t[i][0]);
		AUTO_FREE char *name = str_fmt("%s.tar", t[i][0]);

		python(&f, code);
		refuse(&f, name, t[i][1]);
	}
}

TEST(a_parser_that_is_missing_is_named)
{
	struct fixture f = fixture_open();

	python(&f, "save('a.tar', [base().data()])");
	image_store_set_parser(f.s, "/nonexistent/minibox-parse");
	refuse(&f, "a.tar", "'/nonexistent/minibox-parse'");
}
