/*
 * stack/conf_env.c - see conf_env.h. Knows bytes of one file.
 */
#include "runtime/stack/conf/conf_env.h"

#include <ctype.h>
#include <string.h>

struct env_file {
	const char *p, *stop;
	struct model_pos pos;
	struct conf_vars vars;
	struct strv *ret;
	struct diag *diag;
};

static bool at_blank(const struct env_file *f)
{
	return f->p < f->stop && (*f->p == ' ' || *f->p == '\t' || *f->p == '\r');
}

static void step(struct env_file *f)
{
	if (*f->p++ == '\n') {
		f->pos.line++;
		f->pos.col = 1;
	} else {
		f->pos.col++;
	}
}

static void skip_blanks(struct env_file *f)
{
	while (at_blank(f))
		step(f);
}

static void skip_line(struct env_file *f)
{
	while (f->p < f->stop && *f->p != '\n')
		step(f);
}

static char unescape(char c)
{
	return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

static void add(struct buf *b, char c, bool literal)
{
	if ((literal && c == '$') || c == CONF_LITERAL)
		buf_addc(b, CONF_LITERAL);
	if (c)
		buf_addc(b, c);
}

/* '...' is taken as it stands, "..." knows \n \r \t and escapes; both may span lines. */
static bool read_quoted(struct env_file *f, struct buf *b)
{
	struct model_pos open = f->pos;
	char quote = *f->p;

	for (step(f); f->p < f->stop && *f->p != quote; step(f)) {
		bool escape = *f->p == '\\' && quote == '"' && f->p + 1 < f->stop;

		if (escape)
			step(f);
		add(b, escape ? unescape(*f->p) : *f->p, escape || quote == '\'');
	}
	if (f->p == f->stop) {
		diag_at(f->diag, open, "this %c is not closed", quote);
		return false;
	}
	step(f);
	skip_blanks(f);
	if (f->p < f->stop && *f->p != '\n' && *f->p != '#') {
		diag_at(f->diag, f->pos, "text after the closing %c", quote);
		return false;
	}
	return true;
}

/* To the end of the line or to a '#' that a blank stands before. */
static void read_plain(struct env_file *f, struct buf *b)
{
	bool blank = true;

	while (f->p < f->stop && *f->p != '\n' && !(*f->p == '#' && blank)) {
		blank = at_blank(f);
		add(b, *f->p, false);
		step(f);
	}
	while (b->len > 0 && strchr(" \t\r", b->data[b->len - 1]))
		b->data[--b->len] = '\0';
}

static void read_value(struct env_file *f, const char *name, struct model_pos at)
{
	AUTO_BUF struct buf raw = BUF_INIT;
	AUTO_FREE char *value = NULL, *why = NULL, *pair = NULL;

	buf_adds(&raw, "");
	skip_blanks(f);
	if (f->p < f->stop && (*f->p == '"' || *f->p == '\'')) {
		if (!read_quoted(f, &raw))
			return;
	} else {
		read_plain(f, &raw);
	}
	value = conf_expand(raw.data, &f->vars, &why);
	if (!value) {
		diag_at(f->diag, at, "in the value of '%s': %s", name, why);
		return;
	}
	pair = str_fmt("%s=%s", name, value);
	strv_set_env(f->ret, pair);
}

static char *read_name(struct env_file *f)
{
	const char *from = f->p;

	while (f->p < f->stop &&
	       (isalnum((unsigned char)*f->p) || strchr("_.-", *f->p)) && *f->p)
		step(f);
	return str_ndup(from, (size_t)(f->p - from));
}

/* A name alone takes its value from the environment; without one there it is dropped. */
static void take_from_env(struct env_file *f, const char *name)
{
	const char *value = conf_vars_get(&f->vars, name);
	AUTO_FREE char *pair = value ? str_fmt("%s=%s", name, value) : NULL;

	if (pair)
		strv_set_env(f->ret, pair);
}

static void read_line(struct env_file *f)
{
	AUTO_FREE char *name = NULL;
	struct model_pos at;

	skip_blanks(f);
	if (f->p == f->stop || *f->p == '\n' || *f->p == '#')
		return;
	if (f->stop - f->p > 7 && strncmp(f->p, "export", 6) == 0 &&
	    (f->p[6] == ' ' || f->p[6] == '\t')) {
		for (unsigned i = 0; i < 6; i++)
			step(f);
		skip_blanks(f);
	}
	at = f->pos;
	name = read_name(f);
	skip_blanks(f);
	if (!*name)
		diag_at(f->diag, at, "a line that is not NAME=VALUE");
	else if (f->p < f->stop && *f->p == '=')
		step(f), read_value(f, name, at);
	else if (f->p == f->stop || *f->p == '\n' || *f->p == '#')
		take_from_env(f, name);
	else
		diag_at(f->diag, f->pos, "after the name '%s' a '=' is missing", name);
}

void conf_env_parse(const struct conf_file *file, const struct conf_vars *vars,
		    struct strv *ret, struct diag *diag)
{
	const char *text = file->text.data ? file->text.data : "";
	struct env_file f = {
		.p = text,
		.stop = text + file->text.len,
		.pos = { .file = file->shown, .line = 1, .col = 1 },
		.vars = { .env = vars->env,
			  .dotenv = vars->dotenv,
			  .more = ret,
			  .unset = vars->unset },
		.ret = ret,
		.diag = diag,
	};

	if (file->text.len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		f.p += 3;
	while (f.p < f.stop) {
		read_line(&f);
		skip_line(&f);
		if (f.p < f.stop)
			step(&f);
	}
}
