/* images/layer/messages.h - the tar parser's messages, one by one, from its pipe. */
#ifndef IMAGES_MESSAGES_H
#define IMAGES_MESSAGES_H

#include "images/parse/wire.h"

enum { MESSAGES_E_END = 1 };

struct messages;

/** messages_new() - @fd is closed by messages_free() */
struct messages *messages_new(int fd);
/**
 * messages_next() - wait for the next message
 * @ret: valid until the next call. Of WIRE_NEED, WIRE_DATA and WIRE_DONE there is only
 *       @ret->m->h.
 * Return: 0; MESSAGES_E_END: the pipe ended before it; -errno
 */
must_check int messages_next(struct messages *in, struct wire_entry *ret, struct err *e);
/**
 * messages_data() - the next message, if it is WIRE_DATA or WIRE_NEED
 * @ret: of WIRE_NEED only the head; the rest is 0
 * What messages_next() handed out last stays valid.
 * Return: 1; 0: it is another one, which stays for messages_next(), or the pipe has
 * ended; -errno
 */
must_check int messages_data(struct messages *in, struct wire_data *ret, struct err *e);
struct messages *messages_free(struct messages *in);

#endif
