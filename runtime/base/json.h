/*
 * base/json.h - the few jansson calls that all rooms need, with errors that name the
 * object.
 *
 * Everything else of jansson may be used directly (it is included here, and only rooms
 * that link it include this header; the supervisor never does).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

static inline void json_auto_decref(json_t **j)
{
	json_decref(*j);
}
#define AUTO_JSON __attribute__((cleanup(json_auto_decref)))

/** json_parse() - @n bytes to a value owned by the caller; @what names them in the error
 * Rejects duplicate keys and trailing bytes; depth is bounded by jansson (2048). */
must_check int json_parse(const char *data, size_t n, const char *what, json_t **ret,
			  struct err *e);
/** json_read() - a whole file below @dir, at most 8 MiB */
must_check int json_read(int dir, const char *name, json_t **ret, struct err *e);
/** json_write() - as fd_write_file(), compact, keys sorted */
must_check int json_write(int dir, const char *name, const json_t *j, mode_t mode,
			  struct err *e);
/** json_str() - string member, borrowed; @fallback if absent or not a string */
const char *json_str(const json_t *obj, const char *key, const char *fallback);
/** json_int() - integer member or @fallback */
long long json_int(const json_t *obj, const char *key, long long fallback);
/** json_bool() - boolean member or @fallback */
bool json_bool(const json_t *obj, const char *key, bool fallback);
/** json_strv() - array of strings appended to @ret; other elements are skipped */
void json_strv(const json_t *obj, const char *key, struct strv *ret);
/** json_from_strv() - new array of strings (invalid UTF-8 is replaced by '?') */
json_t *json_from_strv(const struct strv *v);
/** json_text() - new string value from bytes that may not be UTF-8 */
json_t *json_text(const char *s);

#endif
