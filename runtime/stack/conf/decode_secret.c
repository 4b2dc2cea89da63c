/*
 * stack/decode_secret.c - secrets and configs: what they are, and which a service has.
 *
 * Knows the words. That a file is there is looked up; what it holds is not read, and that
 * a name is declared is validate's.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

enum { MODE_DEFAULT = 0444, MODE_MOST = 0777, ID_MOST = 0x7fffffff };

static bool is_config(const struct conf_node *node)
{
	return str_starts(node->name, "config");
}

static void decode_file(struct decode *d, struct model_secret *x,
			const struct conf_node *node)
{
	const struct conf_word *w;
	enum model_kind kind;

	if (!decode_shape(d, node, 1, 1, false, "a path"))
		return;
	if (x->file) {
		diag_at(d->diag, node->pos, "'file' stands twice in '%s'", x->name);
		return;
	}
	w = &node->words[0];
	x->file = value_resolve(w->text, conf_files_dir(d->files, &w->pos), d->home);
	kind = d->loose ? MODEL_FILE : d->io->kind(d->io->ctx, x->file);
	if (kind == MODEL_ABSENT)
		diag_at(d->diag, w->pos, "file '%s' does not exist", x->file);
	else if (kind == MODEL_DIR)
		diag_at(d->diag, w->pos, "'%s' is a directory, not a file", x->file);
}

static void decode_secret_block(struct decode *d, struct model_secret *x,
				const struct conf_node *node)
{
	static const char *const names[] = { "file",     "environment", "content",
					     "external", "labels",      "name",
					     "driver",   "driver_opts", "template_driver",
					     NULL };
	AUTO_FREE char *where = str_fmt("in %s '%s'", node->name, x->name);

	for (size_t i = 0; i < node->n_children; i++) {
		const struct conf_node *c = &node->children[i];
		size_t k = 0;

		while (names[k] && strcmp(names[k], c->name) != 0)
			k++;
		if (k == 0)
			decode_file(d, x, c);
		else if (names[k])
			diag_at(d->diag, c->pos, "'%s' of a %s is not supported yet",
				c->name, node->name);
		else
			decode_unknown(d, c, where, names);
	}
	if (!x->file && node->n_children == 0)
		diag_at(d->diag, node->end, "%s '%s' needs { file PATH; }", node->name,
			x->name);
}

void decode_secret(struct decode *d, const struct conf_node *node)
{
	const struct model_secret *old;
	struct model_secret *x;
	const char *name;

	if (!decode_shape(d, node, 1, 1, true, "a name"))
		return;
	name = node->words[0].text;
	if (!value_name(name)) {
		diag_at(d->diag, node->words[0].pos, "'%s' cannot be a %s's name", name,
			node->name);
		diag_hint(d->diag, "a-z 0-9 _ . - and at most 63 of them");
		return;
	}
	old = model_secret(d->m, is_config(node), name);
	if (old) {
		diag_at(d->diag, node->words[0].pos, "%s '%s' is declared twice",
			node->name, name);
		diag_hint(d->diag, "first at %s:%u", old->pos.file, old->pos.line);
		return;
	}
	d->m->secrets =
		mem_grow(d->m->secrets, d->m->n_secrets + 1, sizeof(*d->m->secrets));
	x = &d->m->secrets[d->m->n_secrets++];
	*x = (struct model_secret){ .name = str_dup(name),
				    .config = is_config(node),
				    .pos = node->words[0].pos };
	decode_secret_block(d, x, node);
}

static bool read_mode(const char *s, uint32_t *ret)
{
	size_t n = strspn(s, "01234567");
	unsigned long mode =
		n > 0 && n <= 5 && !s[n] ? strtoul(s, NULL, 8) : MODE_MOST + 1;

	*ret = (uint32_t)mode;
	return mode <= MODE_MOST;
}

static bool read_id(const char *s, uint32_t *ret)
{
	unsigned long long n;

	if (!str_u64(s, ID_MOST, &n))
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* uid, gid and mode: of all that the directive names. */
static void decode_rights(struct decode *d, const struct conf_node *node,
			  struct model_secret_use *u)
{
	static const char *const names[] = { "uid", "gid", "mode", NULL };

	for (size_t i = 0; i < node->n_children; i++) {
		const struct conf_node *c = &node->children[i];
		const bool uid = strcmp(c->name, "uid") == 0;
		const bool gid = strcmp(c->name, "gid") == 0;

		if (!uid && !gid && strcmp(c->name, "mode") != 0) {
			decode_unknown(d, c,
				       is_config(node) ? "in 'configs'" : "in 'secrets'",
				       names);
			continue;
		}
		if (!decode_shape(d, c, 1, 1, false, uid || gid ? "an id" : "a mode"))
			continue;
		if (!uid && !gid && !read_mode(c->words[0].text, &u->mode))
			decode_bad(d, c, &c->words[0], "octal digits such as 0400");
		if ((uid || gid) && !read_id(c->words[0].text, uid ? &u->uid : &u->gid))
			decode_bad(d, c, &c->words[0], "a number");
	}
}

/* Owned by the caller; NULL where it can be no file's path. @target: NULL: the usual. */
static char *read_target(const struct conf_node *node, const char *name,
			 const char *target)
{
	const char *below = is_config(node) ? "" : "/run/secrets";
	AUTO_FREE char *whole = NULL;
	char *path;

	if (target && *target == '/')
		whole = str_dup(target);
	else
		whole = str_fmt("%s/%s", below, target ? target : name);
	path = target && !*target ? NULL : value_path(whole);
	if (path && strcmp(path, "/") != 0 && strcmp(path, "/run/secrets") != 0)
		return path;
	free(path);
	return NULL;
}

static struct model_secret_use *find_target(struct model_service *s, const char *target)
{
	for (size_t i = 0; i < s->n_secrets; i++)
		if (strcmp(s->secrets[i].target, target) == 0)
			return &s->secrets[i];
	return NULL;
}

/* Takes @u's strings. That of a later file stands in the place of the earlier one. */
static void add_use(struct decode *d, struct model_service *s,
		    const struct conf_node *node, const struct conf_word *w,
		    struct model_secret_use *u)
{
	enum decode_turn turn = decode_turn(d, node, w, "target", u->target);
	struct model_secret_use *at = find_target(s, u->target);

	if (turn == DECODE_REPEATED || at) {
		struct model_secret_use *gone = turn == DECODE_REPEATED ? u : at;

		free(gone->name);
		free(gone->target);
	}
	if (turn == DECODE_REPEATED)
		return;
	if (!at) {
		s->secrets = mem_grow(s->secrets, s->n_secrets + 1, sizeof(*s->secrets));
		at = &s->secrets[s->n_secrets++];
	}
	*at = *u;
}

DECODER(decode_secrets)
{
	struct model_secret_use rights = { .config = is_config(node),
					   .mode = MODE_DEFAULT };

	decode_rights(d, node, &rights);
	for (size_t i = 0; i < node->n_words; i++) {
		const struct conf_word *w = &node->words[i];
		size_t n = strcspn(w->text, ":");
		struct model_secret_use u = rights;

		u.pos = w->pos;
		u.name = str_ndup(w->text, n);
		u.target = read_target(node, u.name, w->text[n] ? w->text + n + 1 : NULL);
		if (value_name(u.name) && u.target) {
			add_use(d, s, node, w, &u);
			continue;
		}
		decode_bad(d, node, w, "NAME[:TARGET]");
		free(u.name);
		free(u.target);
	}
}
