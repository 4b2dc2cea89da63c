/*
 * stack/diag.c - see diag.h. Knows how an error looks; does not know what is one.
 */
#include "runtime/stack/conf/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_COLS = 160, LEAD_COLS = 60 };

void diag_free(struct diag *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].text);
		free(d->v[i].hint);
	}
	free(d->v);
	d->v = NULL;
	d->n = 0;
}

static char *text_of(const char *fmt, va_list ap)
{
	char text[1024]; /* a word may be a megabyte long: what is shown of it is not */

	vsnprintf(text, sizeof(text), fmt, ap);
	str_sanitize(text);
	return str_dup(text);
}

static size_t file_index(const struct conf_files *fs, const struct model_pos *pos)
{
	size_t i = 0;

	while (i < fs->n && fs->v[i]->shown != pos->file)
		i++;
	return i;
}

void diag_at(struct diag *d, struct model_pos pos, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_of(fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < d->n; i++) {
		const struct model_pos *p = &d->v[i].pos;

		if (p->file == pos.file && p->line == pos.line && p->col == pos.col &&
		    strcmp(d->v[i].text, text) == 0)
			return;
	}
	if (d->n == DIAG_MAX) {
		d->dropped++;
		return;
	}
	d->v = mem_grow(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct diag_item){ .pos = pos,
					   .text = TAKE(text),
					   .file = file_index(d->files, &pos) };
}

void diag_hint(struct diag *d, const char *fmt, ...)
{
	struct diag_item *last = d->n > 0 ? &d->v[d->n - 1] : NULL;
	va_list ap;

	if (!last || last->hint)
		return;
	va_start(ap, fmt);
	last->hint = text_of(fmt, ap);
	va_end(ap);
}

/* Smaller is nearer. Among equals swapped letters ('wbe', 'web') beat other ones. */
static unsigned badness(const char *word, const char *name)
{
	unsigned d = str_distance(word, name, 2);

	return d * 4 + (*word != *name) * 2 + (strlen(word) != strlen(name));
}

const char *diag_suggest(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned near = UINT32_MAX;

	for (; *names; names++) {
		unsigned d = str_distance(word, *names, 2), b = badness(word, *names);

		/* A suggestion must keep half of the word: of two letters any are two
		 * away. */
		if (d <= 2 && d * 2 <= strlen(word) + 1 && b < near) {
			near = b;
			best = *names;
		}
	}
	return best;
}

/* The start of line @line in @text, and its length without the end of line. */
static const char *line_of(const struct buf *text, unsigned line, size_t *len)
{
	const char *p = text->data, *end = p + text->len, *nl;

	for (; line > 1 && p < end; line--) {
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	*len = (size_t)((nl ? nl : end) - p);
	if (*len > 0 && p[*len - 1] == '\r')
		--*len;
	return p;
}

static bool starts_char(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* The line and, below, blanks up to the caret: tabs are kept so that both lines align. */
static void show_line(struct buf *ret, const char *p, size_t len, unsigned col)
{
	unsigned from = col > SHOWN_COLS - LEAD_COLS ? col - LEAD_COLS : 1, at = 0;
	AUTO_BUF struct buf blanks = BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		bool control =
			((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f;

		at += starts_char(p[i]);
		if (at < from || at >= from + SHOWN_COLS)
			continue;
		buf_addc(ret, control ? '?' : p[i]);
		if (at < col && starts_char(p[i]))
			buf_addc(&blanks, p[i] == '\t' ? '\t' : ' ');
	}
	while (blanks.len + from < col) /* past the end of the line */
		buf_addc(&blanks, ' ');
	buf_addf(ret, "\n%s^", blanks.data ? blanks.data : "");
}

static void format_item(const struct conf_files *fs, const struct diag_item *it,
			struct buf *ret)
{
	const struct conf_file *f = it->file < fs->n ? fs->v[it->file] : NULL;
	AUTO_FREE char *shown = str_dup(f ? f->shown : "(default)");
	const char *line;
	size_t len;

	str_sanitize(shown);
	buf_addf(ret, "%s:%u:%u: %s\n", shown, it->pos.line, it->pos.col, it->text);
	if (f && !f->secret && f->text.data) {
		line = line_of(&f->text, it->pos.line, &len);
		show_line(ret, line, len, it->pos.col);
		buf_addf(ret, "%s%s\n", it->hint ? " " : "", it->hint ? it->hint : "");
	} else if (it->hint) {
		buf_addf(ret, "  %s\n", it->hint);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct diag_item *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.col != y->pos.col)
		return x->pos.col < y->pos.col ? -1 : 1;
	return strcmp(x->text, y->text);
}

void diag_format(struct diag *d, struct buf *ret)
{
	if (d->n > 1)
		qsort(d->v, d->n, sizeof(*d->v), by_place);
	for (size_t i = 0; i < d->n; i++)
		format_item(d->files, &d->v[i], ret);
	if (d->dropped > 0)
		buf_addf(ret, "and %zu more errors\n", d->dropped);
}
