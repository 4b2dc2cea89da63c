/*
 * cli/metrics.c - see metrics.h.
 *
 * Names follow Prometheus's rules: a unit in the name, base units (seconds, bytes),
 * counters end in _total.
 */
#include "runtime/cli/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct row {
	const struct stack_service_info *info;
	const struct stack_stats *use; /* NULL: it does not run */
};

/* NAN: there is no such sample of this service. */
typedef double (*reader)(const struct row *r);

static double up(const struct row *r)
{
	return r->use != NULL;
}

static double healthy(const struct row *r)
{
	return r->info->has_health ? strcmp(r->info->state, "healthy") == 0 : NAN;
}

static double failures(const struct row *r)
{
	return r->info->has_health ? r->info->status.failures : NAN;
}

static double restarts(const struct row *r)
{
	return r->info->status.restarts;
}

static double started(const struct row *r)
{
	return r->use && r->info->status.started_wall_ns
		       ? (double)(r->info->status.started_wall_ns / 1000000u) / 1000
		       : NAN;
}

static double exit_code(const struct row *r)
{
	int status = r->info->status.exit_status;

	if (!r->info->status.ended)
		return NAN;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static double oom_kills(const struct row *r)
{
	return (double)r->info->oom_kills;
}

static double cpu(const struct row *r)
{
	return r->use ? (double)r->use->use.cpu_usec / 1000000 : NAN;
}

static double memory(const struct row *r)
{
	return r->use ? (double)r->use->use.memory_bytes : NAN;
}

static double memory_limit(const struct row *r)
{
	return r->use && r->use->memory_limit ? (double)r->use->memory_limit : NAN;
}

static double received(const struct row *r)
{
	return r->use ? (double)r->use->rx_bytes : NAN;
}

static double transmitted(const struct row *r)
{
	return r->use ? (double)r->use->tx_bytes : NAN;
}

static double read_bytes(const struct row *r)
{
	return r->use ? (double)r->use->use.read_bytes : NAN;
}

static double write_bytes(const struct row *r)
{
	return r->use ? (double)r->use->use.write_bytes : NAN;
}

static double processes(const struct row *r)
{
	return r->use ? (double)r->use->use.pids : NAN;
}

static double processes_limit(const struct row *r)
{
	return r->use && r->use->pids_limit ? (double)r->use->pids_limit : NAN;
}

static const struct family {
	const char *name, *type, *help;
	reader read;
} families[] = {
	{ "up", "gauge", "Whether the service has a process.", up },
	{ "healthy", "gauge", "Whether its healthcheck passes; absent without one.",
	  healthy },
	{ "health_failures", "gauge", "Probes that failed in a row.", failures },
	{ "restarts_total", "counter", "Restarts since somebody started it.", restarts },
	{ "start_time_seconds", "gauge", "When it was started, in Unix time.", started },
	{ "exit_code", "gauge", "Of its last end; 128+N after signal N.", exit_code },
	{ "oom_kills_total", "counter", "Processes killed for want of memory.",
	  oom_kills },
	{ "cpu_seconds_total", "counter", "Processor time used.", cpu },
	{ "memory_bytes", "gauge", "Memory in use, without unused page cache.", memory },
	{ "memory_limit_bytes", "gauge", "Its limit, or its stack's; absent without one.",
	  memory_limit },
	{ "network_receive_bytes_total", "counter", "Bytes received.", received },
	{ "network_transmit_bytes_total", "counter", "Bytes sent.", transmitted },
	{ "block_read_bytes_total", "counter", "Bytes read from disks.", read_bytes },
	{ "block_write_bytes_total", "counter", "Bytes written to disks.", write_bytes },
	{ "processes", "gauge", "Processes and threads.", processes },
	{ "processes_limit", "gauge", "How many there may be; absent without a limit.",
	  processes_limit },
};

void metrics_label(struct buf *b, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			buf_addc(b, '\\');
		if (*value == '\n')
			buf_adds(b, "\\n");
		else
			buf_addc(b, *value);
	}
}

static void add_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP minibox_service_%s %s\n# TYPE minibox_service_%s %s\n", name,
		 help, name, type);
}

static void add_labels(struct buf *b, const char *name, const struct row *r)
{
	buf_addf(b, "minibox_service_%s{stack=\"", name);
	metrics_label(b, r->info->stack);
	buf_adds(b, "\",service=\"");
	metrics_label(b, r->info->service);
	buf_addc(b, '"');
}

static void add_family(struct buf *b, const struct family *f, const struct row *rows,
		       size_t n)
{
	add_head(b, f->name, f->type, f->help);
	for (size_t i = 0; i < n; i++) {
		double v = f->read(&rows[i]);

		if (isnan(v))
			continue;
		add_labels(b, f->name, &rows[i]);
		buf_addf(b, "} %.15g\n", v);
	}
}

