/*
 * cgroup/hier.h - hierarchies and groups as the files of this room see them: private.
 *
 * Knows which controller is where. A group is a directory fd in each hierarchy.
 */
#ifndef CGROUP_HIER_H
#define CGROUP_HIER_H

#include "runtime/cgroup/cgroup.h"

enum {
	CTL_MEMORY = 1 << 0,
	CTL_CPU = 1 << 1,
	CTL_PIDS = 1 << 2,
	CTL_CPUSET = 1 << 3,
	CTL_DEVICES = 1 << 4, /* the unified hierarchy's where no v1 one has it */
	CTL_FREEZER = 1 << 5,
	CTL_CPUACCT = 1 << 6,
	CTL_IO = 1 << 7, /* blkio in v1 */
};
enum { HIER_MAX = 10 };

struct hier {
	char *mount;          /* mount point */
	unsigned controllers; /* CTL_*; on the unified hierarchy those that it offers */
	bool unified;
	int fd; /* of the mount point */
};

struct cgroup_host {
	struct hier hier[HIER_MAX];
	size_t n;
};

struct cgroup {
	char *path;
	size_t n;
	struct {
		int dir, procs;
		unsigned controllers;
		bool unified;
	} in[HIER_MAX];
};

/** cgroup_host_parse() - find hierarchies in the text of a mountinfo file (pure; fds are
 * -1) */
void cgroup_host_parse(char *mountinfo, struct cgroup_host *ret);
/** cgroup_host_find() - open all that @mountinfo tells; @prefix goes before each mount
 * point */
must_check int cgroup_host_find(char *mountinfo, const char *prefix,
				struct cgroup_host **ret, struct err *e);
/** cgroup_own_parse() - the unified hierarchy's group in the text of /proc/PID/cgroup
 * (pure); relative, owned by the caller; NULL: none, or the root */
char *cgroup_own_parse(char *text);
/** cgroup_controller_name() - "memory" for CTL_MEMORY; of one bit */
const char *cgroup_controller_name(unsigned controller);

/** cgroup_dir_of() - directory of the group that has @controller, or -1
 * @ret_unified: which kind of interface files it has */
int cgroup_dir_of(const struct cgroup *g, unsigned controller, bool *ret_unified);
/** cgroup_check_path() - relative, no empty or dotted component */
must_check int cgroup_check_path(const char *path, struct strv *ret_parts, struct err *e);
/** cgroup_limits_apply() - write and read back
 * @adopted: the group was there before: what is not limited now is lifted */
must_check int cgroup_limits_apply(const struct cgroup *g,
				   const struct cgroup_limits *lim, bool adopted,
				   struct err *e);
/** cgroup_io_weight(), cgroup_io_rates() - write and read back; rates that are not in @l
 * are lifted */
must_check int cgroup_io_weight(int dir, bool unified, const struct cgroup_limits *l,
				struct err *e);
must_check int cgroup_io_rates(int dir, bool unified, const struct cgroup_limits *l,
			       struct err *e);
/** cgroup_read_u64() - number in a file of a group; "max" or a huge number is 0 (no
 * limit) */
must_check int cgroup_read_u64(int dir, const char *name, uint64_t *ret, struct err *e);
/** cgroup_read_key() - number after "KEY " at a line's start; 0 if there is none */
uint64_t cgroup_read_key(int dir, const char *name, const char *key);
/** cgroup_parse_pressure() - text of a pressure file (pure) */
void cgroup_parse_pressure(const char *text, struct cgroup_pressure *ret);
/** cgroup_parse_io() - sums of all devices in the text of io.stat ("8:0 rbytes=1 ...") or
 * of blkio.throttle.io_service_bytes_recursive ("8:0 Read 1") (pure) */
void cgroup_parse_io(const char *text, bool unified, uint64_t *ret_read,
		     uint64_t *ret_write);

#endif
