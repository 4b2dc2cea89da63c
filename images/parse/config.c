/*
 * images/parse/config.c - the image configuration → a list (OCI image-spec config.md,
 * Docker's the same).
 *
 * Wrong types are refused, unknown members ignored. What the values mean is for imgconf.c
 * of the room above.
 */
#include <errno.h>

#include "images/parse/job.h"
#include "runtime/base/json.h"

/* A member of @cfg and the key its values have in the list. */
static const struct {
	const char *member, *key;
} strings[] = { { "User", "user" },
		{ "WorkingDir", "workdir" },
		{ "StopSignal", "stop_signal" } },
  lists[] = { { "Entrypoint", "entrypoint" }, { "Cmd", "cmd" }, { "Env", "env" } },
  sets[] = { { "Volumes", "volume" }, { "ExposedPorts", "port" } },
  tops[] = { { "created", "created" },
	     { "os", "os" },
	     { "architecture", "architecture" } };

/* Absent and null are left out. */
static int put_string(struct buf *b, const json_t *obj, const char *member,
		      const char *key, struct err *e)
{
	const json_t *j = json_object_get(obj, member);

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_string(j))
		return err_msg(e, EINVAL, "'%s' is not a string", member);
	wire_put(b, key, json_string_value(j));
	return 0;
}

static int check_count(size_t n, const char *member, struct err *e)
{
	return n > JOB_LIST_MAX ? err_msg(e, E2BIG, "'%s' has more than %d entries",
					  member, JOB_LIST_MAX)
				: 0;
}

static int put_list(struct buf *b, const json_t *obj, const char *member, const char *key,
		    struct err *e)
{
	const json_t *list = json_object_get(obj, member), *item;
	size_t i;
	int r;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return err_msg(e, EINVAL, "'%s' is not a list", member);
	r = check_count(json_array_size(list), member, e);
	if (r < 0)
		return r;
	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return err_msg(e, EINVAL,
				       "'%s' holds something that is not a string",
				       member);
		wire_put(b, key, json_string_value(item));
	}
	return 0;
}

/* The keys of an object, or with @values "key=value" of each. */
static int put_map(struct buf *b, json_t *obj, const char *member, const char *key,
		   bool values, struct err *e)
{
	json_t *map = json_object_get(obj, member), *item;
	const char *name;
	int r;

	if (!map || json_is_null(map))
		return 0;
	if (!json_is_object(map))
		return err_msg(e, EINVAL, "'%s' is not an object", member);
	r = check_count(json_object_size(map), member, e);
	if (r < 0)
		return r;
	json_object_foreach (map, name, item) {
		AUTO_FREE char *pair = NULL;

		if (values && !json_is_string(item))
			return err_msg(e, EINVAL,
				       "'%s' holds something that is not a string",
				       member);
		if (values)
			pair = str_fmt("%s=%s", name, json_string_value(item));
		wire_put(b, key, pair ? pair : name);
	}
	return 0;
}

/* Negative ones make no sense and are left out: the default holds. */
static int put_number(struct buf *b, const json_t *obj, const char *member,
		      const char *key, struct err *e)
{
	const json_t *j = json_object_get(obj, member);

	if (j && !json_is_null(j) && !json_is_integer(j))
		return err_msg(e, EINVAL, "'%s' is not a number", member);
	if (json_integer_value(j) > 0)
		wire_put_number(b, key, (uint64_t)json_integer_value(j));
	return 0;
}

static int put_health(struct buf *b, const json_t *cfg, struct err *e)
{
	static const struct {
		const char *member, *key;
	} numbers[] = { { "Interval", "health_interval_ns" },
			{ "Timeout", "health_timeout_ns" },
			{ "StartPeriod", "health_start_ns" },
			{ "StartInterval", "health_start_interval_ns" },
			{ "Retries", "health_retries" } };
	const json_t *j = json_object_get(cfg, "Healthcheck");
	int r;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j))
		return err_msg(e, EINVAL, "'Healthcheck' is not an object");
	r = put_list(b, j, "Test", "health_test", e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++)
		r = put_number(b, j, numbers[i].member, numbers[i].key, e);
	return r < 0 ? err_ctx(e, "'Healthcheck'") : 0;
}

static int put_config(struct buf *b, json_t *cfg, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
		r = put_list(b, cfg, lists[i].member, lists[i].key, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(sets); i++)
		r = put_map(b, cfg, sets[i].member, sets[i].key, false, e);
	if (r == 0)
		r = put_map(b, cfg, "Labels", "label", true, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(strings); i++)
		r = put_string(b, cfg, strings[i].member, strings[i].key, e);
	return r < 0 ? r : put_health(b, cfg, e);
}

static int put_rootfs(struct buf *b, const json_t *top, struct err *e)
{
	const json_t *fs = json_object_get(top, "rootfs");
	int r;

	if (!json_is_object(fs))
		return err_msg(e, EINVAL, "'rootfs' is missing");
	if (!str_eq(json_str(fs, "type", ""), "layers"))
		return err_msg(e, EINVAL, "'rootfs.type' is '%s', not 'layers'",
			       json_str(fs, "type", ""));
	r = put_list(b, fs, "diff_ids", "diff_id", e);
	return r;
}

int job_config(const char *json, size_t n, struct buf *ret, struct err *e)
{
	AUTO_JSON json_t *top = NULL;
	json_t *cfg;
	int r = json_parse(json, n, "config", &top, e);

	if (r < 0)
		return r;
	if (!json_is_object(top))
		return err_msg(e, EINVAL, "the config is not an object");
	cfg = json_object_get(top, "config");
	if (cfg && !json_is_null(cfg) && !json_is_object(cfg))
		return err_msg(e, EINVAL, "'config' is not an object");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(tops); i++)
		r = put_string(ret, top, tops[i].member, tops[i].key, e);
	if (r == 0)
		r = put_rootfs(ret, top, e);
	return r < 0 || !json_is_object(cfg) ? r : put_config(ret, cfg, e);
}
