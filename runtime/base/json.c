/* base/json.c - see json.h. */
#include "runtime/base/json.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"

enum { JSON_FILE_MAX = 8 << 20 };

int json_parse(const char *data, size_t n, const char *what, json_t **ret, struct err *e)
{
	json_error_t je;
	json_t *j = json_loadb(data, n, JSON_REJECT_DUPLICATES, &je);

	if (!j)
		return err_msg(e, EINVAL, "'%s' is not valid JSON: line %d column %d: %s",
			       what, je.line, je.column, je.text);
	*ret = j;
	return 0;
}

int json_read(int dir, const char *name, json_t **ret, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	int r = fd_read_file(dir, name, JSON_FILE_MAX, &b, e);

	if (r < 0)
		return r;
	return json_parse(b.data, b.len, name, ret, e);
}

int json_write(int dir, const char *name, const json_t *j, mode_t mode, struct err *e)
{
	AUTO_FREE char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		return err_msg(e, ENOMEM, "cannot write '%s' as JSON", name);
	return fd_write_file(dir, name, text, strlen(text), mode, e);
}

const char *json_str(const json_t *obj, const char *key, const char *fallback)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s ? s : fallback;
}

long long json_int(const json_t *obj, const char *key, long long fallback)
{
	const json_t *j = json_object_get(obj, key);

	return json_is_integer(j) ? json_integer_value(j) : fallback;
}

bool json_bool(const json_t *obj, const char *key, bool fallback)
{
	const json_t *j = json_object_get(obj, key);

	return json_is_boolean(j) ? json_is_true(j) : fallback;
}

void json_strv(const json_t *obj, const char *key, struct strv *ret)
{
	const json_t *list = json_object_get(obj, key), *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_is_string(item))
			strv_add(ret, json_string_value(item));
}

json_t *json_text(const char *s)
{
	json_t *j = json_string(s);
	AUTO_FREE char *clean = NULL;

	if (j)
		return j;
	clean = str_dup(s);
	for (char *p = clean; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(clean);
}

json_t *json_from_strv(const struct strv *v)
{
	json_t *list = json_array();

	strv_foreach (i, v)
		json_array_append_new(list, json_text(v->v[i]));
	return list;
}
