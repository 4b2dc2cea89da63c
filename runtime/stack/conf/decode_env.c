/*
 * stack/decode_env.c - lists of NAME=VALUE: environment, env_file, labels, sysctls.
 *
 * Knows that environment wins over env_file, and marks as secret what came from a file.
 */
#include "runtime/stack/conf/decode.h"

#include <errno.h>
#include <string.h>

#include "runtime/stack/conf/conf_env.h"
#include "runtime/stack/conf/value.h"

static void secret_add(struct model_service *s, const char *name)
{
	if (!strv_has(&s->env_secret, name))
		strv_add(&s->env_secret, name);
}

static void secret_remove(struct model_service *s, const char *name)
{
	for (size_t i = 0; i < s->env_secret.n; i++)
		if (strcmp(s->env_secret.v[i], name) == 0)
			strv_remove(&s->env_secret, i--);
}

static void read_env_file(struct decode *d, struct model_service *s,
			  const struct conf_word *w)
{
	AUTO_FREE char *path =
		value_resolve(w->text, conf_files_dir(d->files, &w->pos), d->home);
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_STRV struct strv pairs = STRV_INIT;
	struct err e = ERR_INIT;
	struct conf_file *f;
	int r = d->io->read(d->io->ctx, path, &text, &e);

	if (r < 0) {
		if (r != -ENOENT || !d->loose)
			diag_at(d->diag, w->pos, "%s", err_text(&e));
		return;
	}
	f = conf_files_add(d->files, w->text, path);
	f->text = text;
	text = (struct buf)BUF_INIT;
	f->secret = true;
	conf_env_parse(f, d->vars, &pairs, d->diag);
	strv_foreach (i, &pairs) {
		AUTO_FREE char *name = str_ndup(pairs.v[i], strcspn(pairs.v[i], "="));

		AUTO_FREE char *key = str_fmt("environment.%s", name);

		strv_set_env(&s->env, pairs.v[i]);
		secret_add(s, name);
		model_where_add(s, key, w->pos);
	}
}

void decode_env_file(struct decode *d, struct model_service *s,
		     const struct conf_node *node)
{
	for (size_t i = 0; i < node->n_words; i++) {
		if (!*node->words[i].text)
			decode_bad(d, node, &node->words[i], "paths");
		else
			read_env_file(d, s, &node->words[i]);
	}
}

void decode_environment(struct decode *d, struct model_service *s,
			const struct conf_node *node)
{
	for (size_t i = 0; i < node->n_words; i++) {
		const struct conf_word *w = &node->words[i];
		size_t n = strcspn(w->text, "=");
		AUTO_FREE char *name = str_ndup(w->text, n);
		const char *value =
			w->text[n] ? w->text + n + 1 : conf_vars_get(d->vars, name);
		AUTO_FREE char *pair = str_fmt("%s=%s", name, value ? value : "");

		if (!value_env_name(name, n)) {
			decode_bad(d, node, w, "NAME=VALUE or NAME");
			continue;
		}
		if (decode_turn(d, node, w, "variable", name) == DECODE_REPEATED)
			continue;
		if (!value) /* a name alone that nobody set: Compose leaves it out */
			continue;
		strv_set_env(&s->env, pair);
		secret_remove(s, name);
	}
}

static void decode_pairs(struct decode *d, const struct conf_node *node, const char *kind,
			 bool bare, struct strv *ret)
{
	for (size_t i = 0; i < node->n_words; i++) {
		const struct conf_word *w = &node->words[i];
		size_t n = strcspn(w->text, "=");
		AUTO_FREE char *name = str_ndup(w->text, n);
		AUTO_FREE char *pair =
			str_fmt("%s=%s", name, w->text[n] ? w->text + n + 1 : "");

		if (!value_env_name(name, n) || (!w->text[n] && !bare))
			decode_bad(d, node, w,
				   bare ? "NAME=VALUE or NAME" : "NAME=VALUE");
		else if (decode_turn(d, node, w, kind, name) != DECODE_REPEATED)
			strv_set_env(ret, pair);
	}
}

void decode_labels(struct decode *d, struct model_service *s,
		   const struct conf_node *node)
{
	decode_pairs(d, node, "label", true, &s->labels);
}

void decode_sysctls(struct decode *d, struct model_service *s,
		    const struct conf_node *node)
{
	decode_pairs(d, node, "sysctl", false, &s->sysctls);
	for (size_t i = 0; i < node->n_words; i++) {
		const char *name = node->words[i].text;

		/* It becomes a path below /proc/sys. */
		if (strstr(name, "..") || *name == '/' || *name == '.')
			decode_bad(d, node, &node->words[i],
				   "a name such as net.core.somaxconn");
	}
}
