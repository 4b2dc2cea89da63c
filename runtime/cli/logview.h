/*
 * cli/logview.h - the services' logs of a stack as one stream in the order of time.
 * Private.
 */
#ifndef CLI_LOGVIEW_H
#define CLI_LOGVIEW_H

#include <stdint.h>
#include <stdio.h>

#include "runtime/cli/context.h"

struct logview_opts {
	long long tail;    /* last lines of each service; -1: all */
	uint64_t since_ns; /* wall clock; 0: all */
	bool follow;       /* else what is there when it is opened, and no more */
	bool times, json, color;
	bool events;      /* what happened, between the lines */
	const char *grep; /* extended regular expression, or NULL */
};
struct logview;

/** logview_open() - @services: whose logs; owned by the caller (logview_free()) */
must_check int logview_open(const struct stack_host *h, const char *stack,
			    const struct strv *services, const struct logview_opts *o,
			    struct logview **ret, struct err *e);
/** logview_pump() - print what has come since the last call, oldest first, to @out */
void logview_pump(struct logview *v, FILE *out);
/** logview_end() - print what is there by now, unfinished last lines too */
void logview_end(struct logview *v, FILE *out);
struct logview *logview_free(struct logview *v);

#endif
