/*
 * container/sysfilter.h - the system call filter: private to the container room.
 *
 * Knows which calls a container may make. An allow list: a call that it does not know is
 * ENOSYS, so that programs fall back; one that it knows and refuses is EPERM.
 */
#ifndef CONTAINER_SYSFILTER_H
#define CONTAINER_SYSFILTER_H

#include <linux/filter.h>
#include <stdint.h>

#include "runtime/base/err.h"

/**
 * container_sysfilter_load() - the filter for processes that may have @caps
 * @cache_fd: directory that keeps compiled filters by a hash of all that went into them;
 * -1: none
 * @ret: ret->filter owned by the caller (free)
 */
must_check int container_sysfilter_load(uint64_t caps, int cache_fd,
					struct sock_fprog *ret, struct err *e);

/**
 * container_sysfilter_load_profile() - the same by a profile in Docker's JSON form
 * @profile: its text; NULL: as container_sysfilter_load()
 * -EINVAL names the member that is wrong.
 */
must_check int container_sysfilter_load_profile(const char *profile, uint64_t caps,
						int cache_fd, struct sock_fprog *ret,
						struct err *e);
/** sysfilter_profile() - the rules of a profile, for processes that may have @caps
 * @ret: a scmp_filter_ctx, owned by the caller (seccomp_release()) */
must_check int sysfilter_profile(const char *text, uint64_t caps, void **ret,
				 struct err *e);

/* The lists (sysfilter_table.c): names separated by spaces. */
struct sysfilter_gate {
	int cap; /* allowed with this capability, EPERM without */
	const char *names;
};
extern const char sysfilter_allowed[], sysfilter_denied[];
extern const struct sysfilter_gate sysfilter_gates[];
extern const unsigned sysfilter_n_gates;

#endif
