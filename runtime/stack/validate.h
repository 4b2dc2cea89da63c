/*
 * stack/validate.h - what must hold between services, volumes and ports of a decoded
 * model.
 *
 * Knows relations. Does not know syntax; touches no file.
 */
#ifndef STACK_VALIDATE_H
#define STACK_VALIDATE_H

#include "runtime/stack/conf/diag.h"
#include "runtime/stack/model.h"

/**
 * validate_model() - check @m, resolve conditions of depends_on that were not written
 * @active: one for each service: may it run under the active profiles? What does not run
 * is checked less: nothing may depend on it.
 */
void validate_model(struct stack_model *m, const bool *active, struct diag *diag);

#endif
