/* cli/upwait.h - staying until a stack is up, for `up -d` and `rollback`. Private. */
#ifndef CLI_UPWAIT_H
#define CLI_UPWAIT_H

#include "runtime/cli/context.h"

/**
 * upwait() - until all of @services (empty: all of the stack) are up; then the stack's
 * model is remembered as one that came up
 * @sigfd: from signals_open(): SIGINT ends the wait (-EINTR), the stack stays as it is
 * A service that fails makes it fail, with its last lines on standard error; --timeout of
 * @a bounds it (-ETIMEDOUT).
 */
must_check int upwait(struct cli *c, const struct cli_args *a, const char *stack,
		      const struct strv *services, int sigfd, struct err *e);

#endif
