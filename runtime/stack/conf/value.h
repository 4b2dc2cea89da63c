/*
 * stack/value.h - single words as values: sizes, durations, booleans, names, paths,
 * signals.
 *
 * Knows how each is written. Does not know which directive it stands in; all are pure,
 * give false (or NULL) for a word that is no such value and then leave their result
 * untouched.
 */
#ifndef STACK_VALUE_H
#define STACK_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** value_size() - bytes: 512k 128m 1g 1.5g 128mb 4096, powers of 1024 */
bool value_size(const char *s, uint64_t *ret_bytes);
/** value_duration() - 300ms 2s 1m30s 1h 1.5s, and a plain 0; rounded up to milliseconds
 */
bool value_duration(const char *s, uint32_t *ret_ms);
/** value_bool() - on off yes no true false */
bool value_bool(const char *s, bool *ret);
/** value_cpus() - 0.5 is 500; rounded up so that a small share never becomes none */
bool value_cpus(const char *s, uint64_t *ret_millis);
/** value_port() - 1..65535 */
bool value_port(const char *s, uint16_t *ret);
/** value_name() - a stack's, service's or volume's name: [a-z0-9][a-z0-9_.-]*, at most 63
 * bytes */
bool value_name(const char *s);
/** value_hostname() - labels of letters, digits and inner '-' or '_', at most 253 bytes
 */
bool value_hostname(const char *s);
/** value_env_name() - something that can stand before '=' in an environment */
bool value_env_name(const char *s, size_t n);
/** value_signal() - "TERM", "SIGTERM" or "15" as "SIGTERM"; owned by the caller, or NULL
 */
char *value_signal(const char *s);
/** value_capability() - "cap_net_admin" or "NET_ADMIN" as "NET_ADMIN", "ALL"; borrowed,
 * or NULL */
const char *value_capability(const char *s);
/** value_capabilities() - all names, NULL-terminated, for suggestions */
const char *const *value_capabilities(void);
/** value_rlimit() - "nofile" as RLIMIT_NOFILE, or -1 */
int value_rlimit(const char *s);
/** value_rlimit_name() - RLIMIT_NOFILE as "nofile", or NULL */
const char *value_rlimit_name(int resource);
/** value_rlimit_names() - all names, NULL-terminated, for suggestions */
const char *const *value_rlimit_names(void);
/** value_path() - an absolute path without '//', '/.' and a trailing '/'; owned, or NULL
 * when
 * @s is not absolute or has a '..' */
char *value_path(const char *s);
/** value_resolve() - @s as an absolute path: from @home for ~, else from @dir; '..' is
 * resolved by text alone, as Compose does; owned by the caller */
char *value_resolve(const char *s, const char *dir, const char *home);

#endif
