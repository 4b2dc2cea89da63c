/*
 * supervisor/journal.h - LOGS/STACK/.events: what happened to the stack, a ring of fixed
 * size.
 *
 * Its blocks are allocated when it is made, so that a full disk keeps no entry out; an
 * entry is one pwrite into one page, so that SIGKILL leaves it whole or not there.
 */
#ifndef SUPERVISOR_JOURNAL_H
#define SUPERVISOR_JOURNAL_H

#include "runtime/supervisor/service.h"

/** journal_begin() - find where an earlier supervisor stopped writing */
void journal_begin(struct supervisor *sup);
/** journal_add() - write an entry
 * @s: whose pid is told with it; NULL: of the stack, with our own pid
 * @value, @count: what the kind says of them
 * @text: may be NULL
 * What cannot be written is noted in supervisor.log. */
void journal_add(struct supervisor *sup, const struct service *s,
		 enum sup_entry_kind kind, int value, uint32_t count, const char *text);

#endif
