/*
 * supervisor/watchdog.h - the keeper's eye on a supervisor that lives but no longer
 * turns.
 *
 * Only under a service manager that asks for it (systemd's WatchdogSec=): the keeper is
 * the unit's main process, so it says that all is well, and only while the supervisor's
 * loop turns. A supervisor that hangs is killed before the manager's patience ends, and
 * started again like one that died: the services never notice, and neither does the
 * manager.
 */
#ifndef SUPERVISOR_WATCHDOG_H
#define SUPERVISOR_WATCHDOG_H

#include <stdint.h>

struct watchdog {
	const char *socket; /* of the manager; NULL: there is none */
	uint32_t *beat;     /* shared with the supervisor, which counts its turns; NULL:
			       nobody asked for it */
	uint32_t period_ms; /* of beats and looks: a quarter of the manager's patience */
};

/** watchdog_open() - from the program's arguments @socket and @patience_ms (may be NULL)
 * Without them, or without a page to share, nothing is watched. */
void watchdog_open(struct watchdog *w, const char *socket, const char *patience_ms);
/** watchdog_wait() - until @supervisor has ended, killing it when it hangs; its wait
 * status. SIGCHLD must be blocked where something is watched. What else ends is reaped.
 */
int watchdog_wait(const struct watchdog *w, int supervisor);

#endif
