/*
 * container/exact.h - a container told in every detail, as an OCI configuration does.
 *
 * Plain data. A spec without it gets the room's own choice of namespaces, mounts, masks,
 * capabilities and system calls; with it nothing is added and nothing is left out. The
 * words are those of the OCI runtime specification 1.2 (config.md, config-linux.md).
 */
#ifndef CONTAINER_EXACT_H
#define CONTAINER_EXACT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/err.h"
#include "runtime/base/json.h"
#include "runtime/base/str.h"

struct container_idmap {
	uint32_t inside, outside, size;
};
struct container_idmaps {
	struct container_idmap *v;
	size_t n;
};

enum container_exact_kind {
	CONTAINER_EXACT_FS,     /* a new file system of the type */
	CONTAINER_EXACT_BIND,   /* what stands at source on the host */
	CONTAINER_EXACT_CGROUP, /* the hierarchies as the container may see them */
};

struct container_exact_mount {
	enum container_exact_kind kind;
	char *type, *source;  /* source of a bind: an absolute host path */
	char *target;         /* absolute, resolved inside the root, made if missing */
	char *data;           /* of a new file system: "mode=755,size=64k" */
	unsigned set, clear;  /* MOUNT_ATTR_* of the mount */
	unsigned set_rec;     /* MOUNT_ATTR_* of all mounts of its tree */
	unsigned propagation; /* MS_PRIVATE ... or 0: private */
	bool propagation_rec, recursive;
	bool copy_up; /* a tmpfs starts with what it hides */
	int idmap_fd; /* user namespace to idmap by, borrowed; -1: none */
};

struct container_exact_device {
	char *path;
	char type; /* 'c', 'b', 'p' */
	unsigned major, minor;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

enum { CONTAINER_EXACT_NS = 8 };

/* Points of a container's making at which its maker may act; NULL: nothing is done. */
struct container_moments {
	void *arg;
	/* in the caller: all is built, but the root is not entered yet */
	int (*built)(void *arg, pid_t pid, struct err *e);
	/* in the new process, at the same time: the container's namespaces, the host's
	 * root */
	int (*inside)(void *arg, struct err *e);
	/* in the new process, in its root, when it was told to start */
	int (*starting)(void *arg, struct err *e);
};

struct container_exact {
	int new_ns;                      /* CLONE_NEW* to be made */
	int join_ns[CONTAINER_EXACT_NS]; /* namespaces to be entered, by fd, in order */
	size_t n_join;
	/* In the caller's mount namespace: the root is entered by chroot(2) alone, and
	 * none of the mounts, devices, masks and attributes below is made, for they would
	 * be the host's. */
	bool host_mounts;
	bool own_cgroup_ns; /* one is made or entered */

	struct container_exact_mount *mounts;
	size_t n_mounts;
	struct container_exact_device *devices; /* beside null, zero, full ... */
	size_t n_devices;
	struct strv masked, read_only; /* paths */
	unsigned root_propagation;     /* MS_*; 0: private */
	char *domainname;

	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	mode_t umask;
	/* One bit a capability. One that the host lacks is left out. */
	uint64_t bounding, effective, permitted, inheritable, ambient;
	bool set_oom_score_adj;
	int oom_score_adj;
	char *apparmor;               /* profile; NULL: none */
	struct sock_fprog filter;     /* len 0: none; owned */
	unsigned filter_flags;        /* SECCOMP_FILTER_FLAG_* */
	unsigned short rows, columns; /* of the terminal; 0: unset */
	unsigned preserve_fds;        /* fds from 3 on that the process keeps */
	bool keep_keyring;            /* stay in the caller's session keyring */
	/* A listening SOCK_SEQPACKET socket: the word to start comes by a connection to
	 * it (container_word_send()) instead of container_start(). -1: unset; borrowed */
	int word_fd;
	struct container_moments moments;
};

/** container_exact_init() - empty: all fds -1, umask 022 */
void container_exact_init(struct container_exact *x);
/** container_exact_free() - frees what it owns, closes nothing */
void container_exact_free(struct container_exact *x);
/** container_exact_add_mount() - append a mount with idmap_fd -1; borrowed, valid until
 * the next */
struct container_exact_mount *container_exact_add_mount(struct container_exact *x);

/** container_caps_parse() - array of "CAP_NAME" to bits; an unknown name is -EINVAL */
must_check int container_caps_parse(const struct strv *names, uint64_t *ret,
				    struct err *e);
/** container_caps_names() - all that this kernel has, "CAP_CHOWN" first */
void container_caps_names(struct strv *ret);

/**
 * container_seccomp_compile() - linux.seccomp of an OCI configuration as a filter
 * @ret: ret->filter is owned by the caller (free)
 * @ret_flags: SECCOMP_FILTER_FLAG_*
 * Names of calls that this machine does not have are skipped, as the specification wants.
 * Anything else that is unknown is -EINVAL and named.
 */
must_check int container_seccomp_compile(const json_t *seccomp, struct sock_fprog *ret,
					 unsigned *ret_flags, struct err *e);
/** container_seccomp_features() - names of the known actions, operators, machines */
void container_seccomp_features(struct strv *actions, struct strv *operators,
				struct strv *archs);

/** container_userns_create_maps() - a user namespace with these maps; see
 * container_userns_create() */
must_check int container_userns_create_maps(const struct container_idmaps *uids,
					    const struct container_idmaps *gids,
					    int *ret_fd, struct err *e);

/**
 * container_word_send() - tell a process that waits at @sock_path to start
 * Returns when it has become its program: then the socket's connection is closed.
 * What the process met instead is in @e; -ESRCH when nobody waits there.
 */
must_check int container_word_send(int dir, const char *sock_name, struct err *e);

#endif
