/*
 * cli/metrics.h - what runs and what it uses, in Prometheus's text format. Private.
 */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include "runtime/cli/context.h"

/** metrics_text() - of all stacks, appended to @ret; text format 0.0.4: each family with
 * its HELP and TYPE once, then its samples */
must_check int metrics_text(struct stack_host *h, struct buf *ret, struct err *e);
/** metrics_label() - @value as it stands between a label's quotes (pure) */
void metrics_label(struct buf *b, const char *value);
/** metrics_answer() - the whole HTTP response to a request's head; @body for GET of / and
 * /metrics (pure) */
void metrics_answer(const char *request, const struct buf *body, struct buf *ret);

#endif
