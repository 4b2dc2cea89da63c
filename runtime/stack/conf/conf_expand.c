/*
 * stack/conf_expand.c - see conf_expand.h. Knows one text at a time.
 */
#include "runtime/stack/conf/conf_expand.h"

#include <ctype.h>
#include <string.h>

enum {
	EXPAND_DEPTH = 8,         /* ${A:-${B:-...}} */
	EXPAND_MAX = 1024 * 1024, /* bytes of one word */
};

struct expand {
	const struct conf_vars *vars;
	char *error;
	unsigned depth;
};

const char *conf_vars_get(const struct conf_vars *vars, const char *name)
{
	const char *v = vars->env ? strv_get_env(vars->env, name) : NULL;

	if (!v && vars->dotenv)
		v = strv_get_env(vars->dotenv, name);
	if (!v && vars->more)
		v = strv_get_env(vars->more, name);
	return v;
}

static void fail(struct expand *x, const char *fmt, const char *detail)
{
	if (!x->error)
		x->error = str_fmt(fmt, detail);
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)*s))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

static void expand_into(struct expand *x, const char *s, const char *stop,
			struct buf *out);

/* The '}' that ends the form whose inside starts at @s; NULL if there is none. */
static const char *closing(const char *s, const char *stop)
{
	unsigned depth = 1;

	for (; s < stop; s++) {
		if (*s == CONF_LITERAL && s + 1 < stop)
			s++;
		else if (s[0] == '$' && s + 1 < stop && s[1] == '{')
			depth++, s++;
		else if (*s == '}' && --depth == 0)
			return s;
	}
	return NULL;
}

static void note_unset(struct expand *x, const char *name)
{
	if (x->vars->unset && !strv_has(x->vars->unset, name))
		strv_add(x->vars->unset, name);
}

/* ${NAME<op>rest}: @op points behind the name. */
static void expand_form(struct expand *x, const char *name, const char *op,
			const char *stop, struct buf *out)
{
	const char *value = conf_vars_get(x->vars, name);
	bool colon = *op == ':';
	bool has = value && (!colon || *value);

	op += colon;
	if (op == stop || !strchr("-?+", *op)) {
		fail(x, "in ${...}: after the name '%s' only - :- ? :? + :+ may stand",
		     name);
	} else if (*op == '+') {
		if (has)
			expand_into(x, op + 1, stop, out);
	} else if (has) {
		buf_adds(out, value);
	} else if (*op == '-') {
		expand_into(x, op + 1, stop, out);
	} else {
		AUTO_BUF struct buf why = BUF_INIT;
		AUTO_FREE char *text = NULL;

		expand_into(x, op + 1, stop, &why);
		text = str_fmt("variable '%s' is %s: %s", name,
			       value ? "empty" : "not set",
			       why.len ? why.data : "it is required");
		fail(x, "%s", text);
	}
}

/* At the first byte after "${". Returns where to go on. */
static const char *expand_braces(struct expand *x, const char *s, const char *stop,
				 struct buf *out)
{
	const char *end = closing(s, stop);
	size_t n = name_length(s);
	AUTO_FREE char *name = str_ndup(s, n);
	const char *value;

	if (!end) {
		fail(x, "%s", "this ${ is not closed");
		return stop;
	}
	if (n == 0) {
		fail(x, "%s", "${...} needs a variable's name ($$ is a dollar sign)");
		return stop;
	}
	if (s + n != end) {
		expand_form(x, name, s + n, end, out);
		return end + 1;
	}
	value = conf_vars_get(x->vars, name);
	if (!value)
		note_unset(x, name);
	buf_adds(out, value ? value : "");
	return end + 1;
}

/* At a '$' with no brace behind. */
static const char *expand_bare(struct expand *x, const char *s, const char *stop,
			       struct buf *out)
{
	size_t n = s + 1 < stop ? name_length(s + 1) : 0;
	AUTO_FREE char *name = str_ndup(s + 1, n);
	const char *value;

	if (s + 1 < stop && s[1] == '$') {
		buf_addc(out, '$');
		return s + 2;
	}
	if (n == 0) {
		fail(x, "%s", "a '$' without a name after it ($$ is a dollar sign)");
		return stop;
	}
	value = conf_vars_get(x->vars, name);
	if (!value)
		note_unset(x, name);
	buf_adds(out, value ? value : "");
	return s + 1 + n;
}

static void expand_into(struct expand *x, const char *s, const char *stop,
			struct buf *out)
{
	if (x->depth == EXPAND_DEPTH) {
		fail(x, "%s", "${...} is nested too deep");
		return;
	}
	x->depth++;
	while (s < stop && !x->error) {
		if (*s == CONF_LITERAL && s + 1 < stop) {
			buf_addc(out, s[1]);
			s += 2;
		} else if (s[0] == '$' && s + 1 < stop && s[1] == '{') {
			s = expand_braces(x, s + 2, stop, out);
		} else if (*s == '$') {
			s = expand_bare(x, s, stop, out);
		} else {
			buf_addc(out, *s++);
		}
		if (out->len > EXPAND_MAX)
			fail(x, "%s", "the word is longer than a megabyte");
	}
	x->depth--;
}

char *conf_expand(const char *text, const struct conf_vars *vars, char **ret_error)
{
	struct expand x = { .vars = vars };
	AUTO_BUF struct buf out = BUF_INIT;

	if (!strchr(text, '$') && !strchr(text, CONF_LITERAL))
		return str_dup(text);
	expand_into(&x, text, text + strlen(text), &out);
	if (x.error) {
		*ret_error = x.error;
		return NULL;
	}
	return buf_take(&out);
}

static void expand_word(struct conf_word *w, const struct conf_vars *vars,
			struct diag *diag)
{
	AUTO_FREE char *why = NULL;
	char *text = conf_expand(w->text, vars, &why);

	if (!text) {
		diag_at(diag, w->pos, "%s", why);
		text = str_dup("");
	}
	free(w->text);
	w->text = text;
}

void conf_expand_tree(struct conf_node *node, const struct conf_vars *vars,
		      struct diag *diag)
{
	for (size_t i = 0; i < node->n_words; i++)
		expand_word(&node->words[i], vars, diag);
	for (size_t i = 0; i < node->n_children; i++)
		conf_expand_tree(&node->children[i], vars, diag);
}
