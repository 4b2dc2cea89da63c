/* tests for runtime/cli/args.c */
#include "runtime/base/proc.h"
#include "runtime/cli/args.h"

#include "tests/lib/test.h"

static const struct cli_opt opts[] = {
	{ 'd', "detach", NULL, "" },
	{ 'e', "env", "K=V", "" },
	{ 'n', "lines", "N", "" },
};
static const struct cli_command cmd = { .name = "x",
					.opts = opts,
					.n_opts = ARRAY_LEN(opts) };

static int parse(struct cli_args *a, bool stop, struct err *e, int argc,
		 const char **argv)
{
	int at = 0;

	args_init(a, &cmd);
	return args_parse(a, argc, (char **)(uintptr_t)argv, &at, stop, false, e);
}
#define PARSE(a, stop, e, ...)                                                           \
	parse(a, stop, e, (int)ARRAY_LEN(((const char *[]){ __VA_ARGS__ })),             \
	      (const char *[]){ __VA_ARGS__ })

TEST(options_may_stand_anywhere_and_in_every_form)
{
	struct err e = ERR_INIT;
	struct cli_args a;

	CHECK_OK(
		PARSE(&a, false, &e, "one", "-d", "--env=A=1", "-eB=2", "-n", "5", "two"),
		&e);
	CHECK(args_flag(&a, "detach"));
	CHECK_INT(args_list(&a, "env")->n, 2);
	CHECK_STR(args_list(&a, "env")->v[0], "A=1");
	CHECK_STR(args_value(&a, "lines"), "5");
	CHECK_INT(a.operands.n, 2);
	args_free(&a);
}

TEST(options_after_the_first_operand_are_its_own)
{
	struct err e = ERR_INIT;
	struct cli_args a;

	CHECK_OK(PARSE(&a, true, &e, "-d", "web", "ls", "-e", "--", "x"), &e);
	CHECK_INT(a.operands.n, 5);
	CHECK(!args_flag(&a, "env"));
	args_free(&a);
}

TEST(two_dashes_end_the_options)
{
	struct err e = ERR_INIT;
	struct cli_args a;

	CHECK_OK(PARSE(&a, false, &e, "--", "-d"), &e);
	CHECK_STR(a.operands.v[0], "-d");
	args_free(&a);
}

TEST(mistakes_are_named_with_a_suggestion)
{
	static const struct {
		const char *arg, *want;
	} rows[] = {
		{ "--detahc", "unknown option '--detahc' (did you mean '--detach'?)" },
		{ "--nonsense", "unknown option '--nonsense'" },
		{ "-x", "unknown option '-x'" },
		{ "--detach=1", "option '--detach' takes no value" },
		{ "--env", "option '--env' wants a value (K=V)" },
		{ "-n", "option '-n' wants a value (N)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct cli_args a;

		CHECK_INT(PARSE(&a, false, &e, rows[i].arg), -EINVAL);
		CHECK_STR(err_text(&e), rows[i].want);
		args_free(&a);
	}
}

TEST(durations_have_units_or_are_seconds)
{
	static const struct {
		const char *text;
		long long ms;
	} rows[] = {
		{ "10", 10000 }, { "500ms", 500 }, { "1m30s", 90000 }, { "2h", 7200000 },
		{ "0", 0 },      { "", -1 },       { "1x", -1 },       { "-1s", -1 },
		{ "s", -1 },     { "1 s", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		int64_t ms = -1;

		CHECK_INT(args_duration(rows[i].text, "--x", &ms, &e),
			  rows[i].ms < 0 ? -EINVAL : 0);
		CHECK_INT(ms, rows[i].ms);
	}
}

TEST(since_is_a_duration_or_a_date)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} dates[] = {
		{ "1970-01-02", 86400000 },
		{ "2026-01-31T12:00:00Z", 1769860800000 },
		{ "2026-01-31 12:00:00", 1769860800000 },
		{ "2026-01-31T12:00:00.25Z", 1769860800250 },
		{ "2026-01-31T14:00:00+02:00", 1769860800000 },
		{ "2026-01-31T06:30:00-05:30", 1769860800000 },
	};
	static const char *const wrong[] = { "yesterday",
					     "2026-01-31T12:00",
					     "2026-01-31T12:00:00+2",
					     "2026-01-31T12:00:00Zx",
					     "",
					     "-5m" };
	struct err e = ERR_INIT;
	uint64_t ns = 0, now = proc_wall_ns();

	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		CHECK_OK(args_since(dates[i].text, "--since", &ns, &e), &e);
		CHECK_INT(ns / 1000000, dates[i].ms);
	}
	CHECK_OK(args_since("1h", "--since", &ns, &e), &e);
	CHECK(now - ns > 3599000000000 && now - ns < 3601000000000);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		CHECK_INT(args_since(wrong[i], "--since", &ns, &e), -EINVAL);
		err_clear(&e);
	}
}
