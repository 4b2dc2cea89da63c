/*
 * stack/place.h - where in the hierarchies a stack's groups are: below "minibox" at the
 * root, or in the subtree that systemd has left to the stack's unit. Private.
 */
#ifndef STACK_PLACE_H
#define STACK_PLACE_H

#include "runtime/stack/up.h"

/**
 * place_enter() - of a unit's main process: go into a leaf of the unit's group
 * Only then can controllers be enabled in that group (cgroup v2: no processes in inner
 * nodes). Fills u->own; without Delegate= it stays NULL and nothing is done.
 */
must_check int place_enter(struct up *u, struct err *e);
/**
 * place_settle() - decide the place anew where nothing of the stack runs; make groups of
 * existing containers that are gone, as systemd removes those of a unit that was stopped
 * What runs stays where it is. Needs RUN/STACK and the stack's lock.
 */
must_check int place_settle(struct up *u, struct err *e);

#endif
