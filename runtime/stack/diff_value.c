/*
 * stack/diff_value.c - see diff_value.h.
 *
 * Knows how a stack file writes each kind of value.
 */
#include "runtime/stack/diff_value.h"

#include <stdio.h>
#include <string.h>

enum {
	SHORT_MAX = 72, /* bytes of a value on a line */
	CONTEXT = 16,   /* of these, before the first that differs */
	ID_SHORT = 19,  /* "sha256:" and 12 digits */
};
#define MASK "******"

static bool is_one_of(const char *key, const char *const *list)
{
	size_t n = strcspn(key, ".");

	for (; *list; list++)
		if (strlen(*list) == n && strncmp(*list, key, n) == 0)
			return true;
	return false;
}

/* What people write into these may hold anything, also what they have in an env_file. */
static bool is_free_text(const char *key)
{
	static const char *const keys[] = { "command", "entrypoint", "healthcheck",
					    "labels", NULL };

	return is_one_of(key, keys);
}

static bool is_size(const char *key)
{
	static const char *const keys[] = { "mem_limit", "mem_reservation",
					    "memswap_limit", "shm_size", NULL };

	return is_one_of(key, keys);
}

/* null: the file leaves it to the image. */
static bool is_image_default(const char *key)
{
	static const char *const keys[] = { "command",     "entrypoint",  "user",
					    "hostname",    "working_dir", "stop_signal",
					    "healthcheck", NULL };

	return is_one_of(key, keys);
}

bool diff_is_file(const char *key)
{
	return str_starts(key, "secret ") || str_starts(key, "config ");
}

bool diff_is_argv(const char *key)
{
	return str_eq(key, "command") || str_eq(key, "entrypoint") ||
	       str_eq(key, "healthcheck.test");
}

static char *size_text(json_int_t n)
{
	static const char *const units[] = { "", "k", "m", "g" };
	size_t u = 0;

	if (n <= 0)
		return str_dup(n < 0 ? "no limit" : "none");
	for (; n % 1024 == 0 && u + 1 < ARRAY_LEN(units); u++)
		n /= 1024;
	return str_fmt("%lld%s", (long long)n, units[u]);
}

static void add_word(struct buf *b, const char *word)
{
	bool plain = *word && !word[strcspn(word, " \t\n;{}\"'")];

	buf_addf(b, plain ? "%s%s" : "%s'%s'", b->len ? " " : "", word);
}

static char *port_text(const json_t *v)
{
	return str_fmt("%s:%lld:%lld%s%s", json_str(v, "host_ip", ""),
		       json_int(v, "published", 0), json_int(v, "target", 0),
		       str_eq(json_str(v, "protocol", ""), "udp") ? "/udp" : "",
		       str_eq(json_str(v, "mode", ""), "direct") ? " direct" : "");
}

static char *mount_text(const json_t *v)
{
	const char *source = json_str(v, "source", NULL);

	const char *options = json_str(v, "options", NULL);

	return str_fmt("%s:%s%s%s%s%s", source ? source : "tmpfs",
		       json_str(v, "target", ""), options ? ":" : "",
		       options ? options : "",
		       json_bool(v, "read_only", false) ? ":ro" : "",
		       json_bool(v, "nocopy", false) ? ":nocopy" : "");
}

static char *element_text(const char *key, const json_t *v)
{
	if (json_is_string(v))
		return str_dup(json_string_value(v));
	if (json_is_object(v) && str_eq(key, "ports"))
		return port_text(v);
	if (json_is_object(v) && str_eq(key, "volumes"))
		return mount_text(v);
	return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
}

static char *list_text(const char *key, const json_t *list)
{
	AUTO_BUF struct buf b = BUF_INIT;
	json_t *v;
	size_t i;

	json_array_foreach ((json_t *)list, i, v) {
		AUTO_FREE char *text = element_text(key, v);

		add_word(&b, text ? text : "");
	}
	return b.len ? buf_take(&b) : str_dup("none");
}

