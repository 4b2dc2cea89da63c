/*
 * supervisor/control.h - the socket .control: requests, answers, events.
 *
 * A client that does not read is dropped: nothing here ever blocks.
 */
#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include "runtime/supervisor/service.h"

/** control_listen() - bind .control in the working directory. Return: 0 or -errno. */
int control_listen(struct supervisor *sup);
/** control_accept() - take a new client */
void control_accept(struct supervisor *sup);
/** control_receive() - one request of the client in @slot */
void control_receive(struct supervisor *sup, uint32_t slot);
/** control_announce() - the state of @s to all who watch */
void control_announce(struct supervisor *sup, const struct service *s);
/** control_settle() - answer the requests whose end has come */
void control_settle(struct supervisor *sup);
/** control_forget() - @slot is about to be emptied: its open requests fail */
void control_forget(struct supervisor *sup, uint32_t slot);

#endif
