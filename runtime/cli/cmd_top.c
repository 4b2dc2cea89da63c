/* cli/cmd_top.c - `top` and `port`: a service's processes, and where its ports are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/cli/context.h"

static char *time_text(uint64_t ms)
{
	return str_fmt("%llu:%02llu.%02llu", (unsigned long long)(ms / 60000),
		       (unsigned long long)(ms / 1000 % 60),
		       (unsigned long long)(ms % 1000 / 10));
}

static double cpu_percent(const struct stack_process *p)
{
	return p->age_ms ? (double)p->cpu_ms * 100 / (double)p->age_ms : 0;
}

static void print_processes(const struct stack_process *list, size_t n)
{
	printf("%8s  %8s  %-12s  %6s  %10s  %10s  %s\n", "PID", "INSIDE", "USER", "CPU %",
	       "TIME", "RSS", "COMMAND");
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *time = time_text(list[i].cpu_ms);
		char rss[16];

		str_sanitize(list[i].user);
		str_sanitize(list[i].command);
		printf("%8d  %8d  %-12s  %6.1f  %10s  %10s  %s\n", (int)list[i].pid,
		       (int)list[i].inside, list[i].user, cpu_percent(&list[i]), time,
		       cli_size(list[i].rss_bytes, rss), list[i].command);
	}
}

static void print_processes_json(const struct stack_process *list, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out,
				      json_pack("{s:i,s:i,s:o,s:f,s:I,s:I,s:o}", "pid",
						(int)list[i].pid, "pid_inside",
						(int)list[i].inside, "user",
						json_text(list[i].user), "cpu_percent",
						cpu_percent(&list[i]), "cpu_ms",
						(json_int_t)list[i].cpu_ms, "rss_bytes",
						(json_int_t)list[i].rss_bytes, "command",
						json_text(list[i].command)));
	cli_print_json(out);
}

static int top_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_FREE char *stack = NULL, *service = NULL;
	struct stack_process *list = NULL;
	struct stack_host *h = NULL;
	size_t n = 0;
	int r = cli_host(c, &h, e);

	if (r == 0)
		r = cli_service(c, a, a->operands.v[0], &stack, &service, e);
	if (r == 0)
		r = stack_top(h, stack, service, &list, &n, e);
	if (r == STACK_E_ABSENT)
		return cli_no_service(e, stack, service);
	if (r == 0 && args_flag(a, "json"))
		print_processes_json(list, n);
	else if (r == 0)
		print_processes(list, n);
	stack_top_free(list, n);
	return r;
}

static const struct cli_opt top_opts[] = {
	{ 0, "json", NULL, "an array of objects" },
	{ 'f', "file", "FILE", "the stack file" },
};

const struct cli_command cmd_top = {
	.name = "top",
	.operands = "SERVICE",
	.summary = "List the processes of a service",
	.more = "PID is the host's, INSIDE and USER are as the container has them; CPU "
		"is "
		"the share\n"
		"of the process's own life.",
	.min_operands = 1,
	.max_operands = 1,
	.opts = top_opts,
	.n_opts = ARRAY_LEN(top_opts),
	.run = top_run,
};

/* @publish is "127.0.0.1:8000->80/tcp"; @port "80" or "80/tcp", NULL: all */
static bool print_port(const char *publish, const char *port)
{
	const char *arrow = strstr(publish, "->"), *inside = arrow ? arrow + 2 : "";
	size_t n = port ? strlen(port) : 0;

	if (!arrow ||
	    (port && (strncmp(inside, port, n) != 0 || (inside[n] && inside[n] != '/'))))
		return false;
	if (port)
		printf("%.*s\n", (int)(arrow - publish), publish);
	else
		printf("%s -> %.*s\n", inside, (int)(arrow - publish), publish);
	return true;
}

static int port_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const char *port = a->operands.n > 1 ? a->operands.v[1] : NULL;
	AUTO_FREE char *stack = NULL, *service = NULL;
	struct stack_service_info *list = NULL;
	bool there = false, any = false;
	struct stack_host *h = NULL;
	size_t n = 0;
	int r = cli_host(c, &h, e);

	if (r == 0)
		r = cli_service(c, a, a->operands.v[0], &stack, &service, e);
	if (r == 0)
		r = stack_ps(h, stack, &list, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (strcmp(list[i].service, service) != 0)
			continue;
		there = true;
		strv_foreach (k, &list[i].publish)
			any |= print_port(list[i].publish.v[k], port);
	}
	stack_ps_free(list, n);
	if (r == STACK_E_ABSENT || (r == 0 && !there))
		return cli_no_service(e, stack, service);
	if (r == 0 && port && !any)
		return err_msg(e, ENOENT, "service '%s/%s' does not publish port '%s'",
			       stack, service, port);
	return r;
}

static const struct cli_opt port_opts[] = {
	{ 'f', "file", "FILE", "the stack file" },
};

const struct cli_command cmd_port = {
	.name = "port",
	.operands = "SERVICE [PORT[/udp]]",
	.summary = "Say at which addresses of the host a service's ports are",
	.min_operands = 1,
	.max_operands = 2,
	.opts = port_opts,
	.n_opts = ARRAY_LEN(port_opts),
	.run = port_run,
};
