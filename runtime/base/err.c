/* base/err.c - see err.h. Knows text and errno only. */
#include "runtime/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_empty(const struct err *e)
{
	if (e->code == 0)
		return;
	fprintf(stderr, "minibox: bug: error set twice, first was: %s\n", e->text);
	abort();
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	check_empty(e);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", strerror(code));
	e->code = code;
	return -code;
}

int err_msg(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	check_empty(e);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	e->code = code;
	return -code;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char ctx[sizeof(e->text)];
	va_list ap;
	size_t have = strlen(e->text), room = sizeof(e->text) - 1 - have, n;

	va_start(ap, fmt);
	vsnprintf(ctx, sizeof(ctx) - 2, fmt, ap);
	va_end(ap);
	strcat(ctx, ": ");
	n = strlen(ctx);
	if (n > room)
		n = room; /* cut the context's end: the cause to its right stays whole */
	memmove(e->text + n, e->text, have + 1);
	memcpy(e->text, ctx, n);
	return -e->code;
}

void err_clear(struct err *e)
{
	e->code = 0;
	e->text[0] = '\0';
}

void err_keep_first(struct err *first, struct err *next)
{
	if (next->code && !first->code)
		*first = *next;
	err_clear(next);
}

const char *err_text(const struct err *e)
{
	return e->text;
}
