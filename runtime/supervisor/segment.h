/*
 * supervisor/segment.h - log segments on disk: LOGS/STACK/SERVICE/{out,err,idx}.N.
 *
 * Knows files, sizes and records; not where bytes come from. Errors are -errno: the
 * caller drops the output and notes it.
 */
#ifndef SUPERVISOR_SEGMENT_H
#define SUPERVISOR_SEGMENT_H

#include "runtime/supervisor/service.h"

/** segment_open() - open the newest segment (made if there is none) and bring its index
 * up to the files' sizes. @logs: directory LOGS/STACK. Return: 0 or -errno with nothing
 * open. */
int segment_open(int logs, struct service_log *log, const struct sup_service *spec);
/** segment_close() - close what is open */
void segment_close(struct service_log *log);
/** segment_room() - bytes until the segment is full, at most @most; 0: full, rotate at
 * the next end of a line, for which an eighth of it is kept (64 KiB at most) */
size_t segment_room(const struct service_log *log, const struct sup_service *spec,
		    size_t most);
/** segment_rest() - bytes that it may hold at all, at most @most: data and index of a
 * segment together are never more than the spec's log_segment_bytes */
size_t segment_rest(const struct service_log *log, const struct sup_service *spec,
		    size_t most);
/** segment_index() - record what @stream has beyond its last record; kept for the next
 * call if it cannot be written */
void segment_index(struct service_log *log, unsigned stream);
/** segment_is_done() - full, and both streams end with a whole line (or nothing is left)
 */
bool segment_is_done(const struct service_log *log, const struct sup_service *spec);
/** segment_rotate() - begin the next one, remove the oldest beyond the number allowed */
int segment_rotate(int logs, struct service_log *log, const struct sup_service *spec);

#endif
