/*
 * stack/diff.c - see diff.h.
 *
 * Knows the JSON of a service, and which of its values must not be shown. Does not know
 * what a difference is to lead to.
 */
#include "runtime/stack/diff.h"

#include <string.h>

#include "runtime/stack/diff_value.h"

enum {
	MASK_MIN = 4
}; /* bytes: nothing shorter is a secret, and "db" stands everywhere */

struct walk {
	const struct diff_source *src;
	struct strv hidden;
	struct diff *ret;
};

void diff_add(struct diff *d, const char *key, const char *was, const char *is,
	      struct model_pos pos)
{
	d->v = mem_grow(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct stack_change){
		.key = str_dup(key),
		.was = str_dup(was),
		.is = str_dup(is),
		.file = pos.line ? str_dup(pos.file) : NULL,
		.line = pos.line,
	};
}

void diff_free(struct stack_change *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].key);
		free(v[i].was);
		free(v[i].is);
		free(v[i].file);
	}
	free(v);
}

static void hide(struct walk *w, const char *value)
{
	if (value && strlen(value) >= MASK_MIN && !strv_has(&w->hidden, value))
		strv_add(&w->hidden, value);
}

static void hide_env(struct walk *w, const json_t *config)
{
	const char *name;
	json_t *v;

	json_object_foreach (json_object_get(config, "environment"), name, v)
		hide(w, json_string_value(v));
}

/* "from.static": a share that the service reads; "keep.static": one that is its own. */
static struct model_pos locate(const struct walk *w, const char *key)
{
	const struct diff_source *s = w->src;
	const struct model_volume *v =
		s->model && (str_starts(key, "from.") || str_starts(key, "keep."))
			? model_volume(s->model, key + strlen("from."))
			: NULL;

	if (v)
		return v->pos;
	if (diff_is_file(key)) { /* "secret key" is said by `secrets key` */
		AUTO_FREE char *uses = str_fmt("%.6ss.%s", key, key + strlen("secret "));

		return locate(w, uses);
	}
	return s->svc ? model_where(s->svc, key) : (struct model_pos){ NULL, 0, 0 };
}

static void note(struct walk *w, const char *key, const char *at, const json_t *was,
		 const json_t *is)
{
	AUTO_FREE char *a = diff_value(key, was, &w->hidden);
	AUTO_FREE char *b = diff_value(key, is, &w->hidden);

	diff_add(w->ret, key, a, b, locate(w, at));
}

static bool holds(const json_t *list, const json_t *item)
{
	json_t *v;
	size_t i;

	json_array_foreach ((json_t *)list, i, v)
		if (json_equal(v, item))
			return true;
	return false;
}

/* The next element from @*i on that @other has not; NULL at the end. */
static const json_t *next_alone(const json_t *list, const json_t *other, size_t *i)
{
	for (; *i < json_array_size(list); (*i)++)
		if (!holds(other, json_array_get(list, *i)))
			return json_array_get(list, *i);
	return NULL;
}

static void compare_lists(struct walk *w, const char *key, const json_t *was,
			  const json_t *is)
{
	size_t i = 0, j = 0, before = w->ret->n;

	for (;; i++, j++) {
		const json_t *went = next_alone(was, is, &i);
		const json_t *came = next_alone(is, was, &j);
		AUTO_FREE char *at = str_fmt("%s[%zu]", key, j);

		if (!went && !came)
			break;
		note(w, key, came ? at : key, went, came);
	}
	if (w->ret->n == before) /* the same ones in another order, or another number */
		note(w, key, key, was, is);
}

static void compare(struct walk *w, const char *key, const json_t *was, const json_t *is);

static void compare_member(struct walk *w, const char *key, const char *name,
			   const json_t *was, const json_t *is)
{
	AUTO_FREE char *path = str_fmt("%s%s%s", key, *key ? "." : "", name);

	compare(w, path, json_object_get(was, name), json_object_get(is, name));
}

static void compare_objects(struct walk *w, const char *key, const json_t *was,
			    const json_t *is)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)is, name, v)
		compare_member(w, key, name, was, is);
	json_object_foreach ((json_t *)was, name, v)
		if (!json_object_get(is, name))
			compare_member(w, key, name, was, is);
}

static void compare(struct walk *w, const char *key, const json_t *was, const json_t *is)
{
	if (json_equal(was, is) || (!was && !is))
		return;
	if (json_is_object(was) && json_is_object(is))
		compare_objects(w, key, was, is);
	else if (json_is_array(was) && json_is_array(is) && !diff_is_argv(key) &&
		 !diff_is_file(key))
		compare_lists(w, key, was, is);
	else
		note(w, key, key, was, is);
}

void diff_configs(const json_t *was, const json_t *is, const struct diff_source *src,
		  struct diff *ret)
{
	struct walk w = { .src = src, .hidden = STRV_INIT, .ret = ret };
	AUTO_JSON json_t *full = json_copy((json_t *)was);

	if (src->defaults)
		json_object_update_missing(full, (json_t *)src->defaults);

	hide_env(&w, was);
	hide_env(&w, is);
	for (size_t i = 0; src->hidden && i < src->hidden->n; i++)
		hide(&w, src->hidden->v[i]);
	compare_objects(&w, "", full, is);
	strv_free(&w.hidden);
}

char *diff_text(const struct stack_change *v, size_t n)
{
	AUTO_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *was = diff_short(v[i].was, v[i].is);
		AUTO_FREE char *is = diff_short(v[i].is, v[i].was);

		buf_addf(&b, "%s%s: %s \xe2\x86\x92 %s", i ? ", " : "", v[i].key, was,
			 is);
		if (v[i].file)
			buf_addf(&b, " (%s:%u)", v[i].file, v[i].line);
	}
	return buf_take(&b);
}
