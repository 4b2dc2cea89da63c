/*
 * oci/group.h - which cgroup is a container's. Private.
 *
 * Knows linux.cgroupsPath in its two forms, and what of it is ours to remove. Does not
 * know limits (resources.h).
 */
#ifndef OCI_GROUP_H
#define OCI_GROUP_H

#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/state.h"

/**
 * oci_cgroup_path() - "cgroupsPath" as a path of the cgroup room, owned by the caller
 * @systemd: it is "SLICE:PREFIX:NAME", made into the path that systemd would use: of
 *           a-b.slice it is a.slice/a-b.slice/PREFIX-NAME.scope (systemd.slice(5))
 * NULL or empty: "minibox-oci/ID". Return: 0 or -EINVAL.
 */
must_check int oci_cgroup_path(const char *told, const char *id, bool systemd, char **ret,
			       struct err *e);
/** oci_group_open() - the container's cgroup; NULL where it is gone */
must_check int oci_group_open(const struct oci_state *s, struct cgroup **ret,
			      struct err *e);
/**
 * oci_group_destroy() - the group @path, and whatever is in it
 * Parents go only where we chose the path ourselves: those that a caller told may have
 * limits for a pod, which holds them while no container is in it, too.
 */
must_check int oci_group_destroy(const struct cgroup_host *h, const char *path,
				 struct err *e);

#endif
