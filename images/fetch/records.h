/*
 * images/fetch/records.h - what minibox and minibox-fetch say to each other.
 *
 * Records of "KEY\0VALUE\0". The request comes whole on descriptor 0: "url", "accept"
 * (several), "auth" (an Authorization header's value), "ca" (PEM certificates instead of
 * the system's), "max" (bytes; a larger body is refused), "size" (bytes; the body has
 * exactly these, and is resumed until it has). The answer is on descriptor 2: "status",
 * "type", "digest", "retry-after", "scheme", "realm", "service", "scope", then a record
 * with an empty key; the body is on descriptor 1. A failure, at any time, is one record
 * "error" and exit status 1, or FETCH_NO_TLS where the server speaks no TLS at all.
 */
#ifndef FETCH_RECORDS_H
#define FETCH_RECORDS_H

#include "runtime/base/str.h"

enum {
	FETCH_NO_TLS = 3,               /* exit status */
	FETCH_REQUEST_MAX = 2 << 20,    /* most of it certificates */
	FETCH_ANSWER_MAX = 64 << 10,    /* without the body */
	FETCH_ERROR_BODY_MAX = 64 << 10 /* of an answer that is not 2xx */
};

/** records_add() - append a record; neither string may be NULL */
void records_add(struct buf *b, const char *key, const char *value);
/**
 * records_next() - the record at *@at, which moves on
 * @key, @value: borrowed from @b
 * Return: false at the end, and where no whole record follows
 */
bool records_next(const struct buf *b, size_t *at, const char **key, const char **value);
/** records_get() - the first value of @key, NULL if there is none; borrowed from @b */
const char *records_get(const struct buf *b, const char *key);
/** records_head() - does @b hold the record with the empty key that ends an answer's
 * head?
 */
bool records_head(const struct buf *b);

#endif
