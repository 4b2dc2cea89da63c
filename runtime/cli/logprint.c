/* cli/logprint.c - see logprint.h. */
#include "runtime/cli/logprint.h"

#include <string.h>

#include "runtime/cli/entryview.h"

static void print_object(json_t *j, FILE *out)
{
	json_dumpf(j, out, JSON_COMPACT);
	putc('\n', out);
	json_decref(j);
}

static void print_json(const char *service, const struct sup_log_line *l, FILE *out)
{
	AUTO_FREE char *text = str_ndup(l->text, l->len);
	char when[32];

	print_object(json_pack("{s:s,s:s,s:s,s:o}", "service", service, "time",
			       cli_time(l->wall_ns, when), "stream",
			       l->stream == 2 ? "stderr" : "stdout", "line",
			       json_text(text)),
		     out);
}

/* A service may write anything; a terminal must not be made to obey it. Tabs and colours
 * of the service's own (ESC [ … m) are let through on a terminal. */
static void print_text(const struct sup_log_line *l, bool terminal, FILE *out)
{
	for (size_t i = 0; i < l->len; i++) {
		unsigned char ch = (unsigned char)l->text[i];
		size_t n = 2;

		if (!terminal || (ch >= 0x20 && ch != 0x7f) || ch == '\t') {
			putc(ch, out);
			continue;
		}
		if (ch != 0x1b || i + 1 >= l->len || l->text[i + 1] != '[')
			continue;
		while (i + n < l->len && strchr("0123456789;", l->text[i + n]))
			n++;
		if (i + n < l->len && l->text[i + n] == 'm') {
			fwrite(l->text + i, 1, n + 1, out);
			i += n;
		}
	}
}

/* @mark: '|' before what a service wrote, '*' before what happened to it. */
static void print_head(const struct logprint *p, const char *who, size_t color, char mark,
		       uint64_t wall_ns, FILE *out)
{
	char when[32];

	if (p->color)
		fprintf(out, "\033[3%zum", color % 6 + 1);
	fprintf(out, "%-*s %c ", (int)p->width, who, mark);
	if (p->color)
		fputs("\033[0m", out);
	if (p->times)
		fprintf(out, "%s ", cli_time(wall_ns, when));
}

static void print_skipped(const struct logprint *p, const char *service, size_t color,
			  const struct sup_log_line *l, FILE *out)
{
	char when[32];

	if (p->json) {
		print_object(json_pack("{s:s,s:s,s:s,s:s,s:i}", "time",
				       cli_time(l->wall_ns, when), "stack", p->stack,
				       "service", service, "event", "skipped", "segments",
				       (int)l->skipped),
			     out);
		return;
	}
	print_head(p, service, color, '*', l->wall_ns, out);
	fprintf(out, "%u segment%s of its log gone before they were read\n", l->skipped,
		l->skipped == 1 ? "" : "s");
}

void logprint_line(const struct logprint *p, const char *service, size_t color,
		   const struct sup_log_line *l, FILE *out)
{
	if (l->skipped && p->events)
		print_skipped(p, service, color, l, out);
	if (p->json) {
		print_json(service, l, out);
		return;
	}
	print_head(p, service, color, '|', l->wall_ns, out);
	print_text(l, p->color, out);
	putc('\n', out);
}

void logprint_entry(const struct logprint *p, size_t color, const struct sup_entry *n,
		    FILE *out)
{
	AUTO_FREE char *text = sup_entry_text(n);

	if (p->json) {
		print_object(entryview_json(p->stack, n), out);
		return;
	}
	str_sanitize(text); /* a probe's or a program's words may be in it */
	print_head(p, *n->service ? n->service : "minibox", color, '*', n->wall_ns, out);
	fprintf(out, "%s\n", text);
}
