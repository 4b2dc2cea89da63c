/*
 * cgroup/cgroup.h - control groups v1 and v2 behind one interface.
 *
 * Knows: the hierarchies mounted on this host, a group's path below them, limits,
 * freezing, killing. Does not know what a stack is: it is handed paths such as
 * "minibox/shop/db", used alike in every hierarchy, so that an orphan is always found
 * again from its name. Kernel documents: admin-guide/cgroup-v1/,
 * admin-guide/cgroup-v2.rst.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

enum { CGROUP_E_ABSENT = 1 };

struct cgroup_host; /* the hierarchies of this machine */
struct cgroup;      /* one group in all of them, by fds */

/* What may be read and written of one disk each second; 0: no limit. */
enum {
	CGROUP_READ_BPS,
	CGROUP_WRITE_BPS,
	CGROUP_READ_IOPS,
	CGROUP_WRITE_IOPS,
	CGROUP_IO_RATES
};
struct cgroup_io {
	unsigned major, minor; /* a whole disk: the kernel refuses partitions */
	uint64_t rate[CGROUP_IO_RATES];
};

/* A rule about a device, or about several. */
#define CGROUP_DEVICE_ANY UINT32_MAX
struct cgroup_device {
	bool deny;
	char type;             /* 'c', 'b', or 'a': both */
	unsigned major, minor; /* up to INT32_MAX; CGROUP_DEVICE_ANY: all */
	char access[4];        /* of "rwm" */
};

struct cgroup_limits {
	uint64_t memory_bytes;         /* 0: none */
	uint64_t memory_reserve_bytes; /* v1: soft limit; v2: memory.low; 0: none */
	uint64_t cpu_millis;           /* 1000 is one processor's time; 0: none */
	uint64_t cpu_quota_usec;  /* of each period, instead of cpu_millis; 0: none */
	uint64_t cpu_period_usec; /* 1000..1000000; 0: 100000 */
	uint64_t pids;            /* 0: none */
	bool devices; /* only the usual ones, see cgroup_usual_devices(); where nobody
			 keeps it, a warning, but for @allow without both r and w */
	uint64_t memswap_bytes; /* memory and swap; 0: twice memory_bytes, as Docker; ~0:
				   no limit */
	uint64_t cpu_shares;    /* 2..262144, as Docker; 0: unset */
	const char *cpuset; /* processors, "0-2,4"; NULL: all of the parent's. Borrowed */
	bool everywhere;    /* also where no limit asks for it; see cgroup_create() */
	bool oom_group; /* v2: one out-of-memory kill takes the whole group; v1: nothing
			   is done, see cgroup_oom_wait() */
	uint64_t io_weight;         /* 10..1000, as Docker; 0: unset */
	const struct cgroup_io *io; /* borrowed */
	uint64_t n_io;
	const struct cgroup_device *allow; /* with devices: these, too; borrowed */
	uint64_t n_allow;
};

struct cgroup_usage {
	uint64_t memory_bytes; /* now */
	uint64_t memory_peak_bytes;
	uint64_t cpu_usec; /* in all */
	uint64_t pids;
	uint64_t oom_kills;
};

/* Time that processes of a group waited, accounting/psi.rst. */
enum { CGROUP_CPU, CGROUP_MEMORY, CGROUP_IO, CGROUP_PRESSURES };
struct cgroup_pressure {
	bool known;                    /* false: the kernel has none for this group */
	double some_avg10, full_avg10; /* percent of the last 10 s: some, all waited */
	uint64_t some_usec, full_usec; /* in all */
};

struct cgroup_stats {
	uint64_t memory_bytes; /* without page cache that is not in use, as Docker */
	uint64_t cpu_usec;     /* in all */
	uint64_t pids;
	bool has_io; /* false: v1's blkio is not in use here */
	uint64_t read_bytes, write_bytes;
	struct cgroup_pressure pressure[CGROUP_PRESSURES];
};

