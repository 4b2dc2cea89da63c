/*
 * stack/decode_health.c - healthcheck: what is tried, how often, and what counts.
 *
 * Knows the kinds of tests. Does not run any.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"
#include "runtime/supervisor/supervisor.h"

/* The bytes that the supervisor keeps for a path, with its NUL. */
enum { HEALTH_PATH_MAX = sizeof(((struct sup_service *)NULL)->health_path) };

static void argv_from(struct model_health *h, const struct conf_node *node, size_t from)
{
	h->type = MODEL_HEALTH_EXEC;
	for (size_t i = from; i < node->n_words; i++)
		strv_add(&h->test, node->words[i].text);
}

/* test WORDS | CMD WORDS | shell "..." | CMD-SHELL "..." | NONE */
static void decode_test(struct decode *d, struct model_health *h,
			const struct conf_node *node)
{
	const char *first = node->words[0].text;
	bool shell = strcmp(first, "shell") == 0 || strcmp(first, "CMD-SHELL") == 0;

	if (strcmp(first, "NONE") == 0 && node->n_words == 1) {
		h->type = MODEL_HEALTH_NONE;
	} else if (shell && node->n_words != 2) {
		diag_at(d->diag, node->words[0].pos, "'%s' takes one word", first);
		diag_hint(d->diag, "put the whole shell command in quotes");
	} else if (shell) {
		strv_add(&h->test, "/bin/sh");
		strv_add(&h->test, "-c");
		argv_from(h, node, 1);
	} else if (strcmp(first, "CMD") == 0 && node->n_words > 1) {
		argv_from(h, node, 1);
	} else if (!*first) {
		decode_bad(d, node, &node->words[0], "a program and its arguments");
	} else {
		argv_from(h, node, 0);
	}
}

static bool decode_probe_port(struct decode *d, struct model_health *h,
			      const struct conf_node *node)
{
	if (value_port(node->words[0].text, &h->port))
		return true;
	decode_bad(d, node, &node->words[0], "a port number first");
	return false;
}

static void decode_http(struct decode *d, struct model_health *h,
			const struct conf_node *node)
{
	const char *path = node->words[1].text;

	if (!decode_probe_port(d, h, node))
		return;
	if (*path != '/' || strlen(path) >= HEALTH_PATH_MAX ||
	    path[strcspn(path, " \r\n\t")]) {
		decode_bad(d, node, &node->words[1],
			   "a port and a path that begins with /");
		return;
	}
	h->type = MODEL_HEALTH_HTTP;
	str_set(&h->path, path);
}

static void decode_tcp(struct decode *d, struct model_health *h,
		       const struct conf_node *node)
{
	if (decode_probe_port(d, h, node))
		h->type = MODEL_HEALTH_TCP;
}

static void decode_postgres(struct decode *d, struct model_health *h,
			    const struct conf_node *node)
{
	if (decode_probe_port(d, h, node))
		h->type = MODEL_HEALTH_POSTGRES;
}

static void decode_redis(struct decode *d, struct model_health *h,
			 const struct conf_node *node)
{
	if (decode_probe_port(d, h, node))
		h->type = MODEL_HEALTH_REDIS;
}

static void decode_unix(struct decode *d, struct model_health *h,
			const struct conf_node *node)
{
	const char *path = node->words[0].text;

	if (*path != '/' || !path[1] || strlen(path) >= HEALTH_PATH_MAX) {
		decode_bad(d, node, &node->words[0],
			   "the path of a socket in the container");
		return;
	}
	h->type = MODEL_HEALTH_UNIX;
	str_set(&h->path, path);
}

static void decode_ms(struct decode *d, const struct conf_node *node, bool zero,
		      uint32_t *ret)
{
	uint32_t ms;

	if (!value_duration(node->words[0].text, &ms))
		decode_bad(d, node, &node->words[0], "a duration such as 2s");
	else if (ms > 0 || zero)
		*ret = ms; /* 0 stands for the default, as it does for Docker */
}

static void decode_interval(struct decode *d, struct model_health *h,
			    const struct conf_node *node)
{
	decode_ms(d, node, false, &h->interval_ms);
}

static void decode_timeout(struct decode *d, struct model_health *h,
			   const struct conf_node *node)
{
	decode_ms(d, node, false, &h->timeout_ms);
}

static void decode_start_period(struct decode *d, struct model_health *h,
				const struct conf_node *node)
{
	decode_ms(d, node, true, &h->start_period_ms);
}

