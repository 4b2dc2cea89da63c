/*
 * supervisor/oom.h - notes each time that the kernel killed in a service for want of
 * memory.
 */
#ifndef SUPERVISOR_OOM_H
#define SUPERVISOR_OOM_H

#include "runtime/supervisor/service.h"

/** oom_watch() - from now on be told of kills in the group that SERVICE/memory leads to;
 * without that link, or where the kernel refuses, only oom_look() finds them */
void oom_watch(struct supervisor *sup, struct service *s);
/** oom_event() - the kernel says that memory ran out; the kill may be yet to come */
void oom_event(struct supervisor *sup, struct service *s);
/** oom_look() - is the group's counter above what was noted? Then there is an entry in
 * .events with victim, peak and limit, and the status says so. */
void oom_look(struct supervisor *sup, struct service *s);

#endif
