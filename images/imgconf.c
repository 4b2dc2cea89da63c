/* images/imgconf.c - see imgconf.h. */
#include "images/imgconf.h"

#include <errno.h>

#include "runtime/base/json.h"

struct image *image_free(struct image *img)
{
	if (!img)
		return NULL;
	free(img->id);
	strv_free(&img->names);
	strv_free(&img->layers);
	strv_free(&img->diff_ids);
	free(img->created);
	free(img->os);
	free(img->architecture);
	strv_free(&img->entrypoint);
	strv_free(&img->cmd);
	strv_free(&img->env);
	strv_free(&img->volumes);
	strv_free(&img->ports);
	strv_free(&img->labels);
	free(img->user);
	free(img->workdir);
	free(img->stop_signal);
	strv_free(&img->health.test);
	free(img);
	return NULL;
}

/* String member; absent and null are "". */
static int get_string(const json_t *obj, const char *key, char **ret, struct err *e)
{
	const json_t *j = json_object_get(obj, key);

	if (j && !json_is_null(j) && !json_is_string(j))
		return err_msg(e, EINVAL, "'%s' is not a string", key);
	*ret = str_dup(json_is_string(j) ? json_string_value(j) : "");
	return 0;
}

static int check_count(size_t n, const char *key, struct err *e)
{
	if (n > IMGCONF_LIST_MAX)
		return err_msg(e, E2BIG, "'%s' has more than %d entries", key,
			       IMGCONF_LIST_MAX);
	return 0;
}

/* Array of strings; absent and null are empty. */
static int get_list(const json_t *obj, const char *key, struct strv *ret, struct err *e)
{
	const json_t *list = json_object_get(obj, key), *item;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return err_msg(e, EINVAL, "'%s' is not a list", key);
	if (check_count(json_array_size(list), key, e) < 0)
		return -E2BIG;
	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return err_msg(e, EINVAL,
				       "'%s' holds something that is not a string", key);
		strv_add(ret, json_string_value(item));
	}
	return 0;
}

/* The keys of an object, or with @values "key=value" of each. */
static int get_map(json_t *obj, const char *key, bool values, struct strv *ret,
		   struct err *e)
{
	json_t *map = json_object_get(obj, key), *item;
	const char *name;

	if (!map || json_is_null(map))
		return 0;
	if (!json_is_object(map))
		return err_msg(e, EINVAL, "'%s' is not an object", key);
	if (check_count(json_object_size(map), key, e) < 0)
		return -E2BIG;
	json_object_foreach (map, name, item) {
		if (values && !json_is_string(item))
			return err_msg(e, EINVAL,
				       "'%s' holds something that is not a string", key);
		if (values)
			strv_take(ret, str_fmt("%s=%s", name, json_string_value(item)));
		else
			strv_add(ret, name);
	}
	return 0;
}

/* The last of two values wins, as in Docker; what has no name cannot be handed to execve.
 */
static int get_env(const json_t *obj, struct strv *ret, struct err *e)
{
	AUTO_STRV struct strv raw = STRV_INIT;
	int r = get_list(obj, "Env", &raw, e);

	if (r < 0)
		return r;
	strv_foreach (i, &raw) {
		const char *eq = raw.v[i];

		while (*eq && *eq != '=')
			eq++;
		if (*eq && eq > raw.v[i])
			strv_set_env(ret, raw.v[i]);
	}
	return 0;
}

/* Nanoseconds in the file; 0 (the default) also for what makes no sense. */
static int get_ns_as_ms(const json_t *obj, const char *key, uint64_t *ret, struct err *e)
{
	const json_t *j = json_object_get(obj, key);
	json_int_t ns = json_integer_value(j);

	if (j && !json_is_null(j) && !json_is_integer(j))
		return err_msg(e, EINVAL, "'%s' is not a number", key);
	*ret = ns > 0 ? ((uint64_t)ns + 999999) / 1000000 : 0;
	return 0;
}

