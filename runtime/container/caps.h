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
/** container_caps_asked() - of @caps what 'cap_add' asks for: a user who is not root has
 * these and no others. As Docker's default such a user has none; what was asked for by
 * name must not be silently without effect. */
must_check int container_caps_asked(const struct container_spec *s, uint64_t caps,
				    uint64_t *ret, struct err *e);
/** container_caps_bound() - take all others out of the bounding set; empty the ambient
 * set */
must_check int container_caps_bound(uint64_t caps, struct err *e);
/** container_caps_apply() - effective = permitted = @caps, inheritable = none */
must_check int container_caps_apply(uint64_t caps, struct err *e);
/** container_caps_lend() - the same, and kept by execve of a user who is not root:
 * inheritable and ambient, too. After the change of user, with PR_SET_KEEPCAPS. */
must_check int container_caps_lend(uint64_t caps, struct err *e);
/** container_caps_set() - the three sets of this process as told */
must_check int container_caps_set(uint64_t effective, uint64_t permitted,
				  uint64_t inheritable, struct err *e);
/** container_caps_regain() - make effective again all that is permitted */
must_check int container_caps_regain(struct err *e);
/** container_caps_exact() - the sets of @x but for the bounding one, ambient included
 * After the change of user, with its permitted set kept (PR_SET_KEEPCAPS). */
must_check int container_caps_exact(const struct container_exact *x, struct err *e);

#endif
