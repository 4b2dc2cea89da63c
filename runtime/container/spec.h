/*
 * container/spec.h - what one confined process is to be. Plain data.
 *
 * Strings and numbers are stored as JSON (container_spec_format/parse) so that a restart
 * or an exec can be done later by another process; fds are never stored: whoever creates
 * fills them.
 */
#ifndef CONTAINER_SPEC_H
#define CONTAINER_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"
#include "runtime/base/json.h"
#include "runtime/base/str.h"

enum container_mount_type {
	CONTAINER_MOUNT_BIND,  /* source_fd if >= 0, else the host path source */
	CONTAINER_MOUNT_TMPFS, /* options, e.g. "size=65536k,mode=1777" */
};

struct container_mount {
	enum container_mount_type type;
	char *source;
	int source_fd; /* borrowed, -1: unset; an O_PATH or directory fd, cloned by us */
	char *target;  /* absolute, resolved inside the root; made if missing */
	char *options;
	bool read_only, nosuid, nodev, noexec;
	bool idmap;  /* show the source's ids 0..65535 as the container's own */
	bool device; /* a device node, usable although its source's mount is nodev */
};

struct container_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

struct container_exact;
struct container_spec {
	/* stored */
	struct strv args; /* argv of the main process, at least one */
	struct strv env;  /* NAME=VALUE; HOME and PATH are added where missing */
	char *user; /* "", "uid", "name", either with ":group"; by the image's own passwd
		     */
	char *cwd;  /* absolute, made if missing; NULL is "/" */
	char *hostname;  /* NULL: unchanged */
	char *init_path; /* host path of minibox-init; NULL: args run as PID 1 themselves
			  */
	char *launcher;  /* host path of minibox-init, for a program that is run without
			    it but by the host's root: what such a program finds as
			    /proc/self/exe must not be ours (CVE-2019-5736). NULL: none */
	bool read_only;  /* root file system */
	bool privileged; /* all capabilities of its user namespace, no seccomp, no masks
			  */
	bool no_new_privs;
	bool seccomp_off;
	char *seccomp_profile; /* Docker's JSON, instead of our own filter; NULL: ours */
	char *apparmor; /* profile, or "unconfined"; NULL: minibox-default where it is
			   loaded, but not if privileged */
	bool tty;       /* a pty of the container's own devpts on 0, 1, 2 */
	struct strv cap_add, cap_drop; /* "NET_ADMIN", "CAP_NET_ADMIN", "ALL" */
	struct strv sysctls;           /* "net.core.somaxconn=1024" */
	uint64_t shm_bytes;            /* size of /dev/shm; 0: 64 MiB */
	int oom_score_adj;             /* -1000..1000, whatever the caller's own */
	uid_t host_id_base; /* first host id of the user namespace; 0 with userns_fd < 0
			     */
	struct container_mount *mounts; /* in order */
	size_t n_mounts;
	struct container_rlimit *rlimits;
	size_t n_rlimits;
	/* not stored; borrowed; -1 is unset */
	int rootfs_fd; /* directory fd of a mount's root: cloned, so it stays usable */
	int userns_fd; /* -1: the host's user namespace */
	int netns_fd;  /* -1: the caller's network namespace */
	int stdio[3];  /* -1: /dev/null; ignored with tty */
	int status_fd; /* minibox-init writes the main process's wait status here, -1: no
			*/
	const struct cgroup *cgroup; /* joined first; NULL: none */
	bool die_with_parent; /* SIGKILL when the caller ends: for a check nobody waits
				 for any more */
	int cache_fd; /* directory for the compiled seccomp filter, -1: compile each time
		       */
	/* Everything told in detail (exact.h), instead of hostname's and cwd's neighbours
	 * above: user, mounts, capabilities, seccomp, masks; NULL: by this room's own
	 * ways */
	const struct container_exact *exact;
};

/** container_spec_init() - empty spec: all fds -1, no_new_privs on */
void container_spec_init(struct container_spec *s);
/** container_spec_free() - frees strings and vectors, closes nothing */
void container_spec_free(struct container_spec *s);
/** container_spec_add_mount() - append a zeroed mount with source_fd -1; borrowed, valid
 * until the next */
struct container_mount *container_spec_add_mount(struct container_spec *s);
/** container_spec_format() - the stored part as JSON, owned by the caller */
json_t *container_spec_format(const struct container_spec *s);
/** container_spec_parse() - back from JSON; @s must be initialised; names a bad member */
must_check int container_spec_parse(const json_t *j, struct container_spec *s,
				    struct err *e);

#endif
