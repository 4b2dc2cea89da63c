/*
 * cli/unitmain.h - `up --unit`: being the main process of a systemd unit until the
 * supervisor can be it. Private.
 *
 * Knows sd_notify(3)'s words and what systemd wants of a main process: to say when all is
 * up, and to end well on SIGTERM.
 */
#ifndef CLI_UNITMAIN_H
#define CLI_UNITMAIN_H

#include "runtime/cli/context.h"

/** unitmain_open() - what systemd told us by the environment
 * -EINVAL (exit status 2) where no service manager listens. @ret borrows from the
 * environment. */
must_check int unitmain_open(struct cli *c, struct sup_unit *ret, struct err *e);
/**
 * unitmain_wait() - until every service is up, however long; then tell systemd, and who
 * the main process is from now on
 * A service that fails is said once, and waited for: ending would take the others down.
 * @sigfd: on a signal the stack is stopped in order; that is no failure.
 */
must_check int unitmain_wait(struct cli *c, const struct sup_unit *unit,
			     const char *stack, const struct strv *services, int sigfd,
			     struct err *e);

#endif
