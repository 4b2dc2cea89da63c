/*
 * stack/confine.h - what a service may use of the machine: its limits and devices.
 * Private.
 */
#ifndef STACK_CONFINE_H
#define STACK_CONFINE_H

#include "runtime/stack/instance.h"

/**
 * confine_create() - make the service's cgroup with every limit of the file
 * @path: of the group. Each limit is read back; an error names key and value. Disks and
 * devices are looked up now, by what the paths name on the host.
 */
must_check int confine_create(const struct instance_source *src,
			      const struct record_service *rs, const char *path,
			      struct err *e);
/**
 * confine_budget() - set the limits of the whole stack on the parent of its groups
 * All at 0 lift what was set before. An error names stack, key and value.
 */
must_check int confine_budget(struct stack_host *h, const struct stack_model *m,
			      struct err *e);
/** confine_has_budget() - is any limit of the whole stack set? */
bool confine_has_budget(const struct stack_model *m);
/**
 * confine_nodes() - in a user namespace: nodes of the service's devices, owned by its ids
 * @dir: the service's runtime directory, which gets dev.0, dev.1, …; they go with it
 */
must_check int confine_nodes(const struct instance_source *src,
			     const struct record_service *rs, int dir, struct err *e);
/** confine_mounts() - the binds of its devices, appended to @spec (pure) */
void confine_mounts(const struct instance_source *src, const struct record_service *rs,
		    struct container_spec *spec);

#endif
