/*
 * container/child.h - the process that becomes the container's: private to the room.
 *
 * Knows the order in which rights are given up. Runs in its own copy of the caller's
 * memory; the only functions of this project, beside main(), that may exit.
 */
#ifndef CONTAINER_CHILD_H
#define CONTAINER_CHILD_H

#include "runtime/container/plan.h"

enum child_message_kind {
	CHILD_BUILT,  /* mounts are made, the root not entered; waits for an answer */
	CHILD_READY,  /* all done but execve; carries the pty master with tty */
	CHILD_FAILED, /* e tells why; the process exits */
};

/* One SOCK_SEQPACKET message. minibox-init, which has no struct err, sends a bare int:
 * errno. */
struct child_message {
	int kind;
	int exec_errno; /* not 0: it was the execve itself, or finding its file */
	struct err e;
};

/** container_child_main() - build, confine, report, wait for the word, execve */
void container_child_main(const struct container_plan *p) __attribute__((noreturn));

/** container_tty_open() - a pty of the devpts at /dev/pts; its slave as fd, its master as
 * fd
 * @console: also show the slave as /dev/console */
must_check int container_tty_open(uid_t owner, bool console, int *ret_master,
				  int *ret_slave, struct err *e);
/** container_loopback_up() - set lo up, in the network namespace that the caller is in
 * and rules. What an OCI runtime's callers expect of a new one. */
must_check int container_loopback_up(struct err *e);
/**
 * container_stdio_own() - standard input, output or error as the container may have it
 * @fd:  what the maker gave; -1: nothing, which is /dev/null
 * @uid: of the program that is to run
 * @ret: on 0 an fd that takes its place, or -1: @fd itself may stay
 *
 * A host's /dev/null is exchanged for the container's: by fchmod(2) root without a user
 * namespace would change the host's. A pipe is given to @uid, who may want to open
 * /dev/stderr (a pipe's owner is asked then); where that is refused it stays as it is.
 * Return: -errno when the container's /dev/null is missing or is another device, which
 * its root can bring about.
 */
must_check int container_stdio_own(int fd, uid_t uid, int *ret, struct err *e);

#endif
