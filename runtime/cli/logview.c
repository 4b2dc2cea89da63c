/* cli/logview.c - see logview.h. */
#include "runtime/cli/logview.h"

#include <errno.h>
#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/cli/entryview.h"
#include "runtime/cli/logprint.h"

/* A line of the tail, kept: the log may have moved on by the time it is printed. */
struct held {
	struct sup_log_line line;
	char *text;
};

struct source {
	char *service;
	struct sup_log_reader *reader;
	struct sup_log_line line; /* the next to print, when has_line */
	bool has_line;
	struct held *ring; /* of o.tail lines; the oldest is at first */
	size_t first, n;
};

struct logview {
	struct source *sources;
	size_t n;
	struct logprint print;
	struct logview_opts o;
	/* Wall clock: a service may write faster than we read. What came after the last
	 * is not read; for one that follows the last is set by its end. */
	uint64_t opened_ns, last_ns;
	regex_t regex;
	bool has_regex;
	char *stack;
	struct entryview *entries;     /* NULL: not wanted */
	const struct sup_entry *entry; /* the next to print, or NULL */
	uint64_t entries_from_ns;
};

enum { PUMP_LINES = 5000 }; /* then the caller has a look at the rest of the world */

static bool matches(const struct logview *v, const char *text)
{
	return !v->has_regex || regexec(&v->regex, text, 0, NULL, 0) == 0;
}

static bool wanted(const struct logview *v, const struct sup_log_line *l)
{
	AUTO_FREE char *text = NULL;

	if (l->wall_ns < v->o.since_ns)
		return false;
	if (!v->has_regex)
		return true;
	text = str_ndup(l->text, l->len);
	return matches(v, text);
}

/* What happened to the stack as a whole is told with any service. */
static bool is_ours(const struct logview *v, const char *service)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->sources[i].service, service) == 0)
			return true;
	return !*service;
}

static bool wanted_entry(const struct logview *v, const struct sup_entry *n)
{
	AUTO_FREE char *text = sup_entry_text(n);

	return n->wall_ns >= v->o.since_ns && n->wall_ns >= v->entries_from_ns &&
	       n->wall_ns <= v->last_ns && is_ours(v, n->service) && matches(v, text);
}

static void advance_entry(struct logview *v)
{
	do
		v->entry = v->entries ? entryview_next(v->entries) : NULL;
	while (v->entry && !wanted_entry(v, v->entry));
}

/* The next line that is wanted, from the log. */
static bool read_on(struct logview *v, struct source *s)
{
	while (sup_log_next(s->reader, &s->line) == 1) {
		if (s->line.wall_ns > v->last_ns)
			return false;
		if (wanted(v, &s->line))
			return true;
	}
	return false;
}

static void hold(const struct logview *v, struct source *s)
{
	size_t at = (s->first + s->n) % (size_t)v->o.tail;
	struct held *h = &s->ring[at];

	if (s->n == (size_t)v->o.tail)
		s->first = (s->first + 1) % (size_t)v->o.tail;
	else
		s->n++;
	free(h->text);
	h->line = s->line;
	h->text = str_ndup(s->line.text, s->line.len);
	h->line.text = h->text;
}

/* Keep the last lines of what is there now: a service that writes faster than this reads
 * does not hold us up. */
static void fill_tail(struct logview *v, struct source *s)
{
	if (v->o.tail < 0)
		return;
	s->ring = mem_new((size_t)v->o.tail, sizeof(*s->ring));
	while (read_on(v, s)) {
		if (v->o.tail > 0)
			hold(v, s);
		if (s->line.wall_ns > v->opened_ns)
			return;
	}
}

static bool advance(struct logview *v, struct source *s)
{
	if (s->n > 0) {
		s->line = s->ring[s->first].line;
		s->first = (s->first + 1) % (size_t)v->o.tail;
		s->n--;
		return s->has_line = true;
	}
	/* without -f a tail is all: what the log has beyond it came later */
	s->has_line = (v->o.tail < 0 || v->o.follow) && read_on(v, s);
	return s->has_line;
}

/* With a tail, what happened is told from where its first line stands. */
static int open_entries(struct logview *v, int logs_fd, struct err *e)
{
	if (v->o.tail >= 0)
		v->entries_from_ns = v->opened_ns;
	for (size_t i = 0; v->o.tail > 0 && i < v->n; i++) {
		const struct source *s = &v->sources[i];

		if (s->n > 0 && s->ring[s->first].line.wall_ns < v->entries_from_ns)
			v->entries_from_ns = s->ring[s->first].line.wall_ns;
	}
	return v->o.events ? entryview_open(logs_fd, &v->entries, e) : 0;
}

