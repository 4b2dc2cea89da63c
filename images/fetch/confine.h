/*
 * images/fetch/confine.h - what minibox-fetch may still do once it talks to a stranger.
 *
 * Knows the kernel's ways to give rights up. Does not know HTTP.
 */
#ifndef FETCH_CONFINE_H
#define FETCH_CONFINE_H

#include "runtime/base/err.h"

/**
 * confine() - give up everything but the network and reading a few system files
 * Afterwards: descriptors 0 to 2 only; user and group 65534 without capabilities (where
 * it was root); no_new_privs; no core, no file larger than nothing; a Landlock domain
 * that can read /etc, /usr and the like, where the kernel has Landlock; a seccomp filter
 * without exec, ptrace, mount, namespaces, keys, bpf, io_uring; dies with the thread that
 * started it. Return: 0 or -errno; the caller must end then.
 */
must_check int confine(struct err *e);

#endif
