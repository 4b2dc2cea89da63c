/* supervisor/shared_state_name.c - the words for states; compiled into both programs. */
#include "runtime/supervisor/supervisor.h"

const char *sup_state_name(enum sup_state s)
{
	static const char names[SUP_N_STATES][12] = {
		[SUP_CREATED] = "created",       [SUP_WAITING] = "waiting",
		[SUP_STARTING] = "starting",     [SUP_RUNNING] = "running",
		[SUP_HEALTHY] = "healthy",       [SUP_UNHEALTHY] = "unhealthy",
		[SUP_RESTARTING] = "restarting", [SUP_STOPPING] = "stopping",
		[SUP_PAUSED] = "paused",         [SUP_EXITED] = "exited",
	};

	return (unsigned)s < SUP_N_STATES ? names[s] : "unknown";
}
