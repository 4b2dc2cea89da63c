/*
 * oci/hooks.h - the programs that a config.json wants run at points of a container's
 * life. Private. Knows config.md, "POSIX-platform Hooks".
 */
#ifndef OCI_HOOKS_H
#define OCI_HOOKS_H

#include "runtime/oci/state.h"

/**
 * oci_hooks_run() - run those of @kind in order, in the caller's own namespaces
 * @state: what they get on standard input
 * The first that fails (status, signal, timeout) is told and ends it.
 */
must_check int oci_hooks_run(const json_t *config, const char *kind, const json_t *state,
			     struct err *e);
/** oci_hooks_run_all() - as oci_hooks_run(), but one that fails is a warning, and the
 * next ones run all the same: what runtime.md wants of poststart and poststop */
void oci_hooks_run_all(const json_t *config, const char *kind, const json_t *state);
/** oci_hooks_any() - whether there are any of @kind */
bool oci_hooks_any(const json_t *config, const char *kind);

#endif
