/*
 * images/jail.h - running minibox-parse.
 *
 * Knows how the confined parser is started and ended. Does not know what it says; that it
 * confines itself is images/parse's business.
 */
#ifndef IMAGES_JAIL_H
#define IMAGES_JAIL_H

#include "images/parse/wire.h"
#include "images/store.h"

struct jail {
	pid_t pid; /* 0: none */
};

/**
 * jail_start() - one parser for one job
 * @fds:  what it gets as 0, 1 and, unless -1, WIRE_FD_SIDE; borrowed
 * @ring: size of the ring, for WIRE_ENTRIES; else 0
 * The caller ends it by jail_end() or jail_kill(), from the same thread: it dies with the
 * thread that started it.
 */
must_check int jail_start(struct image_store *s, const char *job, const int fds[3],
			  size_t ring, struct jail *ret, struct err *e);
/** jail_end() - wait for it. 0 if it ended by itself and was content; else -EPROTO,
 * saying by which signal it was ended (SIGSYS: it tried what it may not) */
must_check int jail_end(struct jail *j, struct err *e);
/** jail_kill() - SIGKILL, and wait; nothing to do for one that has been ended */
void jail_kill(struct jail *j);

/**
 * jail_list() - a whole answer in list form
 * @fd: what is parsed: a file that can be read by pread(2) from its start
 * @ret: the list's bytes, for wire_list(); freed by the caller always
 */
must_check int jail_list(struct image_store *s, const char *job, int fd, struct buf *ret,
			 struct err *e);
/** jail_document() - the same for @n bytes at @json, and already checked by wire_list()
 */
must_check int jail_document(struct image_store *s, const char *job, const char *json,
			     size_t n, struct buf *ret, struct wire_list *ret_list,
			     struct err *e);

#endif
