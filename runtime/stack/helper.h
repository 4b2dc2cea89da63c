/*
 * stack/helper.h - commands of ours that go on when this one has ended. Private.
 */
#ifndef STACK_HELPER_H
#define STACK_HELPER_H

#include "runtime/stack/host.h"

/**
 * helper_spawn() - `minibox VERB STACK [SERVICE [ARG]]` in a session of its own, with no
 * fd but /dev/null; nobody waits for it
 */
must_check int helper_spawn(struct stack_host *h, const char *verb, const char *stack,
			    const char *service, const char *arg, struct err *e);

#endif
