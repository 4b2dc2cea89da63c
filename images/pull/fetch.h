/*
 * images/pull/fetch.h - one HTTP request, done by minibox-fetch in a process of its own.
 *
 * Knows that program and records.h. Does not know registries.
 */
#ifndef IMAGES_PULL_FETCH_H
#define IMAGES_PULL_FETCH_H

#include <stdint.h>
#include <sys/types.h>

#include "images/fetch/records.h"

struct fetch_request {
	const char *url;
	struct strv accept; /* media types */
	const char *auth;   /* value of Authorization; NULL: none */
	const char *ca;     /* PEM text instead of the system's certificates; NULL */
	uint64_t max;       /* a longer body is refused */
	uint64_t size;      /* with exact: the body's; it is resumed until it is there */
	bool exact;
};

struct fetch {
	pid_t pid; /* 0: none */
	int body;  /* read end; -1 once taken over by fd_take() or closed */
	int say;
	struct buf said; /* what came over say */
	bool no_tls;     /* after a failure: nobody there speaks TLS */
};
#define FETCH_INIT                                                                       \
	{                                                                                \
		0, -1, -1, BUF_INIT, false                                               \
	}

/**
 * fetch_start() - make the request and wait for the head of the answer
 * @ret: FETCH_INIT by the caller, who calls fetch_end() also after a failure
 * Return: 0, whatever the HTTP status; -errno, the error naming the host; -ENOENT where
 * minibox was built without libcurl.
 */
must_check int fetch_start(const struct fetch_request *req, struct fetch *ret,
			   struct err *e);
/** fetch_status() - the HTTP status */
int fetch_status(const struct fetch *f);
/** fetch_get() - a value of the answer's head (records.h), NULL if it is not there;
 * borrowed
 */
const char *fetch_get(const struct fetch *f, const char *key);
/** fetch_body() - the whole body, at most @max bytes, appended to @ret; then fetch_end()
 */
must_check int fetch_body(struct fetch *f, size_t max, struct buf *ret, struct err *e);
/**
 * fetch_end() - forget the body, end the process
 * Return: 0, also where the body was not read to its end, and for FETCH_INIT; -errno for
 * what the process reported
 */
must_check int fetch_end(struct fetch *f, struct err *e);

#endif
