/*
 * supervisor/loop.h - epoll, timers and children: hands each event to the file it belongs
 * to.
 */
#ifndef SUPERVISOR_LOOP_H
#define SUPERVISOR_LOOP_H

#include "runtime/supervisor/service.h"

/** loop_watch() - report @events of @fd as (@kind, @slot); an fd is forgotten by closing
 * it */
void loop_watch(struct supervisor *sup, int fd, enum token_kind kind, uint32_t slot,
		uint32_t events);
/** loop_change() - other events for an fd that is watched */
void loop_change(struct supervisor *sup, int fd, enum token_kind kind, uint32_t slot,
		 uint32_t events);
/** loop_close() - close *@fd if open and set it to -1 */
void loop_close(int *fd);
/** loop_run() - until QUIT was asked and the helpers under way have ended */
void loop_run(struct supervisor *sup);

#endif