static void decode_start_interval(struct decode *d, struct model_health *h,
				  const struct conf_node *node)
{
	decode_ms(d, node, false, &h->start_interval_ms);
}

static void decode_retries(struct decode *d, struct model_health *h,
			   const struct conf_node *node)
{
	unsigned long long n;

	if (!str_u64(node->words[0].text, 1000000, &n))
		decode_bad(d, node, &node->words[0], "a number");
	else if (n > 0)
		h->retries = (uint32_t)n;
}

static void disabled(struct model_health *h)
{
	h->type = MODEL_HEALTH_NONE;
	strv_free(&h->test);
}

static void decode_disable(struct decode *d, struct model_health *h,
			   const struct conf_node *node)
{
	bool off = true;

	if (node->n_words > 0 && !value_bool(node->words[0].text, &off))
		decode_bad(d, node, &node->words[0], "on or off");
	else if (off)
		disabled(h);
}

static const struct health_key {
	const char *name;
	bool test; /* says what is tried: one of them stands in a block */
	size_t min, max;
	void (*decode)(struct decode *d, struct model_health *h,
		       const struct conf_node *node);
	const char *takes;
} keys[] = {
	{ "test", true, 1, 0, decode_test,
	  "a program and its arguments, or shell \"...\"" },
	{ "http", true, 2, 2, decode_http, "a port and a path" },
	{ "tcp", true, 1, 1, decode_tcp, "a port" },
	{ "postgres", true, 1, 1, decode_postgres, "a port" },
	{ "redis", true, 1, 1, decode_redis, "a port" },
	{ "unix", true, 1, 1, decode_unix, "a path" },
	{ "disable", false, 0, 1, decode_disable, "on or off" },
	{ "interval", false, 1, 1, decode_interval, "a duration" },
	{ "timeout", false, 1, 1, decode_timeout, "a duration" },
	{ "start_period", false, 1, 1, decode_start_period, "a duration" },
	{ "start_interval", false, 1, 1, decode_start_interval, "a duration" },
	{ "retries", false, 1, 1, decode_retries, "a number" },
};

bool decode_is_health_test(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].test && strcmp(keys[i].name, name) == 0)
			return true;
	return false;
}

static const struct health_key *find_key(struct decode *d, const struct conf_node *c)
{
	const char *names[ARRAY_LEN(keys) + 1];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		names[i] = keys[i].name;
		if (strcmp(keys[i].name, c->name) == 0)
			return &keys[i];
	}
	names[ARRAY_LEN(keys)] = NULL;
	decode_unknown(d, c, "in 'healthcheck'", names);
	return NULL;
}

/* Both of the same name, or both a test: the second has no place. */
static bool conflicts(struct decode *d, const struct conf_node *node, size_t i,
		      const struct health_key *k)
{
	for (size_t j = 0; j < i; j++) {
		const char *other = node->children[j].name;

		if (strcmp(other, k->name) == 0)
			diag_at(d->diag, node->children[i].pos,
				"'%s' stands twice in 'healthcheck'", other);
		else if (k->test && decode_is_health_test(other))
			diag_at(d->diag, node->children[i].pos,
				"'healthcheck' has '%s' already: one test is tried",
				other);
		else
			continue;
		return true;
	}
	return false;
}

static void decode_child(struct decode *d, struct model_health *h,
			 const struct conf_node *node, size_t i)
{
	const struct conf_node *c = &node->children[i];
	const struct health_key *k = find_key(d, c);

	if (!k || conflicts(d, node, i, k))
		return;
	if (decode_shape(d, c, k->min, k->max, false, k->takes))
		k->decode(d, h, c);
}

DECODER(decode_healthcheck)
{
	bool on = true;

	s->health.pos = node->pos;
	if (!node->block && node->n_words == 1 && value_bool(node->words[0].text, &on) &&
	    !on) {
		s->health.type = MODEL_HEALTH_NONE;
		return;
	}
	if (!node->block || node->n_words > 0) {
		diag_at(d->diag, node->pos, "'healthcheck' needs a { block } or off");
		return;
	}
	/* `disable` wins over a test wherever it stands: a later file may have added
	 * either. */
	for (int last = 0; last < 2; last++)
		for (size_t i = 0; i < node->n_children; i++)
			if ((strcmp(node->children[i].name, "disable") == 0) == last)
				decode_child(d, &s->health, node, i);
}
