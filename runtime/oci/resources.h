/*
 * oci/resources.h - "linux.resources" of a config.json, for v1 and v2. Private.
 *
 * Knows which interface file a member means in either version (config-linux.md, and the
 * conversions that the other runtimes share). Does not know where groups are.
 */
#ifndef OCI_RESOURCES_H
#define OCI_RESOURCES_H

#include "runtime/base/json.h"
#include "runtime/cgroup/cgroup.h"

/**
 * oci_resources_apply() - write all limits of @resources (NULL: none) into @g
 * @update: leave devices alone, as `update` does
 * A member that this host has no file for is an error naming it. On failure some limits
 * may be set already.
 */
must_check int oci_resources_apply(const json_t *resources, const struct cgroup *g,
				   bool update, struct err *e);

#endif
