/* supervisor/restart.c - see restart.h. */
#include "runtime/supervisor/restart.h"

bool restart_allowed(const struct restart_case *c)
{
	if (!c->wanted)
		return false;
	switch (c->policy) {
	case SUP_ALWAYS:
	case SUP_UNLESS_STOPPED: /* differs only in what a reboot does, which is not
				    decided here */
		return true;
	case SUP_ON_FAILURE:
		return c->failed && (c->max == 0 || c->restarts < c->max);
	case SUP_NO:
		break;
	}
	return false;
}

struct restart_verdict restart_next(const struct restart_case *c)
{
	uint32_t streak = c->uptime_ms >= RESTART_CALM_MS ? 0 : c->streak;
	struct restart_verdict v = { .again = restart_allowed(c) };

	if (!v.again)
		return v;
	v.delay_ms = streak < 10 ? (uint32_t)RESTART_FIRST_MS << streak : RESTART_MOST_MS;
	if (v.delay_ms > RESTART_MOST_MS)
		v.delay_ms = RESTART_MOST_MS;
	v.streak = streak + 1;
	return v;
}
