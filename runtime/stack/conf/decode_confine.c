/*
 * stack/decode_confine.c - limits and rights: memory, cpus, capabilities, ulimits,
 * userns.
 *
 * Knows single values. Does not know how a kernel keeps them.
 */
#include "runtime/stack/conf/decode.h"

#include <errno.h>
#include <string.h>

#include "runtime/container/container.h"
#include "runtime/stack/conf/value.h"

enum { MEM_LIMIT_MIN = 1024 * 1024 }; /* below it not even the program's text gets in */

DECODER(decode_mem_limit)
{
	const struct conf_word *w = &node->words[0];

	if (!value_size(w->text, &s->mem_limit)) {
		decode_bad(d, node, w, "a size such as 128m");
		return;
	}
	s->mem_pos = w->pos;
	decode_check_memory(d, w, s->mem_limit);
}

void decode_check_memory(struct decode *d, const struct conf_word *w, uint64_t bytes)
{
	if (bytes == 0 || bytes >= MEM_LIMIT_MIN)
		return;
	diag_at(d->diag, w->pos, "'mem_limit' of %llu bytes is too small for any program",
		(unsigned long long)bytes);
	if (!w->text[strspn(w->text, "0123456789")])
		diag_hint(d->diag, "%sm is %s MiB", w->text, w->text);
}

bool decode_pids(struct decode *d, const struct conf_node *node, uint64_t *ret)
{
	unsigned long long n = 0;

	if (strcmp(node->words[0].text, "-1") != 0 &&
	    !str_u64(node->words[0].text, INT32_MAX, &n)) {
		decode_bad(d, node, &node->words[0], "a number, or -1 for no limit");
		return false;
	}
	*ret = n;
	return true;
}

DECODER(decode_shm_size)
{
	if (!value_size(node->words[0].text, &s->shm_size) || s->shm_size == 0)
		decode_bad(d, node, &node->words[0], "a size such as 64m");
}

DECODER(decode_cpus)
{
	s->cpus_pos = node->words[0].pos;
	if (!value_cpus(node->words[0].text, &s->cpu_millis))
		decode_bad(d, node, &node->words[0], "a number such as 0.5");
}

DECODER(decode_pids_limit)
{
	(void)decode_pids(d, node, &s->pids_limit);
}

static bool rlimit_value(const char *s, uint64_t *ret)
{
	unsigned long long v;

	if (strcmp(s, "-1") == 0 || strcmp(s, "unlimited") == 0)
		*ret = UINT64_MAX;
	else if (str_u64(s, INT64_MAX, &v))
		*ret = v;
	else
		return false;
	return true;
}

static void set_rlimit(struct model_service *s, const struct model_rlimit *l)
{
	for (size_t i = 0; i < s->n_rlimits; i++) {
		if (s->rlimits[i].resource == l->resource) {
			s->rlimits[i] = *l;
			return;
		}
	}
	s->rlimits = mem_grow(s->rlimits, s->n_rlimits + 1, sizeof(*s->rlimits));
	s->rlimits[s->n_rlimits++] = *l;
}

static void decode_ulimit(struct decode *d, struct model_service *s,
			  const struct conf_node *node, const struct conf_word *w)
{
	size_t n = strcspn(w->text, "=");
	AUTO_FREE char *name = str_ndup(w->text, n);
	AUTO_FREE char *soft = str_dup(w->text[n] ? w->text + n + 1 : "");
	char *hard = strchr(soft, ':');
	struct model_rlimit l = { .resource = value_rlimit(name) };
	const char *near;

	if (hard)
		*hard++ = '\0';
	if (!rlimit_value(soft, &l.soft) || !rlimit_value(hard ? hard : soft, &l.hard)) {
		decode_bad(d, node, w, "NAME=SOFT[:HARD], numbers or 'unlimited'");
		return;
	}
	if (l.resource < 0) {
		near = diag_suggest(name, value_rlimit_names());
		diag_at(d->diag, w->pos, "unknown limit '%s'%s%s%s", name,
			near ? " (did you mean '" : "", near ? near : "",
			near ? "'?)" : "");
		return;
	}
	if (l.soft > l.hard) {
		diag_at(d->diag, w->pos, "the soft limit of '%s' is above its hard limit",
			name);
		return;
	}
	if (decode_turn(d, node, w, "limit", name) != DECODE_REPEATED)
		set_rlimit(s, &l);
}

