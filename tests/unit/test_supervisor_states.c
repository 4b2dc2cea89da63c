/* Every cell of the table of states: what is not listed here must mean nothing. */
#include "tests/lib/test.h"

#include "runtime/supervisor/states.h"

struct cell {
	enum sup_state from;
	enum state_event ev;
	enum sup_state to;
	enum state_act act;
};

static const struct cell cells[] = {
	{ SUP_CREATED, EV_WANT, SUP_WAITING, ACT_WANT },
	{ SUP_WAITING, EV_GO, SUP_STARTING, ACT_LAUNCH },
	{ SUP_WAITING, EV_STOP, SUP_EXITED, ACT_UNWANT },
	{ SUP_STARTING, EV_LAUNCHED, SUP_RUNNING, ACT_BEGIN },
	{ SUP_STARTING, EV_LAUNCH_FAILED, SUP_EXITED, ACT_END },
	{ SUP_STARTING, EV_STOP, SUP_STOPPING, ACT_HOLD },
	{ SUP_STARTING, EV_DUE, SUP_STARTING, ACT_ABORT },
	{ SUP_RUNNING, EV_PASS, SUP_HEALTHY, ACT_READY },
	{ SUP_RUNNING, EV_SICK, SUP_UNHEALTHY, ACT_SICK },
	{ SUP_RUNNING, EV_ENDED, SUP_EXITED, ACT_END },
	{ SUP_RUNNING, EV_STOP, SUP_STOPPING, ACT_SIGNAL },
	{ SUP_RUNNING, EV_PAUSE, SUP_PAUSED, ACT_MARK },
	{ SUP_HEALTHY, EV_SICK, SUP_UNHEALTHY, ACT_SICK },
	{ SUP_HEALTHY, EV_ENDED, SUP_EXITED, ACT_END },
	{ SUP_HEALTHY, EV_STOP, SUP_STOPPING, ACT_SIGNAL },
	{ SUP_HEALTHY, EV_PAUSE, SUP_PAUSED, ACT_MARK },
	{ SUP_UNHEALTHY, EV_PASS, SUP_HEALTHY, ACT_READY },
	{ SUP_UNHEALTHY, EV_ENDED, SUP_EXITED, ACT_END },
	{ SUP_UNHEALTHY, EV_STOP, SUP_STOPPING, ACT_SIGNAL },
	{ SUP_UNHEALTHY, EV_PAUSE, SUP_PAUSED, ACT_MARK },
	{ SUP_RESTARTING, EV_WANT, SUP_WAITING, ACT_WANT },
	{ SUP_RESTARTING, EV_STOP, SUP_EXITED, ACT_UNWANT },
	{ SUP_RESTARTING, EV_DUE, SUP_WAITING, ACT_MARK },
	{ SUP_STOPPING, EV_WANT, SUP_STOPPING, ACT_AGAIN },
	{ SUP_STOPPING, EV_LAUNCHED, SUP_STOPPING, ACT_LATE },
	{ SUP_STOPPING, EV_LAUNCH_FAILED, SUP_EXITED, ACT_STOPPED },
	{ SUP_STOPPING, EV_ENDED, SUP_EXITED, ACT_STOPPED },
	{ SUP_STOPPING, EV_STOP, SUP_STOPPING, ACT_HURRY },
	{ SUP_STOPPING, EV_DUE, SUP_STOPPING, ACT_KILL },
	{ SUP_PAUSED, EV_ENDED, SUP_EXITED, ACT_END },
	{ SUP_PAUSED, EV_STOP, SUP_STOPPING, ACT_SIGNAL },
	{ SUP_PAUSED, EV_UNPAUSE, SUP_RUNNING, ACT_RESUME },
	{ SUP_EXITED, EV_WANT, SUP_WAITING, ACT_WANT },
};

TEST(every_cell_is_as_listed)
{
	for (int s = 0; s < SUP_N_STATES; s++)
		for (int ev = 0; ev < N_EVENTS; ev++) {
			struct cell want = { s, ev, s, ACT_NONE };
			struct transition t = state_next(s, ev);

			for (size_t i = 0; i < ARRAY_LEN(cells); i++)
				if (cells[i].from == want.from && cells[i].ev == want.ev)
					want = cells[i];
			printf("# %s, event %d\n", sup_state_name(s), ev);
			CHECK_INT(t.next, want.to);
			CHECK_INT(t.act, want.act);
		}
}

TEST(a_process_always_has_a_way_to_end_and_to_be_stopped)
{
	static const enum sup_state alive[] = { SUP_RUNNING, SUP_HEALTHY, SUP_UNHEALTHY,
						SUP_STOPPING, SUP_PAUSED };

	for (size_t i = 0; i < ARRAY_LEN(alive); i++) {
		CHECK(state_next(alive[i], EV_ENDED).next == SUP_EXITED);
		CHECK(state_next(alive[i], EV_STOP).next == SUP_STOPPING);
	}
}

TEST(states_have_the_names_that_ps_prints)
{
	CHECK_STR(sup_state_name(SUP_CREATED), "created");
	CHECK_STR(sup_state_name(SUP_UNHEALTHY), "unhealthy");
	CHECK_STR(sup_state_name(SUP_RESTARTING), "restarting");
	CHECK_STR(sup_state_name(SUP_N_STATES), "unknown");
}
