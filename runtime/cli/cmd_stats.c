/* cli/cmd_stats.c - `stats`: what running services use, as a table that lives. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/context.h"

enum { FIRST_US = 500000, INTERVAL_US = 1000000 };

struct sample {
	struct stack_stats *list;
	size_t n;
};

static void sample_free(struct sample *s)
{
	stack_stats_free(s->list, s->n);
	*s = (struct sample){ 0 };
}

/* Of one stack, or of all: a stack that is removed meanwhile has nothing to tell. */
static int take_sample(struct stack_host *h, const char *stack, struct sample *ret,
		       struct err *e)
{
	AUTO_STRV struct strv stacks = STRV_INIT;
	int r = stack ? 0 : stack_list(h, &stacks, e);

	*ret = (struct sample){ 0 };
	if (stack)
		strv_add(&stacks, stack);
	strv_foreach (i, &stacks)
		if (r == 0)
			r = stack_stats(h, stacks.v[i], &ret->list, &ret->n, e);
	return r == STACK_E_ABSENT && !stack ? 0 : r;
}

static const struct stack_stats *find(const struct sample *s,
				      const struct stack_stats *of)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->list[i].stack, of->stack) == 0 &&
		    strcmp(s->list[i].service, of->service) == 0)
			return &s->list[i];
	return NULL;
}

/* Of one processor, as in Docker: two busy ones are 200. */
static double cpu_percent(const struct sample *before, const struct stack_stats *s)
{
	const struct stack_stats *was = find(before, s);

	if (!was || s->at_ns <= was->at_ns || s->use.cpu_usec < was->use.cpu_usec)
		return 0;
	return (double)(s->use.cpu_usec - was->use.cpu_usec) * 100000 /
	       (double)(s->at_ns - was->at_ns);
}

static json_t *pressure_json(const struct cgroup_pressure *p)
{
	if (!p->known)
		return json_null();
	return json_pack("{s:f,s:f,s:I,s:I}", "some_avg10", p->some_avg10, "full_avg10",
			 p->full_avg10, "some_usec", (json_int_t)p->some_usec,
			 "full_usec", (json_int_t)p->full_usec);
}

static json_t *limit_json(uint64_t limit)
{
	return limit ? json_integer((json_int_t)limit) : json_null();
}

static json_t *row_json(const struct sample *before, const struct stack_stats *s)
{
	const struct cgroup_stats *u = &s->use;

	return json_pack(
		"{s:s,s:s,s:f,s:I,s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:o,s:{s:o,s:o,s:o}}",
		"stack", s->stack, "service", s->service, "cpu_percent",
		cpu_percent(before, s), "cpu_usec", (json_int_t)u->cpu_usec,
		"memory_bytes", (json_int_t)u->memory_bytes, "memory_limit_bytes",
		limit_json(s->memory_limit), "network_rx_bytes", (json_int_t)s->rx_bytes,
		"network_tx_bytes", (json_int_t)s->tx_bytes, "block_read_bytes",
		(json_int_t)u->read_bytes, "block_write_bytes",
		(json_int_t)u->write_bytes, "pids", (json_int_t)u->pids, "pids_limit",
		limit_json(s->pids_limit), "pressure", "cpu",
		pressure_json(&u->pressure[CGROUP_CPU]), "memory",
		pressure_json(&u->pressure[CGROUP_MEMORY]), "io",
		pressure_json(&u->pressure[CGROUP_IO]));
}

static char *pressure_text(const struct cgroup_stats *u)
{
	AUTO_BUF struct buf b = BUF_INIT;

	for (size_t i = 0; i < CGROUP_PRESSURES; i++)
		if (u->pressure[i].known)
			buf_addf(&b, "%s%.1f", i ? " " : "", u->pressure[i].some_avg10);
		else
			buf_addf(&b, "%s-", i ? " " : "");
	return buf_take(&b);
}

static char *pair(uint64_t a, uint64_t b)
{
	char x[16], y[16];

	return str_fmt("%s / %s", cli_size(a, x), cli_size(b, y));
}

static void print_row(const struct sample *before, const struct stack_stats *s, int width)
{
	AUTO_FREE char *name = str_fmt("%s/%s", s->stack, s->service);
	AUTO_FREE char *net = pair(s->rx_bytes, s->tx_bytes);
	AUTO_FREE char *block = pair(s->use.read_bytes, s->use.write_bytes);
	AUTO_FREE char *pressure = pressure_text(&s->use);
	char used[16], limit[16] = "-", share[16] = "-";

	if (s->memory_limit) {
		cli_size(s->memory_limit, limit);
		snprintf(share, sizeof(share), "%.1f",
			 (double)s->use.memory_bytes * 100 / (double)s->memory_limit);
	}
	printf("%-*s  %6.1f  %10s / %-10s  %5s  %-23s  %-23s  %5llu  %s\n", width, name,
	       cpu_percent(before, s), cli_size(s->use.memory_bytes, used), limit, share,
	       net, block, (unsigned long long)s->use.pids, pressure);
}