DECODER(decode_ulimits)
{
	for (size_t i = 0; i < node->n_words; i++)
		decode_ulimit(d, s, node, &node->words[i]);
}

DECODER(decode_read_only)
{
	if (!value_bool(node->words[0].text, &s->read_only))
		decode_bad(d, node, &node->words[0], "on or off");
}

DECODER(decode_privileged)
{
	if (!value_bool(node->words[0].text, &s->privileged))
		decode_bad(d, node, &node->words[0], "on or off");
}

static void decode_caps(struct decode *d, const struct conf_node *node, struct strv *ret)
{
	for (size_t i = 0; i < node->n_words; i++) {
		const struct conf_word *w = &node->words[i];
		const char *cap = value_capability(w->text), *near;

		if (!cap) {
			near = diag_suggest(w->text, value_capabilities());
			diag_at(d->diag, w->pos, "unknown capability '%s'%s%s%s", w->text,
				near ? " (did you mean '" : "", near ? near : "",
				near ? "'?)" : "");
		} else if (!strv_has(ret, cap)) {
			strv_add(ret, cap);
		}
	}
}

DECODER(decode_cap_add)
{
	decode_caps(d, node, &s->cap_add);
}

DECODER(decode_cap_drop)
{
	decode_caps(d, node, &s->cap_drop);
}

static void read_profile(struct decode *d, struct model_service *s,
			 const struct conf_word *w, const char *name)
{
	AUTO_FREE char *path =
		value_resolve(name, conf_files_dir(d->files, &w->pos), d->home);
	AUTO_BUF struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int r = d->io->read(d->io->ctx, path, &text, &e);

	if (r == 0)
		r = container_seccomp_check(text.data ? text.data : "", &e);
	if (r < 0) {
		if (r != -ENOENT || !d->loose)
			diag_at(d->diag, w->pos, "'%s': %s", name, err_text(&e));
		return;
	}
	str_set(&s->seccomp_file, path);
	str_set(&s->seccomp_profile, text.data);
}

/* Compose takes '=' and ':' alike. no-new-privileges is what every service has anyway. */
DECODER(decode_security_opt)
{
	for (size_t i = 0; i < node->n_words; i++) {
		AUTO_FREE char *opt = str_dup(node->words[i].text);
		char *sep = opt + strcspn(opt, ":=");

		if (*sep)
			*sep = '=';
		if (str_eq(opt, "seccomp=unconfined"))
			s->seccomp_off = true;
		else if (str_starts(opt, "seccomp=") && opt[8])
			read_profile(d, s, &node->words[i], opt + 8);
		else if (str_starts(opt, "apparmor=") && opt[9])
			str_set(&s->apparmor, opt + 9);
		else if (!str_eq(opt, "no-new-privileges") &&
			 !str_eq(opt, "no-new-privileges=true"))
			decode_bad(d, node, &node->words[i],
				   "no-new-privileges, seccomp=FILE, apparmor=PROFILE or "
				   "either =unconfined");
	}
}

DECODER(decode_userns)
{
	const struct conf_word *w = &node->words[0];

	if (strcmp(w->text, "on") == 0) {
		s->userns = MODEL_USERNS_ON;
	} else if (strcmp(w->text, "required") == 0) {
		s->userns = MODEL_USERNS_REQUIRED;
	} else if (strcmp(w->text, "host") == 0) {
		s->userns = MODEL_USERNS_HOST;
	} else if (strcmp(w->text, "isolated") == 0) {
		s->userns = MODEL_USERNS_ISOLATED;
	} else {
		decode_bad(d, node, w, "on, required, isolated or host");
		if (strcmp(w->text, "off") == 0)
			diag_hint(d->diag,
				  "'host' is without a user namespace of its own");
	}
}

DECODER(decode_userns_mode)
{
	if (strcmp(node->words[0].text, "host") != 0)
		decode_bad(d, node, &node->words[0], "host");
	else
		s->userns = MODEL_USERNS_HOST;
}
