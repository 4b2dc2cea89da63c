/*
 * supervisor/spawn.h - runs a short-lived `minibox VERB STACK SERVICE`.
 */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include "runtime/supervisor/service.h"

/**
 * spawn_helper() - start it in a session of its own, dying with the supervisor
 * @verb: "_launch", "_health", "_refresh"
 * @fd:   handed on as descriptor @as_fd (1 or 3); -1: none. Stays the caller's.
 * Return: its pid, or -errno.
 */
int spawn_helper(const struct supervisor *sup, const struct service *s, const char *verb,
		 int fd, int as_fd);
/** spawn_kill() - kill a helper and all of its process group; 0: nothing to do */
void spawn_kill(int pid);

#endif