/**
 * cgroup_host_open() - find the hierarchies by /proc/self/mountinfo
 * @ret: owned by the caller (cgroup_host_free())
 * A unified hierarchy without controllers (hybrid host) is used beside the v1 ones, for
 * cgroup.kill and cgroup.events. -ENOENT when nothing is mounted.
 */
must_check int cgroup_host_open(struct cgroup_host **ret, struct err *e);
struct cgroup_host *cgroup_host_free(struct cgroup_host *h);
/** cgroup_host_version() - 2 where memory and pids are on the unified hierarchy, else 1
 */
int cgroup_host_version(const struct cgroup_host *h);

/** cgroup_memory_dir() - absolute path of the group @path where the memory controller is;
 * owned by the caller; NULL: it is on no hierarchy */
char *cgroup_memory_dir(const struct cgroup_host *h, const char *path);

/**
 * cgroup_delegated() - the caller's own group, where systemd has given it away
 * (Delegate=): what is below it is ours to make. systemd's "Control Group APIs and
 * Delegation".
 * @ret: relative path, owned by the caller
 * Return: 0; CGROUP_E_ABSENT: it was not given away, or is the root; -errno
 */
must_check int cgroup_delegated(const struct cgroup_host *h, char **ret, struct err *e);
/**
 * cgroup_enter() - make @path in the unified hierarchy and go there, no controllers on
 * The way down is free of processes only afterwards, and controllers that were turned on
 * before (the threaded ones could be) would make what is below invalid for processes.
 */
must_check int cgroup_enter(const struct cgroup_host *h, const char *path, struct err *e);
/** cgroup_exists() - is there a group @path in any hierarchy? */
bool cgroup_exists(const struct cgroup_host *h, const char *path);
/**
 * cgroup_create() - make (or adopt) the group @path and set its limits
 * In every hierarchy, but for v1's cpuset and devices, which only a limit of theirs
 * brings in.
 * @path: relative, e.g. "minibox/shop/db"; parents are made, on v2 with their controllers
 * on
 * @ret:  may be NULL; else owned by the caller (cgroup_free() closes fds, removes
 * nothing) Limits are read back: one that the kernel did not take is an error naming the
 * file. A limit whose controller is not available is an error naming the controller. On
 * failure the groups that this call made are removed.
 */
must_check int cgroup_create(const struct cgroup_host *h, const char *path,
			     const struct cgroup_limits *lim, struct cgroup **ret,
			     struct err *e);
/** cgroup_open() - an existing group. Return: 0, CGROUP_E_ABSENT, or -errno */
must_check int cgroup_open(const struct cgroup_host *h, const char *path,
			   struct cgroup **ret, struct err *e);
struct cgroup *cgroup_free(struct cgroup *g);

/**
 * cgroup_join() - move the calling process, of one thread, into the group (every
 * hierarchy; v1 by "tasks", which takes only the calling thread)
 * Async-signal-safe: only write(2) on fds that are already open, so that a child made by
 * clone(CLONE_VM) may call it.
 */
must_check int cgroup_join(const struct cgroup *g, struct err *e);
/** cgroup_join_v1() - as cgroup_join(), for a process that was born in the unified group
 */
must_check int cgroup_join_v1(const struct cgroup *g, struct err *e);
/** cgroup_dirfd_v2() - directory fd in the unified hierarchy for CLONE_INTO_CGROUP, or -1
 */
int cgroup_dirfd_v2(const struct cgroup *g);

/** cgroup_usage() - what the group uses now; members without a controller are 0 */
must_check int cgroup_usage(const struct cgroup *g, struct cgroup_usage *ret,
			    struct err *e);
/**
 * cgroup_devices() - rules about devices, in order, for a group that cgroup_create() made
 * without limits.devices
 * v1: written onto what the group has, the parent's, in the kernel's own reading (a rule
 * takes back only one for the very same device). v2 and a hybrid host without v1's
 * controller: a BPF filter instead of an earlier one of ours; the last rule for a device
 * and an access decides, and the filters of the groups above hold as well.
 * @must: where bpf(2) is not to be had they are an error, not a warning
 * On failure v1 may have some of the rules, v2 has none.
 */
