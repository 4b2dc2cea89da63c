/*
 * images/fetch/target.h - where a URL leads, and whether one may go there.
 *
 * Knows the rule: TLS everywhere, plain HTTP only to this machine's own loopback, and
 * only where the caller itself began with it.
 */
#ifndef FETCH_TARGET_H
#define FETCH_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "runtime/base/err.h"

struct target {
	char *scheme, *host, *port;
	bool plain; /* http */
};
void target_free(struct target *t);

/**
 * target_parse() - the parts of an http or https URL
 * @ret: on 0 the caller's; untouched otherwise
 * -EINVAL for what is no URL or has another scheme; -EPERM for plain HTTP to a host that
 * is not written as loopback (localhost, 127.0.0.0/8, ::1)
 */
must_check int target_parse(const char *url, struct target *ret, struct err *e);
/** target_same() - equal scheme, host and port: a secret of one is for the other as well
 */
bool target_same(const struct target *a, const struct target *b);
/** target_is_loopback() - an address a plain connection may be made to, whatever the name
 */
bool target_is_loopback(const struct sockaddr *sa);

#endif
