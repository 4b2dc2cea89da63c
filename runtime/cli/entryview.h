/*
 * cli/entryview.h - what happened to a stack, for people and for programs. Private.
 */
#ifndef CLI_ENTRYVIEW_H
#define CLI_ENTRYVIEW_H

#include "runtime/cli/context.h"

/** entryview_json() - an object: time, stack, service (null: the stack itself), event,
 * what the event brings, text; owned by the caller */
json_t *entryview_json(const char *stack, const struct sup_entry *n);

#endif
