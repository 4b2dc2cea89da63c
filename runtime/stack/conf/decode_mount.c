/*
 * stack/decode_mount.c - volumes, tmpfs and nocopy: what is mounted where in a service.
 *
 * Knows the words. That a bind's source exists is looked up; that a volume is declared is
 * validate's.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

static void mount_clear(struct model_mount *m)
{
	free(m->source);
	free(m->target);
	free(m->options);
	*m = (struct model_mount){ 0 };
}

static struct model_mount *find_target(struct model_service *s, const char *target)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (strcmp(s->mounts[i].target, target) == 0)
			return &s->mounts[i];
	return NULL;
}

/* Takes @m's strings. A mount of a later file stands in the place of the earlier one. */
static void add_mount(struct decode *d, struct model_service *s,
		      const struct conf_node *node, const struct conf_word *w,
		      struct model_mount *m)
{
	enum decode_turn turn = decode_turn(d, node, w, "target", m->target);
	struct model_mount *at;

	m->pos = w->pos;
	if (turn == DECODE_REPEATED) {
		mount_clear(m);
		return;
	}
	at = turn == DECODE_REPLACE ? find_target(s, m->target) : NULL;
	if (at) {
		mount_clear(at);
	} else {
		s->mounts = mem_grow(s->mounts, s->n_mounts + 1, sizeof(*s->mounts));
		at = &s->mounts[s->n_mounts++];
	}
	*at = *m;
	*m = (struct model_mount){ 0 };
}

/* NULL with the error noted: not absolute, or a place that is never a service's to fill.
 */
static char *read_target(struct decode *d, const struct conf_node *node,
			 const struct conf_word *w, const char *text)
{
	static const char *const ours[] = { "/", "/proc", "/sys", "/dev" };
	AUTO_FREE char *path = value_path(text);

	if (!path) {
		diag_at(d->diag, w->pos,
			"'%s' in '%s': the target '%s' is not an absolute path", w->text,
			node->name, text);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcmp(path, ours[i]) != 0)
			continue;
		diag_at(d->diag, w->pos, "nothing can be mounted on '%s' in a service",
			path);
		return NULL;
	}
	return TAKE(path);
}

static bool mount_option(struct decode *d, const struct conf_word *w, const char *opt,
			 struct model_mount *m)
{
	static const char *const not_yet[] = { "z",         "Z",          "cached",
					       "delegated", "consistent", "shared",
					       "rshared",   "slave",      "rslave",
					       "private",   "rprivate",   "U",
					       NULL };
	static const char *const names[] = { "ro", "rw", "nocopy", NULL };
	const char *near;

	if (strcmp(opt, "ro") == 0)
		m->read_only = true;
	else if (strcmp(opt, "nocopy") == 0 && m->type == MODEL_VOLUME)
		m->nocopy = true;
	else if (strcmp(opt, "nocopy") == 0)
		return diag_at(d->diag, w->pos,
			       "'nocopy' is for named volumes, not for binds"),
		       false;
	else if (strcmp(opt, "rw") != 0) {
		for (size_t i = 0; not_yet[i]; i++) {
			if (strcmp(not_yet[i], opt) != 0)
				continue;
			diag_at(d->diag, w->pos,
				"the mount option '%s' is not supported yet", opt);
			return false;
		}
		near = diag_suggest(opt, names);
		diag_at(d->diag, w->pos, "unknown mount option '%s'%s%s%s", opt,
			near ? " (did you mean '" : "", near ? near : "",
			near ? "'?)" : "");
		return false;
	}
	return true;
}

static bool mount_source(struct decode *d, const struct conf_word *w, const char *text,
			 struct model_mount *m)
{
	if (!strchr("./~", *text)) {
		m->type = MODEL_VOLUME;
		m->source = str_dup(text);
		if (value_name(text))
			return true;
		diag_at(d->diag, w->pos, "'%s' cannot be a volume's name", text);
		if (strchr(text, '/'))
			diag_hint(d->diag, "a path on the host starts with ./ or /");
		return false;
	}
	m->type = MODEL_BIND;
	m->source = value_resolve(text, conf_files_dir(d->files, &w->pos), d->home);
	if (d->loose || d->io->kind(d->io->ctx, m->source) != MODEL_ABSENT)
		return true;
	diag_at(d->diag, w->pos, "bind source '%s' does not exist", m->source);
	return false;
}

