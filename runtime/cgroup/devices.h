/*
 * cgroup/devices.h - which devices a group may use: private.
 *
 * Knows rules as instructions for the kernel's device filter of v2, and how such a filter
 * comes to a group. Whose rules they are: cgroup.h.
 */
#ifndef CGROUP_DEVICES_H
#define CGROUP_DEVICES_H

#include <linux/bpf.h>
#include <stddef.h>

#include "runtime/cgroup/hier.h"

/* Instructions that @n rules take at most. */
#define CGROUP_DEVICE_INSNS(n) (4 + 12 * (n))

/**
 * cgroup_device_program() - rules as a program of type BPF_PROG_TYPE_CGROUP_DEVICE (pure)
 * @rules: in order. Of the rules for a device the last one that names an access decides
 * about that access; what no rule names is allowed, as in a new group of v1.
 * @ret: CGROUP_DEVICE_INSNS(@n) of them
 * Return: how many it took. See bpf_cgroup_dev_ctx in linux/bpf.h.
 */
size_t cgroup_device_program(const struct cgroup_device *rules, size_t n,
			     struct bpf_insn *ret);
/**
 * cgroup_filter_set() - make @rules the group's filter, instead of one that we gave it
 * Filters of others on the group stay, and those of the groups above hold as well.
 * @dir: of the group in the unified hierarchy
 * On failure the filter is the old one.
 */
must_check int cgroup_filter_set(int dir, const struct cgroup_device *rules, size_t n,
				 struct err *e);
/** cgroup_filter_lift() - remove our filter; none is done, too */
must_check int cgroup_filter_lift(int dir, struct err *e);
/** cgroup_filter_is_missing() - whether @r, a result of these, means that there is no
 * bpf(2) for us: by the kernel's configuration, or refused, as in a container */
bool cgroup_filter_is_missing(int r);

/** cgroup_limits_devices() - the part of cgroup_limits_apply() about devices */
must_check int cgroup_limits_devices(const struct cgroup *g,
				     const struct cgroup_limits *l, bool adopted,
				     struct err *e);

#endif
