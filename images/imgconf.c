/* images/imgconf.c - see imgconf.h. */
#include "images/imgconf.h"

#include <errno.h>
#include <string.h>

#include "images/jail.h"

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

/* The last of two values wins, as in Docker; what has no name cannot be handed to execve.
 */
static void add_env(struct image *img, const char *pair)
{
	const char *eq = strchr(pair, '=');

	if (eq && eq > pair)
		strv_set_env(&img->env, pair);
}

static int add_diff_id(struct image *img, const char *text, struct err *e)
{
	struct digest d;

	if (!digest_parse(text, &d))
		return err_msg(e, EINVAL, "diffID '%s' is not a digest", text);
	if (img->diff_ids.n >= IMGCONF_LAYERS_MAX)
		return err_msg(e, E2BIG, "it has more than %d layers",
			       IMGCONF_LAYERS_MAX);
	strv_add(&img->diff_ids, text);
	return 0;
}

static struct strv *list_of(struct image *img, const char *key)
{
	const struct {
		const char *key;
		struct strv *list;
	} lists[] = {
		{ "entrypoint", &img->entrypoint }, { "cmd", &img->cmd },
		{ "volume", &img->volumes },        { "port", &img->ports },
		{ "label", &img->labels },          { "health_test", &img->health.test }
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (str_eq(key, lists[i].key))
			return lists[i].list;
	return NULL;
}

static char **string_of(struct image *img, const char *key)
{
	const struct {
		const char *key;
		char **string;
	} strings[] = { { "created", &img->created },
			{ "os", &img->os },
			{ "architecture", &img->architecture },
			{ "user", &img->user },
			{ "workdir", &img->workdir },
			{ "stop_signal", &img->stop_signal } };

	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		if (str_eq(key, strings[i].key))
			return strings[i].string;
	return NULL;
}

/* Nanoseconds in the file; 0, the default, also for what makes no sense. */
static void set_health(struct image_health *h, const char *key, const char *value)
{
	unsigned long long n = 0, ms;

	if (!str_u64(value, INT64_MAX, &n))
		return;
	ms = n / 1000000 + (n % 1000000 != 0);
	if (str_eq(key, "health_interval_ns"))
		h->interval_ms = ms;
	else if (str_eq(key, "health_timeout_ns"))
		h->timeout_ms = ms;
	else if (str_eq(key, "health_start_ns"))
		h->start_period_ms = ms;
	else if (str_eq(key, "health_start_interval_ns"))
		h->start_interval_ms = ms;
	else if (str_eq(key, "health_retries"))
		h->retries = n <= INT32_MAX ? (unsigned)n : 0;
}

static int take(struct image *img, const char *key, const char *value, struct err *e)
{
	struct strv *list = list_of(img, key);
	char **string = string_of(img, key);

	if (str_eq(key, "diff_id"))
		return add_diff_id(img, value, e);
	if (str_eq(key, "env"))
		add_env(img, value);
	else if (list)
		strv_add(list, value);
	else if (string)
		str_set(string, value);
	else
		set_health(&img->health, key, value);
	return 0;
}

int imgconf_decode(struct wire_list list, struct image *img, struct err *e)
{
	static const char *const may_be_absent[] = {
		"created", "os", "architecture", "user", "workdir", "stop_signal"
	};
	const char *key, *value;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(may_be_absent); i++)
		str_set(string_of(img, may_be_absent[i]), "");
	while (r == 0 && wire_next(&list, &key, &value))
		r = take(img, key, value, e);
	return r;
}

int imgconf_parse(struct image_store *s, const char *json, size_t n, struct buf *answer,
		  struct image *img, struct err *e)
{
	struct wire_list list;
	struct digest id;
	int r = jail_document(s, WIRE_CONFIG, json, n, answer, &list, e);

	if (r < 0)
		return r;
	digest_of(DIGEST_SHA256, json, n, &id);
	img->id = digest_text(&id);
	return imgconf_decode(list, img, e);
}
