/*
 * supervisor/probe.h - what probes say and how replies are judged. Pure; replies are
 * foreign bytes (fuzzed).
 */
#ifndef SUPERVISOR_PROBE_H
#define SUPERVISOR_PROBE_H

#include "runtime/supervisor/supervisor.h"

enum {
	PROBE_REPLY_MAX = 512
}; /* a reply that is undecided after this many bytes has failed */

enum probe_verdict { PROBE_MORE, PROBE_PASS, PROBE_FAIL };

/**
 * probe_request() - bytes to send after connecting
 * @s:   health and health_path are looked at (http: the path; postgres: the user,
 * "postgres" if empty)
 * @buf: at least PROBE_REPLY_MAX bytes
 * Return: how many; 0: the connection itself is the answer.
 */
size_t probe_request(const struct sup_service *s, char *buf);
/**
 * probe_judge() - judge the first @n bytes of a reply
 * @eof:  no more will come, so PROBE_MORE is never the answer
 * @text: 160 bytes; filled with the reason of PROBE_FAIL
 */
enum probe_verdict probe_judge(enum sup_health kind, const char *data, size_t n, bool eof,
			       char *text);
/**
 * probe_delay_ms() - pause between two probes
 * @first: it has not passed yet. Then, within health_start_ms, health_start_interval_ms
 * if that is given; else the pause grows with the time it has run, so that a success is
 * seen at most an eighth of the start-up time late, at a bounded price.
 */
uint32_t probe_delay_ms(const struct sup_service *s, bool first, uint64_t uptime_ms);
/** probe_counts_from() - until its first success no failure counts before this time:
 * probes come fast at first, so that a success is seen early, but their failures count as
 * if they came at the interval, the first one an interval after the grace */
uint64_t probe_counts_from(const struct sup_service *s, uint64_t begun_ns);
/**
 * probe_count() - does a failure at @now_ns count?
 * @first:    as probe_delay_ms()
 * @count_ns: probe_counts_from(); moved on when it does
 */
bool probe_count(const struct sup_service *s, bool first, uint64_t now_ns,
		 uint64_t *count_ns);
/** probe_is_sick() - are these many failures in a row too many? */
bool probe_is_sick(const struct sup_service *s, uint32_t failures);

#endif
