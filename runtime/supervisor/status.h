/*
 * supervisor/status.h - SERVICE/status and SERVICE/exit, relative to the working
 * directory (RUN/STACK).
 */
#ifndef SUPERVISOR_STATUS_H
#define SUPERVISOR_STATUS_H

#include "runtime/supervisor/service.h"

/** status_write() - write the record, telling nobody */
void status_write(struct supervisor *sup, struct service *s);
/** status_publish() - write the record and tell the watchers */
void status_publish(struct supervisor *sup, struct service *s);
/** status_load() - the record that an earlier supervisor left; false: none that can be
 * used */
bool status_load(struct service *s);
/** status_read_exit() - wait status that minibox-init left, false: none */
bool status_read_exit(const struct service *s, int *ret_status);
/** status_clear_exit() - before a launch: what lies there is about an earlier process */
void status_clear_exit(const struct service *s);
/** status_path() - "SERVICE/@leaf" into @buf of @n bytes */
void status_path(const struct service *s, const char *leaf, char *buf, size_t n);

#endif
