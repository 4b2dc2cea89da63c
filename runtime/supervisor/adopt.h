/*
 * supervisor/adopt.h - takes over what an earlier supervisor of this stack left.
 */
#ifndef SUPERVISOR_ADOPT_H
#define SUPERVISOR_ADOPT_H

#include "runtime/supervisor/service.h"

/** adopt_all() - every service by its status record: living processes are kept, deaths
 * that nobody saw are treated as ends now, logs go on */
void adopt_all(struct supervisor *sup);
/** adopt_look() - a process that is not our child seems to have ended: find out its
 * status, looking again a little later while it cannot be known yet */
void adopt_look(struct supervisor *sup, struct service *s);

#endif
