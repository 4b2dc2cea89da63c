/*
 * oci/state.h - what is known of a container between two commands. Private.
 *
 * ROOT/ID/ holds state.json, config.json as it was at creation, and start.sock while the
 * process waits for its word. A process is known by its pid and its start time.
 */
#ifndef OCI_STATE_H
#define OCI_STATE_H

#include <stdint.h>
#include <sys/types.h>

#include "runtime/base/json.h"

#define OCI_VERSION "1.2.0"
#define OCI_START_SOCKET "start.sock"

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };

struct oci_state {
	int root, dir; /* root is borrowed */
	char *id, *bundle, *cgroup, *rootfs, *created;
	pid_t pid; /* 0: not made yet */
	uint64_t start_time;
	bool paused;
	json_t *config;
};

void oci_state_init(struct oci_state *s);
void oci_state_free(struct oci_state *s);
/** oci_state_root() - open the directory of all states, made 0700 if it is missing */
must_check int oci_state_root(const char *path, int *ret_fd, struct err *e);
/** oci_state_make() - a new, empty state directory; -EEXIST when there is one of that id
 */
must_check int oci_state_make(int root, const char *id, struct oci_state *s,
			      struct err *e);
/** oci_state_load() - -ENOENT when there is no such container */
must_check int oci_state_load(int root, const char *id, struct oci_state *s,
			      struct err *e);
must_check int oci_state_save(const struct oci_state *s, struct err *e);
/** oci_state_remove() - the directory and all in it */
must_check int oci_state_remove(struct oci_state *s, struct err *e);
enum oci_status oci_state_status(const struct oci_state *s);
const char *oci_status_name(enum oci_status status);
/** oci_state_format() - as `state` prints it and hooks get it
 * @pid: as the reader sees it; @more: with what is ours beside the specification's */
json_t *oci_state_format(const struct oci_state *s, enum oci_status status, pid_t pid,
			 bool more);

#endif
