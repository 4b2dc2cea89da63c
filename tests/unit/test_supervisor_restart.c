/* Policies, backoff and its reset, as rows. */
#include "tests/lib/test.h"

#include "runtime/supervisor/restart.h"

TEST(policies_decide)
{
	static const struct {
		struct restart_case c;
		bool again;
	} rows[] = {
		{ { .wanted = true, .policy = SUP_NO, .failed = true }, false },
		{ { .wanted = true, .policy = SUP_ALWAYS }, true },
		{ { .wanted = true,
		    .policy = SUP_ALWAYS,
		    .failed = true,
		    .restarts = 1000 },
		  true },
		{ { .wanted = true, .policy = SUP_UNLESS_STOPPED }, true },
		{ { .wanted = true, .policy = SUP_ON_FAILURE }, false },
		{ { .wanted = true,
		    .policy = SUP_ON_FAILURE,
		    .failed = true,
		    .restarts = 1000 },
		  true },
		{ { .wanted = true,
		    .policy = SUP_ON_FAILURE,
		    .failed = true,
		    .max = 3,
		    .restarts = 2 },
		  true },
		{ { .wanted = true,
		    .policy = SUP_ON_FAILURE,
		    .failed = true,
		    .max = 3,
		    .restarts = 3 },
		  false },
		{ { .policy = SUP_ALWAYS }, false }, /* stopped by somebody */
		{ { .policy = SUP_UNLESS_STOPPED, .failed = true }, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		printf("# row %zu\n", i);
		CHECK_INT(restart_next(&rows[i].c).again, rows[i].again);
		CHECK_INT(restart_allowed(&rows[i].c), rows[i].again);
	}
}

TEST(backoff_doubles_up_to_a_minute)
{
	static const uint32_t want[] = { 100,  200,   400,   800,   1600,  3200,
					 6400, 12800, 25600, 51200, 60000, 60000 };
	struct restart_case c = { .wanted = true, .policy = SUP_ALWAYS };

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct restart_verdict v = restart_next(&c);

		CHECK_INT(v.delay_ms, want[i]);
		c.streak = v.streak;
	}
	c.streak = UINT32_MAX - 1;
	CHECK_INT(restart_next(&c).delay_ms, 60000);
}

TEST(ten_seconds_of_uptime_forget_the_streak)
{
	struct restart_case c = {
		.wanted = true, .policy = SUP_ALWAYS, .streak = 9, .uptime_ms = 9999
	};

	CHECK_INT(restart_next(&c).delay_ms, 51200);
	c.uptime_ms = 10000;
	CHECK_INT(restart_next(&c).delay_ms, 100);
	CHECK_INT(restart_next(&c).streak, 1);
}
