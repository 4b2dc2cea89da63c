/*
 * oci/member.h - members of a JSON document, with errors that name them. Private.
 *
 * Knows types and ranges. @where is the object's own place, "" or "process."; an error
 * says "config: 'process.cwd' is not a string". Absent and null are the same.
 */
#ifndef OCI_MEMBER_H
#define OCI_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/json.h"

struct oci_at {
	const json_t *j;   /* an object; NULL: absent, everything in it is absent */
	const char *where; /* with its last dot */
};

/**
 * oci_json_read() - a file below @dir (AT_FDCWD: a plain path) as JSON
 * Its numbers are of 64 bits without a sign; jansson's have one. So those from 2^63 on
 * come as negative numbers of the same bits.
 */
must_check int oci_json_read(int dir, const char *name, json_t **ret, struct err *e);
/** oci_json_parse() - the same for bytes */
must_check int oci_json_parse(const char *data, size_t n, const char *what, json_t **ret,
			      struct err *e);
/** oci_object() - a member that is an object; ret->j is NULL where it is absent
 * @where: its own place, borrowed by @ret */
must_check int oci_object(struct oci_at at, const char *key, const char *where,
			  struct oci_at *ret, struct err *e);
/** oci_array() - a member that is an array; NULL where it is absent; borrowed */
must_check int oci_array(struct oci_at at, const char *key, const json_t **ret,
			 struct err *e);
/** oci_item() - element @i of an array as an object */
must_check int oci_item(const json_t *array, size_t i, const char *where,
			struct oci_at *ret, struct err *e);
/** oci_text() - a string (JSON's reader refuses a NUL in one); NULL where it is absent;
 * borrowed */
must_check int oci_text(struct oci_at at, const char *key, const char **ret,
			struct err *e);
/** oci_need() - the same, absent or empty is an error */
must_check int oci_need(struct oci_at at, const char *key, const char **ret,
			struct err *e);
/** oci_flag() - a boolean; *@ret stays as it is where it is absent */
must_check int oci_flag(struct oci_at at, const char *key, bool *ret, struct err *e);
/** oci_number() - an integer from @min to @max; *@ret stays where it is absent */
must_check int oci_number(struct oci_at at, const char *key, int64_t min, int64_t max,
			  int64_t *ret, struct err *e);
/** oci_texts() - an array of strings, appended */
must_check int oci_texts(struct oci_at at, const char *key, struct strv *ret,
			 struct err *e);
/** oci_bad() - "config: 'WHERE.KEY' ..." */
int oci_bad(struct err *e, struct oci_at at, const char *key, const char *fmt, ...)
	printf_like(4, 5);

#endif
