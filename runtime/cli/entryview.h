/*
 * cli/entryview.h - what happened to a stack, for people and for programs. Private.
 */
#ifndef CLI_ENTRYVIEW_H
#define CLI_ENTRYVIEW_H

#include "runtime/cli/context.h"

struct entryview; /* what happened, in the order of time */

/** entryview_open() - @logs_fd: directory LOGS/STACK; owned by the caller */
must_check int entryview_open(int logs_fd, struct entryview **ret, struct err *e);
struct entryview *entryview_free(struct entryview *v);
/** entryview_next() - the next entry, borrowed until the next call; NULL at the present
 * end. A start is written when it is known to have happened, which is after others: what
 * is there is sorted. */
const struct sup_entry *entryview_next(struct entryview *v);

/** entryview_json() - an object: time, stack, service (null: the stack itself), event,
 * what the event brings, text; owned by the caller */
json_t *entryview_json(const char *stack, const struct sup_entry *n);

#endif
