/*
 * base/log.h - notes and warnings to standard error. The only mutable state of base.
 *
 * Rooms report failures through struct err; they log only what the user should know about
 * a success ("..., ignoring"). Control characters are replaced: text may come from an
 * image.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "runtime/base/err.h"

/** log_set_quiet() - drop notes (warnings stay) */
void log_set_quiet(bool quiet);
/** log_note() - "minibox: ..." unless quiet */
void log_note(const char *fmt, ...) printf_like(1, 2);
/** log_warn() - "minibox: warning: ..." */
void log_warn(const char *fmt, ...) printf_like(1, 2);

#endif
