/*
 * images/spawn.h - starting one of our own programs that handle foreign bytes.
 *
 * Knows descriptors and signals. Does not know what the program is for.
 */
#ifndef IMAGES_SPAWN_H
#define IMAGES_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include "runtime/base/err.h"

enum { SPAWN_FDS = 8 };

/**
 * spawn_program() - a process with exactly these descriptors and no signal of ours
 * blocked or ignored
 * @fds: becomes descriptor 0, 1, ... of it; -1: closed there; borrowed. Whatever else the
 * caller has open is O_CLOEXEC.
 * @n: of them, SPAWN_FDS at most
 * @argv, @envp: ended by NULL
 * @ret: owned by the caller, who waits for it
 * Return: 0; -ENOENT when the program is not there; other -errno. An error names it.
 */
must_check int spawn_program(const char *path, char *const argv[], char *const envp[],
			     const int *fds, size_t n, pid_t *ret, struct err *e);

#endif
