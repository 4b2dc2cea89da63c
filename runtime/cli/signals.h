/*
 * cli/signals.h - SIGINT, SIGTERM, SIGHUP as something to poll or ask for. Private.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

#include "runtime/base/err.h"

/** signals_open() - block the three (and SIGWINCH) and give a signalfd, owned by the
 * caller */
must_check int signals_open(int *ret, struct err *e);
/** signals_read() - the next pending signal's number, 0 when none is pending */
int signals_read(int fd);

#endif
