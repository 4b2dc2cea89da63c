/*
 * stack/decode.c - what stands at the top of a stack file; and the errors all decoders
 * share.
 *
 * Knows stack, volume and the objects still to come. Services are decode_service's,
 * secrets decode_secret's.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

void decode_unknown(struct decode *d, const struct conf_node *node, const char *where,
		    const char *const *names)
{
	const char *near = diag_suggest(node->name, names);
	size_t n = strlen(node->name);

	if (near)
		diag_at(d->diag, node->pos,
			"unknown directive '%s'%s%s (did you mean '%s'?)", node->name,
			*where ? " " : "", where, near);
	else
		diag_at(d->diag, node->pos, "unknown directive '%s'%s%s", node->name,
			*where ? " " : "", where);
	if (n > 1 && node->name[n - 1] == ':')
		diag_hint(d->diag,
			  "no ':' stands after a name here; Compose files end in .yml");
}

void decode_bad(struct decode *d, const struct conf_node *node, const struct conf_word *w,
		const char *takes)
{
	diag_at(d->diag, w->pos, "'%s' is not what '%s' takes: %s", w->text, node->name,
		takes);
}

bool decode_shape(struct decode *d, const struct conf_node *node, size_t min, size_t max,
		  bool block, const char *takes)
{
	if (node->block && !block) {
		diag_at(d->diag, node->pos, "'%s' takes no { block }", node->name);
		return false;
	}
	if (node->n_words < min) {
		diag_at(d->diag, node->end, "'%s' needs %s", node->name, takes);
		return false;
	}
	if (max > 0 && node->n_words > max) {
		const struct conf_word *w = &node->words[max];

		diag_at(d->diag, w->pos, "'%s' has a word too many: '%s'", node->name,
			w->text);
		if (w->line_start)
			diag_hint(d->diag, "is a ';' missing on the line before?");
		return false;
	}
	return true;
}

static void decode_stack(struct decode *d, const struct conf_node *node)
{
	if (!decode_shape(d, node, node->block ? 0 : 1, 1, true, "a name"))
		return;
	decode_budget(d, node);
	if (node->n_words == 0)
		return;
	if (!value_name(node->words[0].text)) {
		diag_at(d->diag, node->words[0].pos, "'%s' cannot be a stack's name",
			node->words[0].text);
		diag_hint(d->diag, "a-z 0-9 _ . - and at most 63 of them");
		return;
	}
	if (d->m->name)
		diag_at(d->diag, node->pos, "the stack is named twice");
	else
		d->m->name = str_dup(node->words[0].text);
}

/* from SERVICE:PATH */
static void decode_from(struct decode *d, struct model_volume *v,
			const struct conf_node *node)
{
	const char *word, *colon;

	if (!decode_shape(d, node, 1, 1, false, "SERVICE:PATH"))
		return;
	if (v->from_service) {
		diag_at(d->diag, node->pos, "'from' stands twice in volume '%s'",
			v->name);
		return;
	}
	word = node->words[0].text;
	colon = strchr(word, ':');
	v->from_path = colon ? value_path(colon + 1) : NULL;
	if (!v->from_path || colon == word) {
		decode_bad(d, node, &node->words[0],
			   "SERVICE:PATH with an absolute path");
		free(v->from_path);
		v->from_path = NULL;
		return;
	}
	v->from_service = str_ndup(word, (size_t)(colon - word));
}

/* keep N: so many generations of the shared directory at once */
static void decode_keep(struct decode *d, struct model_volume *v,
			const struct conf_node *node)
{
	unsigned long long n;

	if (!decode_shape(d, node, 1, 1, false, "a number"))
		return;
	if (v->keep)
		diag_at(d->diag, node->pos, "'keep' stands twice in volume '%s'",
			v->name);
	else if (!str_u64(node->words[0].text, MODEL_KEEP_MAX, &n) || n == 0)
		decode_bad(d, node, &node->words[0], "a number from 1 to 16");
	else
		v->keep = (uint32_t)n;
}

static void decode_volume_block(struct decode *d, struct model_volume *v,
				const struct conf_node *node)
{
	static const char *const names[] = { "from",        "keep",     "driver",
					     "driver_opts", "external", "labels",
					     "name",        NULL };
	AUTO_FREE char *where = str_fmt("in volume '%s'", v->name);

	for (size_t i = 0; i < node->n_children; i++) {
		const struct conf_node *c = &node->children[i];
		size_t k = 0;

		while (names[k] && strcmp(names[k], c->name) != 0)
			k++;
		if (k == 0)
			decode_from(d, v, c);
		else if (k == 1)
			decode_keep(d, v, c);
		else if (names[k])
			diag_at(d->diag, c->pos, "'%s' of a volume is not supported yet",
				c->name);
		else
			decode_unknown(d, c, where, names);
	}
	if (v->keep && !v->from_service)
		diag_at(d->diag, v->pos, "volume '%s' has 'keep', but no 'from'",
			v->name);
}

static void decode_volume(struct decode *d, const struct conf_node *node)
{
	const struct model_volume *old;
	struct model_volume *v;
	const char *name;

	if (!decode_shape(d, node, 1, 1, true, "a name"))
		return;
	name = node->words[0].text;
	if (!value_name(name)) {
		diag_at(d->diag, node->words[0].pos, "'%s' cannot be a volume's name",
			name);
		diag_hint(d->diag, "a-z 0-9 _ . - and at most 63 of them");
		return;
	}
	old = model_volume(d->m, name);
	if (old) {
		diag_at(d->diag, node->words[0].pos, "volume '%s' is declared twice",
			name);
		diag_hint(d->diag, "first at %s:%u", old->pos.file, old->pos.line);
		return;
	}
	d->m->volumes =
		mem_grow(d->m->volumes, d->m->n_volumes + 1, sizeof(*d->m->volumes));
	v = &d->m->volumes[d->m->n_volumes++];
	*v = (struct model_volume){ .name = str_dup(name), .pos = node->words[0].pos };
	decode_volume_block(d, v, node);
}

static void decode_object_not_yet(struct decode *d, const struct conf_node *node)
{
	if (node->n_words > 0)
		diag_at(d->diag, node->pos, "%s '%s': '%s' is not supported yet",
			node->name, node->words[0].text, node->name);
	else
		diag_at(d->diag, node->pos, "'%s' is not supported yet", node->name);
}

/* A directive of a service outside of any is most often behind a '}' too many. */
static bool misplaced(struct decode *d, const struct conf_node *node)
{
	if (!service_key(node->name))
		return false;
	diag_at(d->diag, node->pos, "'%s' stands outside of a service", node->name);
	diag_hint(d->diag, "is there a '}' too many above?");
	return true;
}

void decode_tree(struct decode *d, const struct conf_node *root)
{
	static const struct {
		const char *name;
		void (*decode)(struct decode *d, const struct conf_node *node);
	} objects[] = {
		{ "stack", decode_stack },   { "service", decode_service },
		{ "volume", decode_volume }, { "network", decode_object_not_yet },
		{ "secret", decode_secret }, { "config", decode_secret },
	};
	static const char *const names[] = { "stack",  "service", "volume",  "network",
					     "secret", "config",  "include", NULL };

	for (size_t i = 0; i < root->n_children; i++) {
		const struct conf_node *c = &root->children[i];
		size_t k = 0;

		while (k < ARRAY_LEN(objects) && strcmp(objects[k].name, c->name) != 0)
			k++;
		if (k < ARRAY_LEN(objects))
			objects[k].decode(d, c);
		else if (!misplaced(d, c))
			decode_unknown(d, c, "", names);
	}
}
