/*
 * supervisor/health.h - runs healthchecks: sockets in the event loop, or `minibox
 * _health`.
 *
 * Asks probe.h for words and verdicts, tells conduct.h what came out.
 */
#ifndef SUPERVISOR_HEALTH_H
#define SUPERVISOR_HEALTH_H

#include "runtime/supervisor/service.h"

/** health_begin() - schedule the first probe of a service that now runs */
void health_begin(struct service *s);
/** health_resume() - go on after a pause or an adoption: the next probe soon */
void health_resume(struct service *s);
/** health_halt() - end the probe under way and schedule none */
void health_halt(struct service *s);
/** health_due() - its timer ran out: begin a probe, or give the present one up */
void health_due(struct supervisor *sup, struct service *s);
/** health_io() - @events (epoll) on the probe's socket or pipe */
void health_io(struct supervisor *sup, struct service *s, uint32_t events);
/** health_helper_ended() - `minibox _health` was reaped */
void health_helper_ended(struct supervisor *sup, struct service *s, int status);

#endif
