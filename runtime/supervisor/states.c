/* supervisor/states.c - see states.h. */
#include "runtime/supervisor/states.h"

static const struct transition table[SUP_N_STATES][N_EVENTS] = {
	[SUP_CREATED] = {
		[EV_WANT] = { SUP_WAITING, ACT_WANT },
	},
	[SUP_WAITING] = {
		[EV_GO] = { SUP_STARTING, ACT_LAUNCH },
		[EV_STOP] = { SUP_EXITED, ACT_UNWANT },
	},
	[SUP_STARTING] = {
		[EV_LAUNCHED] = { SUP_RUNNING, ACT_BEGIN },
		[EV_LAUNCH_FAILED] = { SUP_EXITED, ACT_END },
		[EV_STOP] = { SUP_STOPPING, ACT_HOLD },
		[EV_DUE] = { SUP_STARTING, ACT_ABORT },
	},
	[SUP_RUNNING] = {
		[EV_PASS] = { SUP_HEALTHY, ACT_READY },
		[EV_SICK] = { SUP_UNHEALTHY, ACT_SICK },
		[EV_ENDED] = { SUP_EXITED, ACT_END },
		[EV_STOP] = { SUP_STOPPING, ACT_SIGNAL },
		[EV_PAUSE] = { SUP_PAUSED, ACT_MARK },
	},
	[SUP_HEALTHY] = {
		[EV_SICK] = { SUP_UNHEALTHY, ACT_SICK },
		[EV_ENDED] = { SUP_EXITED, ACT_END },
		[EV_STOP] = { SUP_STOPPING, ACT_SIGNAL },
		[EV_PAUSE] = { SUP_PAUSED, ACT_MARK },
	},
	[SUP_UNHEALTHY] = {
		[EV_PASS] = { SUP_HEALTHY, ACT_READY },
		[EV_ENDED] = { SUP_EXITED, ACT_END },
		[EV_STOP] = { SUP_STOPPING, ACT_SIGNAL },
		[EV_PAUSE] = { SUP_PAUSED, ACT_MARK },
	},
	[SUP_RESTARTING] = {
		[EV_WANT] = { SUP_WAITING, ACT_WANT },
		[EV_STOP] = { SUP_EXITED, ACT_UNWANT },
		[EV_DUE] = { SUP_WAITING, ACT_MARK },
	},
	[SUP_STOPPING] = {
		[EV_WANT] = { SUP_STOPPING, ACT_AGAIN },
		[EV_LAUNCHED] = { SUP_STOPPING, ACT_LATE },
		[EV_LAUNCH_FAILED] = { SUP_EXITED, ACT_STOPPED },
		[EV_ENDED] = { SUP_EXITED, ACT_STOPPED },
		[EV_STOP] = { SUP_STOPPING, ACT_HURRY },
		[EV_DUE] = { SUP_STOPPING, ACT_KILL },
	},
	[SUP_PAUSED] = {
		[EV_ENDED] = { SUP_EXITED, ACT_END },
		[EV_STOP] = { SUP_STOPPING, ACT_SIGNAL },
		[EV_UNPAUSE] = { SUP_RUNNING, ACT_RESUME },
	},
	[SUP_EXITED] = {
		[EV_WANT] = { SUP_WAITING, ACT_WANT },
	},
};
_Static_assert(N_EVENTS == 11 && SUP_N_STATES == 10,
	       "a new row or column needs its cells");

struct transition state_next(enum sup_state s, enum state_event ev)
{
	struct transition t = table[s][ev];

	if (t.act == ACT_NONE)
		t.next = (uint8_t)s;
	return t;
}
