/*
 * stack/ids.h - ranges of host ids for user namespaces, leased so that they meet nobody
 * else's. Private.
 */
#ifndef STACK_IDS_H
#define STACK_IDS_H

#include "runtime/stack/record.h"

/** ids_overlap() - does a line NAME:FIRST:COUNT of subuid(5) @text lie in the 65536 ids
 * from
 * @base? (pure) */
bool ids_overlap(const char *text, uint32_t base);
/**
 * ids_lease() - a range that no stack and no service has, that neither /etc/subuid nor
 * /etc/subgid gives away, and that no process runs with. All lie above what
 * systemd-nspawn and systemd's DynamicUser pick from, and below systemd's foreign ids.
 * Needs host_lock().
 * @own: NULL or the record that asks, which is not among @others
 */
must_check int ids_lease(const struct record *own, struct record *const *others, size_t n,
			 uid_t *ret, struct err *e);

#endif
