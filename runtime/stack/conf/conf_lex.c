/*
 * stack/conf_lex.c - see conf_lex.h. Knows bytes; does not know the grammar.
 */
#include "runtime/stack/conf/conf_lex.h"

#include <string.h>

void conf_lex_init(struct conf_lex *lx, const struct conf_file *file, struct diag *diag)
{
	const char *text = file->text.data ? file->text.data : "";

	*lx = (struct conf_lex){
		.p = text,
		.stop = text + file->text.len,
		.pos = { .file = file->shown, .line = 1, .col = 1 },
		.line_start = true,
		.diag = diag,
	};
	if (file->text.len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lx->p += 3;
}

/* One byte on. Columns count characters: the bytes inside a UTF-8 sequence do not move
 * it. */
static void step(struct conf_lex *lx)
{
	if (*lx->p == '\n') {
		lx->pos.line++;
		lx->pos.col = 1;
		lx->line_start = true;
	} else if (lx->p + 1 == lx->stop || ((unsigned char)lx->p[1] & 0xc0) != 0x80) {
		lx->pos.col++;
	}
	lx->p++;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c)
{
	return is_blank(c) || c == ';' || c == '{' || c == '}';
}

static bool is_bad(char c)
{
	return ((unsigned char)c < 0x20 && !is_blank(c)) || c == 0x7f;
}

/* A backslash at the end of a line joins it with the next, as people write long commands.
 */
static bool at_joint(const struct conf_lex *lx)
{
	return lx->stop - lx->p >= 2 && lx->p[0] == '\\' && lx->p[1] == '\n';
}

static void skip_blanks(struct conf_lex *lx)
{
	while (lx->p < lx->stop) {
		if (at_joint(lx)) {
			step(lx);
			step(lx);
			lx->line_start = false;
		} else if (*lx->p == '#') {
			while (lx->p < lx->stop && *lx->p != '\n')
				step(lx);
		} else if (is_blank(*lx->p)) {
			step(lx);
		} else {
			return;
		}
	}
}

/* The byte stands for itself: only '$' and the mark itself would mean something later. */
static void add_literal(struct buf *b, char c)
{
	if (c == '$' || c == CONF_LITERAL)
		buf_addc(b, CONF_LITERAL);
	buf_addc(b, c);
}

static void add_plain(struct conf_lex *lx, struct buf *b, char c)
{
	if (c == '\0') { /* texts end at a NUL further on */
		diag_at(lx->diag, lx->pos, "a NUL byte in a stack file");
		return;
	}
	if (c == CONF_LITERAL)
		buf_addc(b, CONF_LITERAL);
	buf_addc(b, c);
}

/* After a backslash. In single quotes only \' and \\ are escapes: '\d+' stays as it is.
 */
static void read_escape(struct conf_lex *lx, struct buf *b, char quote)
{
	bool joint = at_joint(lx) && quote != '\'';

	step(lx);
	if (joint) {
		step(lx);
		return;
	}
	if (lx->p == lx->stop) {
		diag_at(lx->diag, lx->pos, "the file ends after a '\\'");
		return;
	}
	if (quote == '\'' && *lx->p != '\'' && *lx->p != '\\') {
		buf_addc(b, '\\');
		return;
	}
	if (*lx->p == '\0')
		add_plain(lx, b, *lx->p);
	else
		add_literal(b, *lx->p);
	step(lx);
}

static void read_quoted(struct conf_lex *lx, struct buf *b)
{
	struct model_pos open = lx->pos;
	char quote = *lx->p;

	step(lx);
	while (lx->p < lx->stop && *lx->p != quote) {
		if (*lx->p == '\\') {
			read_escape(lx, b, quote);
			continue;
		}
		if (quote == '\'' && *lx->p != '\0')
			add_literal(b, *lx->p);
		else
			add_plain(lx, b, *lx->p);
		step(lx);
	}
	if (lx->p < lx->stop) {
		step(lx);
		return;
	}
	lx->broken = true;
	diag_at(lx->diag, open, "this %c is not closed", quote);
}

/* ${...} may hold blanks, ';' and braces; it ends at its own brace, on the same line. */
static void read_variable(struct conf_lex *lx, struct buf *b)
{
	struct model_pos open = lx->pos;
	size_t before = b->len;
	unsigned depth = 0;

	while (lx->p < lx->stop && *lx->p != '\n') {
		char c = *lx->p;

		if (c == '\\') {
			read_escape(lx, b, '"');
			continue;
		}
		depth += c == '{';
		add_plain(lx, b, c);
		step(lx);
		if (c == '}' && --depth == 0)
			return;
	}
	diag_at(lx->diag, open, "this ${ is not closed on its line");
	b->len = before; /* or it would be found wrong once more when it is replaced */
	b->data[before] = '\0';
}

static void read_word(struct conf_lex *lx, struct conf_token *ret)
{
	AUTO_BUF struct buf b = BUF_INIT;

	ret->type = CONF_WORD;
	while (lx->p < lx->stop && !ends_word(*lx->p)) {
		if (*lx->p == '\'' || *lx->p == '"') {
			ret->quoted = true;
			read_quoted(lx, &b);
		} else if (*lx->p == '\\') {
			read_escape(lx, &b, 0);
		} else if (*lx->p == '$' && lx->p + 1 < lx->stop && lx->p[1] == '{') {
			read_variable(lx, &b);
		} else if (*lx->p == '$' && lx->p + 1 < lx->stop && lx->p[1] == '$') {
			buf_adds(&b, "$$"); /* the second one opens no ${ */
			step(lx);
			step(lx);
		} else {
			if (is_bad(*lx->p))
				diag_at(lx->diag, lx->pos,
					"a control character outside quotes");
			else
				add_plain(lx, &b, *lx->p);
			step(lx);
		}
	}
	ret->text = buf_take(&b);
}

void conf_lex_next(struct conf_lex *lx, struct conf_token *ret)
{
	skip_blanks(lx);
	*ret = (struct conf_token){ .pos = lx->pos, .line_start = lx->line_start };
	lx->line_start = false;
	if (lx->p < lx->stop) {
		switch (*lx->p) {
		case ';':
			ret->type = CONF_SEMICOLON;
			break;
		case '{':
			ret->type = CONF_OPEN;
			break;
		case '}':
			ret->type = CONF_CLOSE;
			break;
		default:
			read_word(lx, ret);
			ret->end = lx->pos;
			return;
		}
		step(lx);
	}
	ret->end = lx->pos;
}
