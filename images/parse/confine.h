/*
 * images/parse/confine.h - a process gives up everything but computing.
 *
 * Knows rlimits, chroot, Landlock and seccomp. Does not know what will be parsed.
 */
#ifndef PARSE_CONFINE_H
#define PARSE_CONFINE_H

#include "runtime/base/err.h"

/**
 * confine() - for the rest of this process's life
 * Before: root, an empty directory at descriptor WIRE_FD_EMPTY. Afterwards: user and
 * group 65534 without capabilities or new privileges, the empty directory as root,
 * descriptors 0 to 3 and no more, no file may be opened or grow, Landlock grants no path
 * and no port (where the kernel has it), seccomp kills on any call but reading, writing
 * and memory, SIGKILL when the parent dies. See landlock(7), seccomp(2). Return: 0, or
 * -errno: the caller must not go on then.
 */
must_check int confine(struct err *e);

#endif