static void add_states(struct buf *b, const struct row *rows, size_t n)
{
	add_head(b, "state", "gauge", "1, labelled with what it is in.");
	for (size_t i = 0; i < n; i++) {
		add_labels(b, "state", &rows[i]);
		buf_addf(b, ",state=\"%s\"} 1\n", rows[i].info->state);
	}
}

static void add_pressure(struct buf *b, const struct row *r)
{
	static const char *const names[CGROUP_PRESSURES] = { "cpu", "memory", "io" };

	for (size_t k = 0; r->use && k < CGROUP_PRESSURES; k++) {
		const struct cgroup_pressure *p = &r->use->use.pressure[k];

		for (int full = 0; p->known && full < 2; full++) {
			uint64_t usec = full ? p->full_usec : p->some_usec;

			add_labels(b, "pressure_seconds_total", r);
			buf_addf(b, ",resource=\"%s\",waiting=\"%s\"} %.15g\n", names[k],
				 full ? "all" : "some", (double)usec / 1000000);
		}
	}
}

static void add_all(struct buf *b, const struct row *rows, size_t n)
{
	buf_addf(b,
		 "# HELP minibox_info The version that answers.\n"
		 "# TYPE minibox_info gauge\nminibox_info{version=\"%s\"} 1\n",
		 MINIBOX_VERSION);
	add_states(b, rows, n);
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		add_family(b, &families[i], rows, n);
	add_head(b, "pressure_seconds_total", "counter",
		 "Time in which some or all of its processes waited for a resource.");
	for (size_t i = 0; i < n; i++)
		add_pressure(b, &rows[i]);
}

struct gathered {
	struct stack_service_info *info;
	struct stack_stats *use;
	size_t n_info, n_use;
};

/* A stack that is removed meanwhile has nothing to tell. */
static int gather(struct stack_host *h, const char *stack, struct gathered *g,
		  struct err *e)
{
	struct stack_service_info *list = NULL;
	size_t n = 0;
	int r = stack_ps(h, stack, &list, &n, e);

	if (r == 0) {
		g->info = mem_grow(g->info, g->n_info + n + 1, sizeof(*list));
		memcpy(g->info + g->n_info, list, n * sizeof(*list));
		g->n_info += n;
		free(list); /* its strings now belong to g */
		r = stack_stats(h, stack, &g->use, &g->n_use, e);
	}
	return r == STACK_E_ABSENT ? 0 : r;
}

static const struct stack_stats *use_of(const struct gathered *g,
					const struct stack_service_info *s)
{
	for (size_t i = 0; i < g->n_use; i++)
		if (strcmp(g->use[i].stack, s->stack) == 0 &&
		    strcmp(g->use[i].service, s->service) == 0)
			return &g->use[i];
	return NULL;
}

int metrics_text(struct stack_host *h, struct buf *ret, struct err *e)
{
	AUTO_STRV struct strv stacks = STRV_INIT;
	struct gathered g = { 0 };
	int r = stack_list(h, &stacks, e);

	strv_foreach (i, &stacks)
		if (r == 0)
			r = gather(h, stacks.v[i], &g, e);
	if (r == 0) {
		AUTO_FREE struct row *rows = mem_new(g.n_info + 1, sizeof(*rows));

		for (size_t i = 0; i < g.n_info; i++)
			rows[i] = (struct row){ &g.info[i], use_of(&g, &g.info[i]) };
		add_all(ret, rows, g.n_info);
	}
	stack_ps_free(g.info, g.n_info);
	stack_stats_free(g.use, g.n_use);
	return r;
}

/* @word is the whole of the request's next word. */
static bool is_word(const char **at, const char *word)
{
	size_t n = strcspn(*at, " ?\r\n");

	if (strlen(word) != n || strncmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

void metrics_answer(const char *request, const struct buf *body, struct buf *ret)
{
	const char *at = request, *status = "200 OK";
	bool head = is_word(&at, "HEAD"), get = !head && is_word(&at, "GET");
	const char *text = body->data ? body->data : "";

	at += strspn(at, " ");
	if (!head && !get)
		status = "405 Method Not Allowed";
	else if (!is_word(&at, "/metrics") && !is_word(&at, "/"))
		status = "404 Not Found";
	if (*status != '2')
		text = "it is at /metrics\n";
	buf_addf(ret,
		 "HTTP/1.1 %s\r\n"
		 "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		 "Content-Length: %zu\r\nConnection: close\r\n\r\n",
		 status, strlen(text));
	if (!head)
		buf_adds(ret, text);
}