static bool is_meant(const struct strv *services, const struct stack_stats *s)
{
	return !services->n || strv_has(services, s->service);
}

static void print_table(const struct sample *before, const struct sample *now,
			const struct strv *services)
{
	int width = 7;

	for (size_t i = 0; i < now->n; i++) {
		int n = (int)(strlen(now->list[i].stack) + strlen(now->list[i].service) +
			      1);

		width = n > width ? n : width;
	}
	printf("%-*s  %6s  %10s / %-10s  %5s  %-23s  %-23s  %5s  %s\n", width, "SERVICE",
	       "CPU %", "MEMORY", "LIMIT", "MEM %", "NET RX / TX", "BLOCK READ / WRITE",
	       "PIDS", "PRESSURE cpu mem io");
	for (size_t i = 0; i < now->n; i++)
		if (is_meant(services, &now->list[i]))
			print_row(before, &now->list[i], width);
}

static void print_sample(const struct sample *before, const struct sample *now,
			 const struct strv *services, bool as_json, bool stream)
{
	json_t *out;

	if (!as_json) {
		if (stream && isatty(STDOUT_FILENO))
			printf("\033[H\033[J");
		print_table(before, now, services);
		return;
	}
	out = json_array();
	for (size_t i = 0; i < now->n; i++)
		if (is_meant(services, &now->list[i]))
			json_array_append_new(out, row_json(before, &now->list[i]));
	if (!stream) {
		cli_print_json(out);
		return;
	}
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
}

static int show(struct cli *c, const struct cli_args *a, const char *stack,
		const struct strv *services, struct err *e)
{
	bool stream = !args_flag(a, "no-stream");
	struct sample before, now = { 0 };
	int r = take_sample(c->host, stack, &before, e);

	usleep(FIRST_US); /* a share of time is of the time between two looks */
	while (r == 0 && !ferror(stdout)) {
		r = take_sample(c->host, stack, &now, e);
		if (r != 0)
			break;
		print_sample(&before, &now, services, args_flag(a, "json"), stream);
		fflush(stdout);
		sample_free(&before);
		before = now;
		now = (struct sample){ 0 };
		if (!stream)
			break;
		usleep(INTERVAL_US);
	}
	sample_free(&before);
	sample_free(&now);
	return r;
}

/* A service that is there but does not run has no row; one that is not there is an error.
 */
static int check_services(struct cli *c, const char *stack, const struct strv *services,
			  struct err *e)
{
	struct stack_service_info *list = NULL;
	size_t n = 0;
	int r = stack_ps(c->host, stack, &list, &n, e);

	if (r == STACK_E_ABSENT)
		return cli_no_service(e, stack, NULL);
	strv_foreach (i, services) {
		bool there = false;

		for (size_t k = 0; k < n; k++)
			there |= strcmp(list[k].service, services->v[i]) == 0;
		if (r == 0 && !there)
			r = cli_no_service(e, stack, services->v[i]);
	}
	stack_ps_free(list, n);
	return r;
}

static int stats_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_STRV struct strv services = STRV_INIT;
	AUTO_FREE char *stack = NULL;
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r == 0 && (a->operands.n || c->name || access("stack.conf", F_OK) == 0)) {
		r = cli_services(c, a, &stack, &services, e);
		if (r == 0)
			r = check_services(c, stack, &services, e);
	}
	if (r == 0)
		r = show(c, a, stack, &services, e);
	return r == STACK_E_ABSENT ? 0 : r; /* it was removed while we looked */
}

static const struct cli_opt stats_opts[] = {
	{ 0, "no-stream", NULL, "once, instead of each second" },
	{ 0, "json", NULL, "an array of objects; a line each second unless --no-stream" },
};

const struct cli_command cmd_stats = {
	.name = "stats",
	.operands = "[STACK | SERVICE...]",
	.summary = "Show what running services use",
	.more = "CPU is percent of one processor; memory without unused page cache; "
		"pressure the\n"
		"percentage of the last 10 seconds in which some process waited for "
		"processor, memory\n"
		"or disk (- where the kernel does not tell). Without operands and "
		"without\n"
		"./stack.conf, every stack of the host.",
	.max_operands = -1,
	.opts = stats_opts,
	.n_opts = ARRAY_LEN(stats_opts),
	.run = stats_run,
};
