/*
 * images/fetch/transfer.h - one GET: redirects, the head of the answer, the body,
 * resumed.
 *
 * Knows HTTP by way of libcurl, which only this folder includes. Does not know
 * registries.
 */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include "images/fetch/records.h"

enum { TRANSFER_E_NO_TLS = 1 };

/**
 * transfer_run() - do what @request (records.h) says
 * The head goes to @say once, as soon as it is known, the body to @out. A body whose size
 * was given is resumed where the connection was lost, from the request's own URL, with a
 * pause that doubles; it fails after five attempts in a row that brought next to nothing.
 * An Authorization is not repeated to another scheme, host or port. No redirect leads
 * from TLS to plain HTTP.
 * Return: 0, whatever the status; TRANSFER_E_NO_TLS: the other side answers, but speaks
 * no TLS, or nobody listens there; -errno, the error naming the host
 */
must_check int transfer_run(const struct buf *request, int out, int say, struct err *e);

#endif