static int get_health(const json_t *cfg, struct image_health *h, struct err *e)
{
	const json_t *j = json_object_get(cfg, "Healthcheck");
	long long retries;
	int r;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j))
		return err_msg(e, EINVAL, "'Healthcheck' is not an object");
	r = get_list(j, "Test", &h->test, e);
	if (r == 0)
		r = get_ns_as_ms(j, "Interval", &h->interval_ms, e);
	if (r == 0)
		r = get_ns_as_ms(j, "Timeout", &h->timeout_ms, e);
	if (r == 0)
		r = get_ns_as_ms(j, "StartPeriod", &h->start_period_ms, e);
	if (r < 0)
		return err_ctx(e, "'Healthcheck'");
	retries = json_int(j, "Retries", 0);
	h->retries = retries > 0 && retries <= INT32_MAX ? (unsigned)retries : 0;
	return 0;
}

static int get_config(json_t *cfg, struct image *img, struct err *e)
{
	int r = get_list(cfg, "Entrypoint", &img->entrypoint, e);

	if (r == 0)
		r = get_list(cfg, "Cmd", &img->cmd, e);
	if (r == 0)
		r = get_env(cfg, &img->env, e);
	if (r == 0)
		r = get_map(cfg, "Volumes", false, &img->volumes, e);
	if (r == 0)
		r = get_map(cfg, "ExposedPorts", false, &img->ports, e);
	if (r == 0)
		r = get_map(cfg, "Labels", true, &img->labels, e);
	if (r == 0)
		r = get_string(cfg, "User", &img->user, e);
	if (r == 0)
		r = get_string(cfg, "WorkingDir", &img->workdir, e);
	if (r == 0)
		r = get_string(cfg, "StopSignal", &img->stop_signal, e);
	return r < 0 ? r : get_health(cfg, &img->health, e);
}

static int get_rootfs(const json_t *top, struct image *img, struct err *e)
{
	const json_t *fs = json_object_get(top, "rootfs");
	struct digest d;
	int r;

	if (!json_is_object(fs))
		return err_msg(e, EINVAL, "'rootfs' is missing");
	if (!str_eq(json_str(fs, "type", ""), "layers"))
		return err_msg(e, EINVAL, "'rootfs.type' is '%s', not 'layers'",
			       json_str(fs, "type", ""));
	r = get_list(fs, "diff_ids", &img->diff_ids, e);
	if (r < 0)
		return r;
	if (img->diff_ids.n > IMGCONF_LAYERS_MAX)
		return err_msg(e, E2BIG, "it has %zu layers, more than %d",
			       img->diff_ids.n, IMGCONF_LAYERS_MAX);
	strv_foreach (i, &img->diff_ids)
		if (!digest_parse(img->diff_ids.v[i], &d))
			return err_msg(e, EINVAL, "diffID '%s' is not a digest",
				       img->diff_ids.v[i]);
	return 0;
}

int imgconf_parse(const char *json, size_t n, struct image *img, struct err *e)
{
	AUTO_JSON json_t *top = NULL;
	struct digest id;
	json_t *cfg;
	int r = json_parse(json, n, "config", &top, e);

	if (r < 0)
		return r;
	if (!json_is_object(top))
		return err_msg(e, EINVAL, "the config is not an object");
	cfg = json_object_get(top, "config");
	if (cfg && !json_is_null(cfg) && !json_is_object(cfg))
		return err_msg(e, EINVAL, "'config' is not an object");
	digest_of(DIGEST_SHA256, json, n, &id);
	img->id = digest_text(&id);
	r = get_string(top, "created", &img->created, e);
	if (r == 0)
		r = get_string(top, "os", &img->os, e);
	if (r == 0)
		r = get_string(top, "architecture", &img->architecture, e);
	if (r == 0)
		r = get_rootfs(top, img, e);
	return r < 0 ? r : get_config(json_is_object(cfg) ? cfg : NULL, img, e);
}
