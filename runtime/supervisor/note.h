/*
 * supervisor/note.h - LOGS/STACK/supervisor.log: the supervisor's own trouble, bounded in
 * size.
 */
#ifndef SUPERVISOR_NOTE_H
#define SUPERVISOR_NOTE_H

#include "runtime/supervisor/service.h"

/** note() - append "@SECONDS SERVICE: WHAT (N)"; @service NULL: none, @n 0: left out */
void note(const struct supervisor *sup, const char *service, const char *what,
	  uint64_t n);

#endif
