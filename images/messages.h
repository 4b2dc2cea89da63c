/* images/messages.h - the tar parser's messages, one by one, from its pipe. */
#ifndef IMAGES_MESSAGES_H
#define IMAGES_MESSAGES_H

#include "images/parse/wire.h"

enum { MESSAGES_E_END = 1 };

struct messages;

/** messages_new() - @fd is closed by messages_free() */
struct messages *messages_new(int fd);
/**
 * messages_next() - wait for the next message
 * @ret: valid until the next call
 * Return: 0; MESSAGES_E_END: the pipe ended before it; -errno
 */
must_check int messages_next(struct messages *in, struct wire_entry *ret, struct err *e);
struct messages *messages_free(struct messages *in);

#endif
