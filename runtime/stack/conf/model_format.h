/*
 * stack/model_format.h - the model's values as words, for both of its printed forms.
 * Private.
 */
#ifndef STACK_MODEL_FORMAT_H
#define STACK_MODEL_FORMAT_H

#include "runtime/stack/model.h"

/** model_format_duration() - "10s" or "1500ms", as value_duration() reads it */
void model_format_duration(uint32_t ms, struct buf *ret);
/** model_format_restart() - "on-failure:3" */
void model_format_restart(const struct model_service *s, struct buf *ret);
/** model_condition_name() - "started", "healthy", "completed" */
const char *model_condition_name(enum model_condition c);
/** model_userns_name() - "on", "required", "host" */
/** model_blkio_name() - of a rate's place, "device_read_bps" for MODEL_READ_BPS */
const char *model_blkio_name(size_t rate);
const char *model_userns_name(enum model_userns u);
/** model_health_name() - the directive of a probe ("tcp", ...), or NULL for other types
 */
const char *model_health_name(enum model_health_type t);

#endif