static int open_source(struct logview *v, int logs_fd, const char *service, struct err *e)
{
	struct source *s = &v->sources[v->n];
	int r = sup_log_open(logs_fd, service, &s->reader, e);

	if (r < 0)
		return r;
	s->service = str_dup(service);
	v->n++;
	if (strlen(service) > v->print.width)
		v->print.width = strlen(service);
	fill_tail(v, s);
	return 0;
}

int logview_open(const struct stack_host *h, const char *stack,
		 const struct strv *services, const struct logview_opts *o,
		 struct logview **ret, struct err *e)
{
	struct logview *v = mem_new(1, sizeof(*v));
	int logs_fd = -1, r;

	v->o = *o;
	v->stack = str_dup(stack);
	v->print = (struct logprint){ .stack = v->stack,
				      .times = o->times,
				      .json = o->json,
				      .color = o->color,
				      .events = o->events };
	v->opened_ns = proc_wall_ns();
	v->last_ns = o->follow ? UINT64_MAX : v->opened_ns;
	v->sources = mem_new(services->n + 1, sizeof(*v->sources));
	r = stack_logs_fd(h, stack, &logs_fd, e);
	if (r == 0 && o->grep) {
		v->has_regex = regcomp(&v->regex, o->grep, REG_EXTENDED | REG_NOSUB) == 0;
		if (!v->has_regex)
			r = err_msg(e, EINVAL, "--grep '%s' is no regular expression",
				    o->grep);
	}
	strv_foreach (i, services)
		if (r == 0)
			r = open_source(v, logs_fd, services->v[i], e);
	if (r == 0)
		r = open_entries(v, logs_fd, e);
	if (logs_fd >= 0)
		close(logs_fd);
	if (r != 0) {
		logview_free(v);
		return r;
	}
	*ret = v;
	return 0;
}

struct logview *logview_free(struct logview *v)
{
	if (!v)
		return NULL;
	for (size_t i = 0; i < v->n; i++) {
		for (size_t k = 0; v->sources[i].ring && k < (size_t)v->o.tail; k++)
			free(v->sources[i].ring[k].text);
		free(v->sources[i].ring);
		sup_log_free(v->sources[i].reader);
		free(v->sources[i].service);
	}
	if (v->has_regex)
		regfree(&v->regex);
	entryview_free(v->entries);
	free(v->stack);
	free(v->sources);
	free(v);
	return NULL;
}

static void print_line(const struct logview *v, size_t at, const struct sup_log_line *l,
		       FILE *out)
{
	logprint_line(&v->print, v->sources[at].service, at, l, out);
}

static void print_entry(const struct logview *v, FILE *out)
{
	size_t at = 0;

	while (at < v->n && strcmp(v->sources[at].service, v->entry->service) != 0)
		at++;
	logprint_entry(&v->print, at, v->entry, out);
}

/* The source whose next line is the oldest; v->n: none has one. */
static size_t oldest(const struct logview *v)
{
	size_t best = v->n;

	for (size_t i = 0; i < v->n; i++)
		if (v->sources[i].has_line &&
		    (best == v->n ||
		     v->sources[i].line.wall_ns < v->sources[best].line.wall_ns))
			best = i;
	return best;
}

void logview_pump(struct logview *v, FILE *out)
{
	for (size_t i = 0; i < v->n; i++)
		if (!v->sources[i].has_line)
			advance(v, &v->sources[i]);
	if (!v->entry)
		advance_entry(v);
	for (size_t lines = 0; lines < PUMP_LINES || v->last_ns < UINT64_MAX; lines++) {
		size_t best = oldest(v);

		if (v->entry && (best == v->n ||
				 v->entry->wall_ns <= v->sources[best].line.wall_ns)) {
			print_entry(v, out);
			advance_entry(v);
			continue;
		}
		if (best == v->n)
			break;
		print_line(v, best, &v->sources[best].line, out);
		advance(v, &v->sources[best]);
	}
	fflush(out);
}

void logview_end(struct logview *v, FILE *out)
{
	if (v->o.follow)
		v->last_ns = proc_wall_ns();
	logview_pump(v, out);
	for (size_t i = 0; i < v->n; i++) {
		struct sup_log_line l;

		if (sup_log_flush(v->sources[i].reader, &l) == 1 && wanted(v, &l))
			print_line(v, i, &l, out);
	}
	fflush(out);
}