must_check int cgroup_devices(const struct cgroup *g, const struct cgroup_device *rules,
			      size_t n, bool must, struct err *e);
/** cgroup_usual_devices() - rules that allow what every container has: null, zero, full,
 * random, urandom, tty, ptmx and terminals. Static */
const struct cgroup_device *cgroup_usual_devices(size_t *ret_n);
/** cgroup_stats() - what the group uses now and has used; members without a controller
 * are 0 */
must_check int cgroup_stats(const struct cgroup *g, struct cgroup_stats *ret,
			    struct err *e);
/** cgroup_limits() - memory, cpu and pids as the kernel has them now; other members are 0
 */
must_check int cgroup_limits(const struct cgroup *g, struct cgroup_limits *ret,
			     struct err *e);
/**
 * cgroup_oom_wait() - v1: until more than @known processes were killed for want of memory
 * A process that waits here and then calls cgroup_kill() is what v2's oom_group is.
 * Return: 0; CGROUP_E_ABSENT once no process is left in the group; -ENOTSUP on v2.
 */
must_check int cgroup_oom_wait(const struct cgroup *g, uint64_t known, struct err *e);
/** cgroup_freeze() - freeze or thaw all processes; returns once it is so (bounded, 2 s)
 */
must_check int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e);
/** cgroup_kill() - SIGKILL to everything in the group and below, also what forks
 * meanwhile */
must_check int cgroup_kill(const struct cgroup *g, struct err *e);
/**
 * cgroup_nest() - a group @name below @g for some of its processes: what joins @g by this
 * struct from now on is there
 * In one hierarchy only (the unified one, else that of pids), without controllers: every
 * limit of @g holds (cgroup-v2.rst, "No Internal Process Constraint": none is enabled).
 * @ret: that group alone, for cgroup_unnest() or, to leave it, cgroup_free()
 */
must_check int cgroup_nest(struct cgroup *g, const char *name, struct cgroup **ret,
			   struct err *e);
/** cgroup_unnest() - kill all in a group of cgroup_nest(), remove it (bounded, 2 s) and
 * free @n, also on failure */
must_check int cgroup_unnest(struct cgroup *n, struct err *e);
/** cgroup_is_empty() - true when no process is in the group or below */
bool cgroup_is_empty(const struct cgroup *g);
/**
 * cgroup_destroy() - kill what is left in @path and remove it with its sub-groups, in
 * every hierarchy; then remove parents that are empty, up to (and with) the first
 * component. Absent is done. Waits (bounded, 2 s) for killed processes to be gone.
 */
must_check int cgroup_destroy(const struct cgroup_host *h, const char *path,
			      struct err *e);
/** cgroup_destroy_alone() - as cgroup_destroy(), but the parents stay: with limits,
 * maybe, that somebody else has set and relies on */
must_check int cgroup_destroy_alone(const struct cgroup_host *h, const char *path,
				    struct err *e);
/** cgroup_has_file() - whether a hierarchy of the group has the interface file @file */
bool cgroup_has_file(const struct cgroup *g, const char *file);
/** cgroup_write_file() - write @text to the interface file @file, whichever hierarchy has
 * it. Return: 0, CGROUP_E_ABSENT where none has, or -errno */
must_check int cgroup_write_file(const struct cgroup *g, const char *file,
				 const char *text, struct err *e);
struct cgroup_pids {
	pid_t *v; /* owned by the caller (free) */
	size_t n;
};
/** cgroup_pids() - all processes in the group and below */
void cgroup_pids(const struct cgroup *g, struct cgroup_pids *ret);
/** cgroup_children() - names of the sub-groups of @path in any hierarchy, sorted, unique
 */
must_check int cgroup_children(const struct cgroup_host *h, const char *path,
			       struct strv *ret, struct err *e);

#endif
