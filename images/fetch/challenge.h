/*
 * images/fetch/challenge.h - the WWW-Authenticate header (RFC 9110, section 11.6.1).
 *
 * Pure. Knows Basic and Bearer, the two that registries use. Does not know what answers
 * them.
 */
#ifndef FETCH_CHALLENGE_H
#define FETCH_CHALLENGE_H

#include "runtime/base/str.h"

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_scheme scheme;
	char *realm, *service, *scope; /* NULL: not said */
};
void challenge_free(struct challenge *c);

/**
 * challenge_parse() - one header's value, which may hold several challenges
 * @c: zeroed, or what earlier headers said; Bearer is taken over Basic, the first of
 *     equals stays. What cannot be read ends the reading; what came before it counts.
 */
void challenge_parse(const char *header, struct challenge *c);

#endif
