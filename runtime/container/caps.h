/*
 * container/caps.h - capability sets: private to the container room.
 *
 * Knows capability names and what a container keeps by default. Sets are one bit a
 * capability.
 */
#ifndef CONTAINER_CAPS_H
#define CONTAINER_CAPS_H

#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/container/spec.h"

/**
 * container_caps_decide() - what the container's processes may at most have
 * @userns: it has a user namespace of its own, so every capability can be given
 * One that was asked for by name but that the host itself lacks is left out with a note.
 */
must_check int container_caps_decide(const struct container_spec *s, bool userns,
				     uint64_t *ret, struct err *e);
/** container_caps_bound() - take all others out of the bounding set; empty the ambient
 * set */
must_check int container_caps_bound(uint64_t caps, struct err *e);
/** container_caps_apply() - effective = permitted = @caps, inheritable = none */
must_check int container_caps_apply(uint64_t caps, struct err *e);

#endif
