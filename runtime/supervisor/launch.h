/*
 * supervisor/launch.h - starting a container by `minibox _launch`, refreshing its readers
 * by `minibox _refresh`.
 */
#ifndef SUPERVISOR_LAUNCH_H
#define SUPERVISOR_LAUNCH_H

#include "runtime/supervisor/service.h"

/** launch_start() - run the launcher; its failure, also this one's, comes as
 * EV_LAUNCH_FAILED Return: false and text set when not even the launcher could be run. */
bool launch_start(struct supervisor *sup, struct service *s);
/** launch_read_report() - take the report if it has come; nothing when none is expected
 */
void launch_read_report(struct supervisor *sup, struct service *s);
/** launch_ended() - the launcher was reaped */
void launch_ended(struct supervisor *sup, struct service *s, int status);
/** launch_refresh() - let the readers of this service's files see its present instance */
void launch_refresh(struct supervisor *sup, struct service *s);
/** launch_refreshed() - that helper was reaped; @status as waitpid(2) */
void launch_refreshed(struct supervisor *sup, struct service *s, int status);

#endif
