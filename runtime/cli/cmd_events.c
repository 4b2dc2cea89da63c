/* cli/cmd_events.c - `events`: what happened to services, as lines. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/cli/entryview.h"

enum { LOOK_US = 50000 };

struct source {
	char *stack;
	struct entryview *entries;
	const struct sup_entry *entry; /* the next to print, or NULL */
};

struct eventview {
	struct source *sources;
	size_t n;
	uint64_t since_ns;
	bool json;
};

static void advance(const struct eventview *v, struct source *s)
{
	do
		s->entry = entryview_next(s->entries);
	while (s->entry && s->entry->wall_ns < v->since_ns);
}

static bool is_known(const struct eventview *v, const char *stack)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->sources[i].stack, stack) == 0)
			return true;
	return false;
}

/* A stack that is made while we follow is followed from then on. */
static int add_stack(struct eventview *v, const struct stack_host *h, const char *stack,
		     struct err *e)
{
	AUTO_CLOSE int logs_fd = -1;
	struct source *s;
	int r = is_known(v, stack) ? 0 : stack_logs_fd(h, stack, &logs_fd, e);

	if (r == STACK_E_ABSENT || logs_fd < 0)
		return r < 0 ? r : 0;
	v->sources = mem_grow(v->sources, v->n + 1, sizeof(*v->sources));
	s = &v->sources[v->n];
	memset(s, 0, sizeof(*s));
	r = entryview_open(logs_fd, &s->entries, e);
	if (r < 0)
		return r;
	s->stack = str_dup(stack);
	v->n++;
	return 0;
}

static int add_stacks(struct eventview *v, const struct stack_host *h, const char *only,
		      struct err *e)
{
	AUTO_STRV struct strv stacks = STRV_INIT;
	int r = 0;

	if (only)
		strv_add(&stacks, only);
	else
		r = stack_list(h, &stacks, e);
	strv_foreach (i, &stacks)
		if (r == 0)
			r = add_stack(v, h, stacks.v[i], e);
	return r;
}

static void print_entry(const struct eventview *v, const struct source *s)
{
	const struct sup_entry *n = s->entry;
	AUTO_FREE char *text = sup_entry_text(n);
	char when[32];

	if (v->json) {
		AUTO_JSON json_t *j = entryview_json(s->stack, n);

		json_dumpf(j, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	str_sanitize(text); /* a probe's or a program's words may be in it */
	printf("%s %s%s%s %s: %s\n", cli_time(n->wall_ns, when), s->stack,
	       *n->service ? "/" : "", n->service, sup_entry_name(n->kind), text);
}

static void print_all(struct eventview *v)
{
	for (;;) {
		struct source *best = NULL;

		for (size_t i = 0; i < v->n; i++) {
			struct source *s = &v->sources[i];

			if (!s->entry)
				advance(v, s);
			if (s->entry &&
			    (!best || s->entry->wall_ns < best->entry->wall_ns))
				best = s;
		}
		if (!best)
			break;
		print_entry(v, best);
		best->entry = NULL;
	}
	fflush(stdout);
}

static void close_all(struct eventview *v)
{
	for (size_t i = 0; i < v->n; i++) {
		entryview_free(v->sources[i].entries);
		free(v->sources[i].stack);
	}
	free(v->sources);
}

static int show(struct cli *c, const struct cli_args *a, const char *stack,
		struct eventview *v, struct err *e)
{
	bool follow = args_flag(a, "follow");
	int r = add_stacks(v, c->host, stack, e);

	while (r == 0) {
		print_all(v);
		if (!follow || ferror(stdout) || (stack && !stack_exists(c->host, stack)))
			break;
		usleep(LOOK_US);
		r = add_stacks(v, c->host, stack, e);
	}
	if (r == 0)
		print_all(v);
	return r;
}

static int events_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const char *since = args_value(a, "since");
	struct eventview v = { .json = args_flag(a, "json") };
	AUTO_FREE char *stack = NULL;
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r == 0 && since && args_since(since, "--since", &v.since_ns, e) < 0) {
		c->fail_status = 2;
		return -1;
	}
	if (r == 0 && (a->operands.n || c->name || access("stack.conf", F_OK) == 0)) {
		r = cli_stack(c, a, a->operands.n ? a->operands.v[0] : NULL, &stack, e);
		if (r == 0 && !stack_exists(h, stack))
			r = cli_no_service(e, stack, NULL);
	}
	if (r == 0)
		r = show(c, a, stack, &v, e);
	close_all(&v);
	return r;
}

static const struct cli_opt events_opts[] = {
	{ 'f', "follow", NULL, "go on with what happens, until the stack is removed" },
	{ 0, "since", "TIME", "only from this time on (10m, 2026-01-31T12:00:00Z)" },
	{ 0, "json", NULL, "an object a line" },
};

const struct cli_command cmd_events = {
	.name = "events",
	.operands = "[STACK]",
	.summary = "Show starts, ends, health, memory run out, and what else happened",
	.more = "Of each stack the last 1024 events are kept until it is removed.\n"
		"Without STACK and without ./stack.conf, those of every stack.\n\n"
		"  minibox events --since 1h\n  minibox events -f --json shop",
	.max_operands = 1,
	.opts = events_opts,
	.n_opts = ARRAY_LEN(events_opts),
	.run = events_run,
};
