/* base/log.c - see log.h. */
#include "runtime/base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "runtime/base/str.h"

static bool log_quiet;

void log_set_quiet(bool quiet)
{
	log_quiet = quiet;
}

static void emit(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, ap);
	str_sanitize(line);
	fprintf(stderr, "%s%s\n", prefix, line);
}

void log_note(const char *fmt, ...)
{
	va_list ap;

	if (log_quiet)
		return;
	va_start(ap, fmt);
	emit("minibox: ", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("minibox: warning: ", fmt, ap);
	va_end(ap);
}
