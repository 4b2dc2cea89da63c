/*
 * supervisor/conduct.h - conducts services through the table of states.h: performs its
 * actions.
 *
 * Knows policy only by asking restart.h and depends.h. Every change is published.
 */
#ifndef SUPERVISOR_CONDUCT_H
#define SUPERVISOR_CONDUCT_H

#include "runtime/supervisor/service.h"
#include "runtime/supervisor/states.h"

/** conduct_fire() - let @ev happen to @s */
void conduct_fire(struct supervisor *sup, struct service *s, enum state_event ev);
/** conduct_ended() - its process is gone; @wait_status counts if minibox-init left none
 */
void conduct_ended(struct supervisor *sup, struct service *s, int wait_status);
/** conduct_due() - its timer ran out */
void conduct_due(struct supervisor *sup, struct service *s);
/** conduct_want() - somebody wants it up, and so all it depends on */
void conduct_want(struct supervisor *sup, struct service *s);
/** conduct_stop() - stop it once its stopping dependants have ended
 * @grace_ms: -1: the service's own; @after: what then */
void conduct_stop(struct supervisor *sup, struct service *s, int64_t grace_ms,
		  enum after_stop after);
/** conduct_settle() - start what may start, stop what may stop, answer what has come
 * about */
void conduct_settle(struct supervisor *sup);
/** conduct_signal() - to its PID 1. Return: 0 or -errno. */
int conduct_signal(struct service *s, int signal);

#endif
