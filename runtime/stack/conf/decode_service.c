/*
 * stack/decode_service.c - one service block: defaults, the table's shapes, and its
 * readers.
 *
 * Knows the table of keys. Does not know any key's values.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

enum decode_turn decode_turn(struct decode *d, const struct conf_node *node,
			     const struct conf_word *w, const char *kind,
			     const char *name)
{
	AUTO_FREE char *key = str_fmt("%s '%s'", kind, name);

	for (size_t i = 0; i < d->n_seen; i++) {
		if (strcmp(d->seen[i].key, key) != 0)
			continue;
		if (d->seen[i].layer == node->layer) {
			diag_at(d->diag, w->pos, "%s stands twice in this service", key);
			return DECODE_REPEATED;
		}
		d->seen[i].layer = node->layer;
		return DECODE_REPLACE;
	}
	d->seen = mem_grow(d->seen, d->n_seen + 1, sizeof(*d->seen));
	d->seen[d->n_seen++] = (struct decode_seen){ TAKE(key), node->layer };
	return DECODE_NEW;
}

static void seen_clear(struct decode *d)
{
	for (size_t i = 0; i < d->n_seen; i++)
		free(d->seen[i].key);
	free(d->seen);
	d->seen = NULL;
	d->n_seen = 0;
}

void decode_defaults(struct model_service *s)
{
	s->stop_grace_ms = 10000;
	s->logging = (struct model_logging){ .max_size = 10 << 20, .max_files = 3 };
	s->shm_size = 64ull << 20;
	s->pids_limit = 4096;
	s->init = true;
	s->health = (struct model_health){ .interval_ms = 30000,
					   .timeout_ms = 30000,
					   .retries = 3 };
}

static void unknown_key(struct decode *d, const char *where, const struct conf_node *c)
{
	const char *names[128]; /* the table has fewer rows */
	size_t n = 0;

	if (str_eq(c->name, "service") || str_eq(c->name, "volume") ||
	    str_eq(c->name, "stack") || str_eq(c->name, "include")) {
		diag_at(d->diag, c->pos, "'%s' stands inside a service", c->name);
		diag_hint(d->diag, "is a '}' missing above?");
		return;
	}
	for (const struct service_key *k = service_keys();
	     k->name && n + 1 < ARRAY_LEN(names); k++)
		if (k->decode)
			names[n++] = k->name;
	names[n] = NULL;
	decode_unknown(d, c, where, names);
}

static void not_yet(struct decode *d, const struct service_key *k,
		    const struct conf_node *c, const char *where)
{
	if (k->ours)
		diag_at(d->diag, c->pos, "'%s' %s is not supported yet", k->name, where);
	else
		diag_at(d->diag, c->pos,
			"'%s' %s is a Compose key that minibox does not have yet",
			k->name, where);
	if (k->takes)
		diag_hint(d->diag, "%s", k->takes);
}

/*
 * With its ';' forgotten a directive swallows the next one as words, and `command` would
 * run them. No directive's value starts a line with a directive's name, unless it is in
 * quotes.
 */
static bool swallowed(struct decode *d, const struct conf_node *c)
{
	for (size_t i = 0; i < c->n_words; i++) {
		if (!c->words[i].line_start || !service_key(c->words[i].text))
			continue;
		diag_at(d->diag, c->words[i].pos, "missing ';' before '%s'",
			c->words[i].text);
		diag_hint(d->diag, "put '%s' in quotes if it is a word of '%s'",
			  c->words[i].text, c->name);
		return true;
	}
	return false;
}

/* Is @c, child @i, fit to be handed to its key's reader? Notes why not. */
static bool check_child(struct decode *d, const struct conf_node *node, size_t i,
			const char *where)
{
	const struct conf_node *c = &node->children[i];
	const struct service_key *k = service_key(c->name);

	if (!k || !k->decode) {
		if (k)
			not_yet(d, k, c, where);
		else
			unknown_key(d, where, c);
		return false;
	}
	if (swallowed(d, c))
		return false;
	for (size_t j = 0; j < i && !k->many; j++) {
		if (strcmp(node->children[j].name, c->name) != 0)
			continue;
		diag_at(d->diag, c->pos, "'%s' stands twice %s", c->name, where);
		diag_hint(d->diag, "first at line %u", node->children[j].pos.line);
		return false;
	}
	return decode_shape(d, c, k->min, k->max, k->block, k->takes);
}

/* Several directives may have a hand in one value of the model. */
static const char *model_key(const char *directive)
{
	static const char *const others[][2] = {
		{ "tmpfs", "volumes" },
		{ "nocopy", "volumes" },
		{ "env_file", "environment" },
		{ "userns_mode", "userns" },
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(others[i][0], directive) == 0)
			return others[i][1];
	return directive;
}

/* The directive, what its block holds, and of a list each NAME of NAME=VALUE. */
static void note_where(struct model_service *s, const struct conf_node *c)
{
	const char *key = model_key(c->name);

	model_where_add(s, key, c->pos);
	if (strcmp(c->name, "security_opt") == 0)
		model_where_add(s, "seccomp_profile", c->pos);
	for (size_t i = 0; i < c->n_children; i++) {
		AUTO_FREE char *part = str_fmt("%s.%s", key, c->children[i].name);

		model_where_add(s, part, c->children[i].pos);
	}
	for (size_t i = 0; service_key(c->name)->many && i < c->n_words; i++) {
		const char *word = c->words[i].text;
		AUTO_FREE char *part =
			str_fmt("%s.%.*s", key, (int)strcspn(word, "=:"), word);

		model_where_add(s, part, c->words[i].pos);
	}
}

static void decode_children(struct decode *d, struct model_service *s,
			    const struct conf_node *node)
{
	AUTO_FREE char *where = str_fmt("in service '%s'", s->name);
	AUTO_FREE bool *fit = mem_new(node->n_children, sizeof(*fit));

	for (size_t i = 0; i < node->n_children; i++) {
		fit[i] = check_child(d, node, i, where);
		/* Written, if wrongly: that it is missing would be one error too many. */
		if (str_eq(node->children[i].name, "image"))
			s->image_pos = node->children[i].pos;
	}
	for (const struct service_key *k = service_keys(); k->decode; k++)
		for (size_t i = 0; i < node->n_children; i++)
			if (fit[i] && strcmp(node->children[i].name, k->name) == 0)
				k->decode(d, s, &node->children[i]);
	for (size_t i = 0; i < node->n_children; i++)
		if (fit[i])
			note_where(s, &node->children[i]);
	seen_clear(d);
}

void decode_service(struct decode *d, const struct conf_node *node)
{
	const struct model_service *old;
	struct model_service *s;
	const char *name;

	if (!decode_shape(d, node, 1, 1, true, "a name"))
		return;
	name = node->words[0].text;
	if (!value_name(name)) {
		diag_at(d->diag, node->words[0].pos, "'%s' cannot be a service's name",
			name);
		diag_hint(d->diag, "a-z 0-9 _ . - and at most 63 of them");
		return;
	}
	old = model_service(d->m, name);
	if (old) {
		diag_at(d->diag, node->words[0].pos, "service '%s' is defined twice",
			name);
		diag_hint(d->diag, "first at %s:%u", old->pos.file, old->pos.line);
		return;
	}
	d->m->services =
		mem_grow(d->m->services, d->m->n_services + 1, sizeof(*d->m->services));
	s = &d->m->services[d->m->n_services++];
	*s = (struct model_service){ .name = str_dup(name), .pos = node->words[0].pos };
	decode_defaults(s);
	decode_children(d, s, node);
}
