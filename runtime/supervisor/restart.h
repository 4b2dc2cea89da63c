/*
 * supervisor/restart.h - whether and when an ended service is started again. Pure.
 */
#ifndef SUPERVISOR_RESTART_H
#define SUPERVISOR_RESTART_H

#include "runtime/supervisor/supervisor.h"

enum {
	RESTART_FIRST_MS = 100,  /* doubled with every restart in a row ... */
	RESTART_MOST_MS = 60000, /* ... up to this */
	RESTART_CALM_MS = 10000, /* uptime after which a crash is no longer "in a row" */
};

struct restart_case {
	enum sup_restart policy;
	uint32_t max;      /* of on-failure; 0: no bound */
	uint32_t restarts; /* since it was last wanted by somebody */
	uint32_t streak;   /* of them in a row without RESTART_CALM_MS of uptime */
	uint64_t uptime_ms;
	bool failed; /* status other than 0, or unhealthy */
	bool wanted; /* nobody has stopped it */
};
struct restart_verdict {
	bool again;
	uint32_t delay_ms;
	uint32_t streak; /* for the next case */
};

/** restart_allowed() - would it be started again? Only then is one that is unhealthy
 * ended for that */
bool restart_allowed(const struct restart_case *c);
/** restart_next() - verdict for an end that nobody asked for */
struct restart_verdict restart_next(const struct restart_case *c);

#endif
