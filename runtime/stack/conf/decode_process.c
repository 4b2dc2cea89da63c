/*
 * stack/decode_process.c - what runs and how it is ended: image, command, user, restart,
 * signals.
 *
 * Knows single values. Does not know what an image brings of its own.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

static bool looks_like_archive(const char *s)
{
	static const char *const ends[] = { ".tar",    ".tar.gz",  ".tgz",
					    ".tar.xz", ".tar.zst", ".tar.bz2" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(s, ends[i]))
			return true;
	return false;
}

static bool looks_like_path(const char *s)
{
	return *s == '/' || str_starts(s, "./") || str_starts(s, "../") ||
	       str_starts(s, "~/");
}

/* A directory is an image only when it says so: `image web` beside ./web is a name. */
static bool is_path(struct decode *d, const char *word, const char *path)
{
	AUTO_FREE char *index = str_fmt("%s/index.json", path);

	if (looks_like_archive(word) || looks_like_path(word))
		return true;
	if (d->io->kind(d->io->ctx, index) == MODEL_FILE)
		return true;
	return strchr(word, '/') && d->io->kind(d->io->ctx, path) == MODEL_FILE;
}

DECODER(decode_image)
{
	const struct conf_word *w = &node->words[0];
	AUTO_FREE char *path =
		value_resolve(w->text, conf_files_dir(d->files, &w->pos), d->home);

	if (!*w->text) {
		decode_bad(d, node, w, "a path, or a name in the store");
		return;
	}
	s->image_pos = w->pos;
	str_set(&s->image, is_path(d, w->text, path) ? path : w->text);
}

/* One empty word empties the image's: `entrypoint "";`. */
static void decode_argv(const struct conf_node *node, bool *ret_has, struct strv *ret)
{
	*ret_has = true;
	if (node->n_words == 1 && !*node->words[0].text)
		return;
	for (size_t i = 0; i < node->n_words; i++)
		strv_add(ret, node->words[i].text);
}

DECODER(decode_command)
{
	(void)d;
	decode_argv(node, &s->has_command, &s->command);
}

DECODER(decode_entrypoint)
{
	(void)d;
	decode_argv(node, &s->has_entrypoint, &s->entrypoint);
}

DECODER(decode_user)
{
	const struct conf_word *w = &node->words[0];

	if (!*w->text || w->text[strcspn(w->text, " \t\n/")] || *w->text == ':')
		decode_bad(d, node, w, "a user or uid, with :group");
	else
		str_set(&s->user, w->text);
}

DECODER(decode_working_dir)
{
	char *path = value_path(node->words[0].text);

	if (!path)
		decode_bad(d, node, &node->words[0], "an absolute path");
	free(s->working_dir);
	s->working_dir = path;
}

DECODER(decode_hostname)
{
	if (!value_hostname(node->words[0].text) || strlen(node->words[0].text) > 63)
		decode_bad(d, node, &node->words[0], "a host name of at most 63 letters");
	else
		str_set(&s->hostname, node->words[0].text);
}

DECODER(decode_restart)
{
	static const char *const names[] = {
		[MODEL_NO] = "no",
		[MODEL_ALWAYS] = "always",
		[MODEL_UNLESS_STOPPED] = "unless-stopped",
		[MODEL_ON_FAILURE] = "on-failure",
	};
	const struct conf_word *w = &node->words[0];
	unsigned long long max;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], w->text) == 0) {
			s->restart = (enum model_restart)i;
			return;
		}
	}
	if (str_starts(w->text, "on-failure:") &&
	    str_u64(w->text + 11, UINT32_MAX, &max)) {
		s->restart = MODEL_ON_FAILURE;
		s->restart_max = (uint32_t)max;
		return;
	}
	decode_bad(d, node, w, "no, always, unless-stopped or on-failure[:N]");
}

DECODER(decode_stop_signal)
{
	char *name = value_signal(node->words[0].text);

	if (!name)
		decode_bad(d, node, &node->words[0], "a signal such as SIGTERM");
	free(s->stop_signal);
	s->stop_signal = name;
}

DECODER(decode_stop_grace_period)
{
	if (!value_duration(node->words[0].text, &s->stop_grace_ms))
		decode_bad(d, node, &node->words[0], "a duration such as 10s");
}

DECODER(decode_init)
{
	if (!value_bool(node->words[0].text, &s->init))
		decode_bad(d, node, &node->words[0], "on or off");
}

DECODER(decode_tty)
{
	if (!value_bool(node->words[0].text, &s->tty))
		decode_bad(d, node, &node->words[0], "on or off");
}

DECODER(decode_stdin_open)
{
	if (!value_bool(node->words[0].text, &s->stdin_open))
		decode_bad(d, node, &node->words[0], "on or off");
}

DECODER(decode_profiles)
{
	for (size_t i = 0; i < node->n_words; i++) {
		const char *name = node->words[i].text;

		if (!*name ||
		    name[strspn(name,
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789_.-")])
			decode_bad(d, node, &node->words[i], "names");
		else if (!strv_has(&s->profiles, name))
			strv_add(&s->profiles, name);
	}
}
