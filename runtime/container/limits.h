/*
 * container/limits.h - resource limits of a process: private to the container room.
 *
 * Knows setrlimit(2) and the defaults. Does not know cgroups.
 */
#ifndef CONTAINER_LIMITS_H
#define CONTAINER_LIMITS_H

#include <stdbool.h>
#include <sys/resource.h>

#include "runtime/base/err.h"
#include "runtime/container/spec.h"

/** container_limits_decide() - the spec's limits over the defaults; arrays of
 * RLIM_NLIMITS */
must_check int container_limits_decide(const struct container_spec *s, struct rlimit *ret,
				       bool *ret_set, struct err *e);
/** container_limits_listed() - the spec's limits alone, on arrays of zeroes */
must_check int container_limits_listed(const struct container_spec *s, struct rlimit *ret,
				       bool *ret_set, struct err *e);
/** container_limits_raise() - lift hard limits, as the host's root, before rights are
 * given up */
must_check int container_limits_raise(const struct rlimit *l, const bool *set,
				      struct err *e);
/** container_limits_apply() - set them all; needs no rights after
 * container_limits_raise() */
must_check int container_limits_apply(const struct rlimit *l, const bool *set,
				      struct err *e);

#endif
