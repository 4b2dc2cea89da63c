/*
 * stack/leash.h - processes in a container that may not outlive the helper that started
 * them.
 *
 * Knows one group of processes and one process outside. Does not know what they do.
 */
#ifndef STACK_LEASH_H
#define STACK_LEASH_H

#include "runtime/base/err.h"
#include "runtime/cgroup/cgroup.h"

/**
 * leash_put() - what joins @g by this struct from now on dies with the calling process
 * However that ends (SIGKILL to its process group included), everything is killed that
 * was started so, whatever sessions and parents it has chosen meanwhile: a process of our
 * own in another session waits for the end, kills the group of cgroup_nest(), removes it.
 * On failure nothing is left but, perhaps, that @g leads to a group which is gone.
 */
must_check int leash_put(struct cgroup *g, struct err *e);

#endif
