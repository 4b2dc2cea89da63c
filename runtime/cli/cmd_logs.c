/* cli/cmd_logs.c - `logs`: what services wrote. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/logview.h"

/* All services that exist, or check that those named do. */
static int known_services(struct cli *c, const char *stack, struct strv *services,
			  struct err *e)
{
	AUTO_STRV struct strv known = STRV_INIT;
	struct stack_service_info *list = NULL;
	size_t n = 0;
	int r = stack_ps(c->host, stack, &list, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!list[i].oneoff)
			strv_add(&known, list[i].service);
	if (r == 0)
		stack_ps_free(list, n);
	if (r == STACK_E_ABSENT)
		return cli_no_service(e, stack, NULL);
	strv_foreach (i, services)
		if (r == 0 && !strv_has(&known, services->v[i]))
			r = cli_no_service(e, stack, services->v[i]);
	if (r == 0 && !services->n)
		strv_copy(services, &known);
	return r;
}

static int parse_opts(struct cli *c, const struct cli_args *a, struct logview_opts *o,
		      struct err *e)
{
	const char *tail = args_value(a, "lines"), *since = args_value(a, "since");
	unsigned long long n;
	int r = 0;

	*o = (struct logview_opts){ .tail = -1,
				    .follow = args_flag(a, "follow"),
				    .times = args_flag(a, "timestamps"),
				    .json = args_flag(a, "json"),
				    .events = !args_flag(a, "no-events"),
				    .color = c->color && isatty(STDOUT_FILENO),
				    .grep = args_value(a, "grep") };
	if (tail && strcmp(tail, "all") != 0) {
		if (!str_u64(tail, 1000000, &n))
			return cli_usage(c, e, "-n '%s' is no number of lines", tail);
		o->tail = (long long)n;
	}
	if (since)
		r = args_since(since, "--since", &o->since_ns, e);
	return r;
}

static int logs_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_STRV struct strv services = STRV_INIT;
	AUTO_FREE char *stack = NULL;
	struct stack_host *h = NULL;
	struct logview_opts o;
	struct logview *v = NULL;
	int r = parse_opts(c, a, &o, e);

	if (r < 0)
		c->fail_status = 2;
	if (r == 0)
		r = cli_host(c, &h, e);
	if (r == 0)
		r = cli_services(c, a, &stack, &services, e);
	if (r == 0)
		r = known_services(c, stack, &services, e);
	if (r == 0)
		r = logview_open(h, stack, &services, &o, &v, e);
	if (r != 0)
		return r == STACK_E_ABSENT ? 0 : r; /* nothing was ever logged */
	logview_pump(v, stdout);
	/* Following ends with the stack; a stack whose services are all stopped may go
	 * on. */
	while (args_flag(a, "follow") && stack_exists(h, stack) && !ferror(stdout)) {
		usleep(20000);
		logview_pump(v, stdout);
	}
	logview_end(v, stdout);
	logview_free(v);
	return 0;
}

static const struct cli_opt logs_opts[] = {
	{ 'f', "follow", NULL, "go on with what comes" },
	{ 'n', "lines", "N", "only the last N lines of each service" },
	{ 't', "timestamps", NULL, "with the time of each line" },
	{ 0, "since", "TIME",
	  "only what came in this time (10m, 1h30m) or since a date "
	  "(2026-01-31T12:00:00Z)" },
	{ 0, "grep", "RE", "only lines that match the extended regular expression" },
	{ 0, "json", NULL, "an object a line" },
	{ 0, "no-events", NULL, "only what services wrote" },
};

const struct cli_command cmd_logs = {
	.name = "logs",
	.operands = "[STACK | SERVICE...]",
	.summary = "Show what services wrote, in order of time",
	.more = "What happened to a service stands between its lines, after a * instead "
		"of a |.\n\n"
		"  minibox logs -f\n  minibox logs -n 100 web nginx\n"
		"  minibox logs --since 10m --grep 'error|fatal' shop/db",
	.max_operands = -1,
	.opts = logs_opts,
	.n_opts = ARRAY_LEN(logs_opts),
	.run = logs_run,
};
