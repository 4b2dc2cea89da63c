/* oci/member.c - see member.h. */
#include "runtime/oci/member.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"

enum { JSON_MAX = 8 << 20 };

/* Copies one number, wrapped when it needs all 64 bits. Return: bytes taken. */
static size_t copy_number(const char *data, size_t n, struct buf *ret)
{
	unsigned long long value = 0;
	size_t len = 0;
	bool fits = true;

	while (len < n && data[len] >= '0' && data[len] <= '9') {
		fits &= !__builtin_mul_overflow(value, 10ULL, &value) &&
			!__builtin_add_overflow(
				value, (unsigned long long)(data[len] - '0'), &value);
		len++;
	}
	/* part of a real number, or a sign before it: as it is */
	if (len < n && strchr(".eE", data[len]))
		fits = false;
	if (ret->len && strchr("-.eE+", ret->data[ret->len - 1]))
		fits = false;
	if (fits && value > INT64_MAX)
		buf_addf(ret, "%lld", (long long)value);
	else
		buf_add(ret, data, len);
	return len;
}

static void wrap_numbers(const char *data, size_t n, struct buf *ret)
{
	bool quoted = false;

	for (size_t i = 0; i < n;) {
		if (!quoted && data[i] >= '0' && data[i] <= '9') {
			i += copy_number(data + i, n - i, ret);
			continue;
		}
		if (quoted && data[i] == '\\' && i + 1 < n)
			buf_addc(ret, data[i++]);
		else if (data[i] == '"')
			quoted = !quoted;
		buf_addc(ret, data[i++]);
	}
}

int oci_json_parse(const char *data, size_t n, const char *what, json_t **ret,
		   struct err *e)
{
	AUTO_BUF struct buf wrapped = BUF_INIT;

	buf_add(&wrapped, "", 0);
	wrap_numbers(data, n, &wrapped);
	return json_parse(wrapped.data, wrapped.len, what, ret, e);
}

int oci_json_read(int dir, const char *name, json_t **ret, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	int r = fd_read_file(dir, name, JSON_MAX, &b, e);

	return r < 0 ? r : oci_json_parse(b.data ? b.data : "", b.len, name, ret, e);
}

int oci_bad(struct err *e, struct oci_at at, const char *key, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_msg(e, EINVAL, "config: '%s%s' %s", at.where, key, text);
}

static const json_t *get(struct oci_at at, const char *key)
{
	const json_t *v = json_object_get(at.j, key);

	return json_is_null(v) ? NULL : v;
}

int oci_object(struct oci_at at, const char *key, const char *where, struct oci_at *ret,
	       struct err *e)
{
	const json_t *v = get(at, key);

	if (v && !json_is_object(v))
		return oci_bad(e, at, key, "is not an object");
	*ret = (struct oci_at){ v, where };
	return 0;
}

int oci_array(struct oci_at at, const char *key, const json_t **ret, struct err *e)
{
	const json_t *v = get(at, key);

	if (v && !json_is_array(v))
		return oci_bad(e, at, key, "is not an array");
	*ret = v;
	return 0;
}

int oci_item(const json_t *array, size_t i, const char *where, struct oci_at *ret,
	     struct err *e)
{
	const json_t *v = json_array_get(array, i);

	*ret = (struct oci_at){ v, where };
	if (!json_is_object(v))
		return err_msg(e, EINVAL,
			       "config: '%.*s' has a member that is not an "
			       "object",
			       (int)strlen(where) - 1, where);
	return 0;
}

int oci_text(struct oci_at at, const char *key, const char **ret, struct err *e)
{
	const json_t *v = get(at, key);

	if (v && !json_is_string(v))
		return oci_bad(e, at, key, "is not a string");
	*ret = json_string_value(v);
	return 0;
}

int oci_need(struct oci_at at, const char *key, const char **ret, struct err *e)
{
	int r = oci_text(at, key, ret, e);

	if (r == 0 && (!*ret || !**ret))
		r = oci_bad(e, at, key, "is missing");
	return r;
}

int oci_flag(struct oci_at at, const char *key, bool *ret, struct err *e)
{
	const json_t *v = get(at, key);

	if (v && !json_is_boolean(v))
		return oci_bad(e, at, key, "is not true or false");
	if (v)
		*ret = json_is_true(v);
	return 0;
}

int oci_number(struct oci_at at, const char *key, int64_t min, int64_t max, int64_t *ret,
	       struct err *e)
{
	const json_t *v = get(at, key);

	if (v && !json_is_integer(v))
		return oci_bad(e, at, key, "is not an integer");
	if (v && (json_integer_value(v) < min || json_integer_value(v) > max))
		return oci_bad(e, at, key, "is not from %lld to %lld", (long long)min,
			       (long long)max);
	if (v)
		*ret = json_integer_value(v);
	return 0;
}

int oci_texts(struct oci_at at, const char *key, struct strv *ret, struct err *e)
{
	const json_t *list = NULL, *one;
	size_t i;
	int r = oci_array(at, key, &list, e);

	if (r < 0)
		return r;
	json_array_foreach (list, i, one) {
		if (!json_is_string(one))
			return oci_bad(e, at, key, "has a member that is not a string");
		strv_add(ret, json_string_value(one));
	}
	return 0;
}