static void decode_mount(struct decode *d, struct model_service *s,
			 const struct conf_node *node, const struct conf_word *w)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_STRV struct strv opts = STRV_INIT;
	struct model_mount m = { 0 };
	bool good;

	strv_split(&parts, w->text, ":");
	if (parts.n == 1 && *w->text == '/') {
		diag_at(d->diag, w->pos, "volume '%s' has no name", w->text);
		diag_hint(d->diag, "anonymous volumes are not supported yet: NAME:%s",
			  w->text);
		return;
	}
	if (parts.n < 2 || parts.n > 3 || *w->text == ':') {
		decode_bad(d, node, w, "SOURCE:TARGET[:ro]");
		return;
	}
	good = mount_source(d, w, parts.v[0], &m);
	m.target = read_target(d, node, w, parts.v[1]);
	if (parts.n == 3)
		strv_split(&opts, parts.v[2], ",");
	strv_foreach (i, &opts)
		good = mount_option(d, w, opts.v[i], &m) && good;
	if (m.target && good)
		add_mount(d, s, node, w, &m);
	mount_clear(&m);
}

DECODER(decode_mounts)
{
	for (size_t i = 0; i < node->n_words; i++)
		decode_mount(d, s, node, &node->words[i]);
}

/* The value of `name=` in @opt, or NULL. */
static const char *option_value(const char *opt, const char *name)
{
	size_t n = strlen(name);

	return strncmp(opt, name, n) == 0 && opt[n] == '=' ? opt + n + 1 : NULL;
}

static bool is_mode(const char *v)
{
	size_t n = strspn(v, "01234567");

	return n > 0 && n <= 5 && !v[n];
}

/* Options become the kernel's own words; what it has no word for are our mount's flags.
 */
static bool tmpfs_option(const char *opt, struct model_mount *m, struct buf *out)
{
	static const char *const numbers[] = { "uid", "gid", "nr_inodes" };
	const char *v = option_value(opt, "size");
	unsigned long long n;
	uint64_t bytes;

	if (v && value_size(v, &bytes)) {
		buf_addf(out, "%ssize=%llu", out->len ? "," : "",
			 (unsigned long long)bytes);
		return true;
	}
	v = option_value(opt, "mode");
	if (v && is_mode(v)) {
		buf_addf(out, "%smode=%s", out->len ? "," : "", v);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		v = option_value(opt, numbers[i]);
		if (!v || !str_u64(v, UINT32_MAX, &n))
			continue;
		buf_addf(out, "%s%s=%llu", out->len ? "," : "", numbers[i], n);
		return true;
	}
	if (strcmp(opt, "ro") == 0)
		m->read_only = true;
	/* nosuid and nodev hold for every tmpfs here */
	return strcmp(opt, "ro") == 0 || strcmp(opt, "rw") == 0 ||
	       strcmp(opt, "nosuid") == 0 || strcmp(opt, "nodev") == 0;
}

static void decode_one_tmpfs(struct decode *d, struct model_service *s,
			     const struct conf_node *node, const struct conf_word *w)
{
	AUTO_FREE char *target = str_ndup(w->text, strcspn(w->text, ":"));
	AUTO_STRV struct strv opts = STRV_INIT;
	AUTO_BUF struct buf out = BUF_INIT;
	struct model_mount m = { .type = MODEL_TMPFS };
	const char *rest = w->text + strlen(target);
	bool good = true;

	strv_split(&opts, *rest ? rest + 1 : "", ",");
	strv_foreach (i, &opts) {
		if (tmpfs_option(opts.v[i], &m, &out))
			continue;
		diag_at(d->diag, w->pos, "'%s' is not an option of 'tmpfs' here",
			opts.v[i]);
		diag_hint(d->diag, "size=64m mode=1777 uid=N gid=N nr_inodes=N ro");
		good = false;
	}
	m.target = read_target(d, node, w, target);
	m.options = out.len ? buf_take(&out) : NULL;
	if (m.target && good)
		add_mount(d, s, node, w, &m);
	mount_clear(&m);
}

DECODER(decode_tmpfs)
{
	for (size_t i = 0; i < node->n_words; i++)
		decode_one_tmpfs(d, s, node, &node->words[i]);
}

DECODER(decode_nocopy)
{
	for (size_t i = 0; i < node->n_words; i++) {
		AUTO_FREE char *path = value_path(node->words[i].text);
		struct model_mount *m = path ? find_target(s, path) : NULL;

		if (m && m->type == MODEL_VOLUME)
			m->nocopy = true;
		else
			diag_at(d->diag, node->words[i].pos,
				"'nocopy': no named volume of this service is mounted at "
				"'%s'",
				node->words[i].text);
	}
}
