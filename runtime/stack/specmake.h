/*
 * stack/specmake.h - from file and image to a container spec. Pure, private.
 */
#ifndef STACK_SPECMAKE_H
#define STACK_SPECMAKE_H

#include "runtime/stack/instance.h"

/** specmake() - fill an initialised spec; rs->userns and rs->anonymous must be decided */
void specmake(const struct instance_source *src, const struct record_service *rs,
	      struct container_spec *spec);
/** specmake_health() - argv of the healthcheck command; nothing when it is no command */
void specmake_health(const struct instance_source *src, struct strv *ret);
/** specmake_shares() - [{volume, target}] of the shares the service reads; owned by the
 * caller */
json_t *specmake_shares(const struct instance_source *src);

#endif
