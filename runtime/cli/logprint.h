/*
 * cli/logprint.h - one line of the stream that logview makes: what a service wrote, or
 * what happened to it. Private.
 */
#ifndef CLI_LOGPRINT_H
#define CLI_LOGPRINT_H

#include <stdio.h>

#include "runtime/cli/context.h"

struct logprint {
	const char *stack; /* borrowed */
	size_t width;      /* of the longest service's name */
	bool times, json, color;
	bool events; /* say so where lines were gone before they were read */
};

/** logprint_line() - a line after "SERVICE | ", or as an object
 * @color: number of the service's colour; on a terminal what the line could make it obey
 * is left out */
void logprint_line(const struct logprint *p, const char *service, size_t color,
		   const struct sup_log_line *l, FILE *out);
/** logprint_entry() - what happened, after "SERVICE * ", or as an object */
void logprint_entry(const struct logprint *p, size_t color, const struct sup_entry *n,
		    FILE *out);

#endif