static char *plain_text(const char *key, const json_t *v)
{
	if (!v)
		return str_dup("unset");
	if (json_is_null(v))
		return str_dup(is_image_default(key) ? "the image's" : "none");
	if (json_is_boolean(v))
		return str_dup(json_is_true(v) ? "on" : "off");
	if (json_is_integer(v) && is_size(key))
		return size_text(json_integer_value(v));
	if (json_is_integer(v))
		return str_fmt("%lld", (long long)json_integer_value(v));
	if (json_is_real(v))
		return str_fmt("%g", json_real_value(v));
	if (json_is_array(v))
		return list_text(key, v);
	return element_text(key, v);
}

/* All of @what in @text. */
static char *replace(char *text, const char *what)
{
	AUTO_FREE char *old = text;
	AUTO_BUF struct buf b = BUF_INIT;
	const char *from = old, *at;

	while ((at = strstr(from, what))) {
		buf_add(&b, from, (size_t)(at - from));
		buf_adds(&b, MASK);
		from = at + strlen(what);
	}
	buf_adds(&b, from);
	return buf_take(&b);
}

/* The longest first: one value may be a part of another. */
static char *mask(char *text, const struct strv *hidden)
{
	AUTO_FREE bool *done = mem_new(hidden->n + 1, sizeof(*done));

	for (size_t k = 0; k < hidden->n; k++) {
		size_t longest = hidden->n;

		for (size_t i = 0; i < hidden->n; i++)
			if (!done[i] &&
			    (longest == hidden->n ||
			     strlen(hidden->v[i]) > strlen(hidden->v[longest])))
				longest = i;
		done[longest] = true;
		text = replace(text, hidden->v[longest]);
	}
	return text;
}

/* Before it is quoted or escaped: a secret may hold what that changes. */
static json_t *masked(const json_t *v, const struct strv *hidden)
{
	json_t *copy = json_deep_copy(v), *item;
	const char *name;
	size_t i;

	json_object_foreach (copy, name, item)
		json_object_set_new(copy, name, masked(item, hidden));
	json_array_foreach (copy, i, item)
		json_array_set_new(copy, i, masked(item, hidden));
	if (json_is_string(v)) {
		AUTO_FREE char *text = mask(str_dup(json_string_value(v)), hidden);

		json_decref(copy);
		copy = json_text(text);
	}
	return copy;
}

char *diff_value(const char *key, const json_t *v, const struct strv *hidden)
{
	AUTO_JSON json_t *copy = NULL;
	char *text;

	if (v && (str_starts(key, "environment") || diff_is_file(key)))
		return str_dup(MASK);
	if (json_is_string(v) && str_eq(key, "seccomp_profile"))
		return str_fmt("a profile of %zu bytes, %08x", json_string_length(v),
			       str_hash(json_string_value(v)));
	copy = is_free_text(key) ? masked(v, hidden) : json_deep_copy(v);
	text = plain_text(key, copy);
	if (!text)
		text = str_dup("?");
	str_sanitize(text);
	return text;
}

static bool inside_char(const char *s)
{
	return ((unsigned char)*s & 0xc0) == 0x80; /* not UTF-8's first byte */
}

char *diff_short(const char *text, const char *other)
{
	size_t n = strlen(text), same = 0, from, end;

	if (str_starts(text, "sha256:") && n > ID_SHORT)
		return str_ndup(text, ID_SHORT);
	if (n <= SHORT_MAX)
		return str_dup(text);
	while (text[same] && text[same] == other[same])
		same++;
	from = same > SHORT_MAX - CONTEXT ? same - CONTEXT : 0;
	if (from + SHORT_MAX > n)
		from = n - SHORT_MAX;
	while (from > 0 && inside_char(text + from))
		from--;
	end = from + SHORT_MAX < n ? from + SHORT_MAX : n;
	while (end < n && inside_char(text + end))
		end++;
	return str_fmt("%s%.*s%s", from ? "\xe2\x80\xa6" : "", (int)(end - from),
		       text + from, end < n ? "\xe2\x80\xa6" : "");
}
