/* cli/cmd_life.c - `start`, `stop`, `restart`, `kill`: services that exist. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "runtime/cli/context.h"

static int call(struct cli *c, const struct cli_args *a, enum sup_op op, int64_t arg,
		struct err *e)
{
	AUTO_STRV struct strv services = STRV_INIT;
	AUTO_FREE char *stack = NULL;
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r == 0)
		r = cli_services(c, a, &stack, &services, e);
	if (r == 0)
		r = stack_call(h, stack, &services, op, arg, e);
	if (r != STACK_E_ABSENT)
		return r;
	return cli_no_service(
		e, stack, stack_exists(h, stack) && services.n ? services.v[0] : NULL);
}

static int timeout_of(struct cli *c, const struct cli_args *a, int64_t *ret,
		      struct err *e)
{
	int r;

	*ret = -1;
	if (!args_value(a, "timeout"))
		return 0;
	r = args_duration(args_value(a, "timeout"), "--timeout", ret, e);
	if (r < 0)
		c->fail_status = 2;
	return r;
}

static int start_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	return call(c, a, SUP_OP_UP, 0, e);
}

/* The whole stack, and its supervisor, which is the unit's main process. */
static int stop_unit(struct cli *c, const struct cli_args *a, int64_t timeout,
		     struct err *e)
{
	const char *operand = a->operands.n ? a->operands.v[0] : NULL;
	AUTO_FREE char *stack = NULL;
	int r = cli_stack(c, a, operand, &stack, e);

	if (r == 0)
		r = stack_leave(c->host, stack, timeout, e);
	return r == STACK_E_ABSENT ? 0 : r;
}

static int stop_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	int64_t timeout;
	int r = timeout_of(c, a, &timeout, e);

	if (r == 0 && args_flag(a, "unit"))
		return stop_unit(c, a, timeout, e);
	return r < 0 ? r : call(c, a, SUP_OP_STOP, timeout, e);
}

static int restart_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	int64_t timeout;
	int r = timeout_of(c, a, &timeout, e);

	return r < 0 ? r : call(c, a, SUP_OP_RESTART, timeout, e);
}

static int kill_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const char *name = args_value(a, "signal");
	int sig = name ? model_signal_number(name) : SIGKILL;

	if (sig <= 0)
		return cli_usage(c, e, "--signal '%s' is no signal", name);
	return call(c, a, SUP_OP_KILL, sig, e);
}

static const struct cli_opt start_opts[] = {
	{ 'f', "file", "FILE", "the stack file" },
};
static const struct cli_opt stop_opts[] = {
	{ 'f', "file", "FILE", "the stack file" },
	{ 0, "timeout", "TIME",
	  "kill what has not stopped by then (each service's own)" },
};
static const struct cli_opt stop_unit_opts[] = {
	{ 'f', "file", "FILE", "the stack file" },
	{ 0, "timeout", "TIME",
	  "kill what has not stopped by then (each service's own)" },
	{ 0, "unit", NULL,
	  "the supervisor ends, too: how a unit of `minibox unit` stops" },
};
static const struct cli_opt kill_opts[] = {
	{ 'f', "file", "FILE", "the stack file" },
	{ 's', "signal", "SIGNAL", "name or number (KILL)" },
};

#define LIFE(command, text, options, function)                                           \
	{                                                                                \
		.name = command, .operands = "[STACK | SERVICE...]", .summary = text,    \
		.max_operands = -1, .opts = options, .n_opts = ARRAY_LEN(options),       \
		.run = function,                                                         \
	}

const struct cli_command cmd_start =
	LIFE("start", "Start services that are stopped", start_opts, start_run);
const struct cli_command cmd_stop =
	LIFE("stop", "Stop services, in reverse order, and keep their containers",
	     stop_unit_opts, stop_run);
const struct cli_command cmd_restart =
	LIFE("restart", "Stop and start services", stop_opts, restart_run);
const struct cli_command cmd_kill =
	LIFE("kill", "Send a signal to services", kill_opts, kill_run);
