/*
 * cli/cmd_helper.c - the short-lived commands that the supervisor runs: it has no library
 * to do these things with, and forgets the process that did them.
 */
#include <errno.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/cli/attach.h"
#include "runtime/cli/context.h"

enum { REPORT_FD = 3 };

static const char *operand(const struct cli_args *a, size_t i)
{
	return i < a->operands.n ? a->operands.v[i] : "";
}

/* The report goes out whatever happened; the exit status says it again. */
static int launch_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct sup_launch_report report = { .exit_code = 125 };
	struct err unsent = ERR_INIT;
	struct stack_host *h = NULL;
	AUTO_CLOSE int tty = -1;
	int r = cli_host(c, &h, e);

	if (r == 0)
		r = stack_launch(h, a->operands.v[0], operand(a, 1), &report, &tty, e);
	if (fd_send(REPORT_FD, &report, sizeof(report), tty, &unsent) < 0 && r == 0) {
		*e = unsent;
		r = err_ctx(e, "report the launch");
	}
	return r;
}

static int health_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct stack_host *h = NULL;
	int code = 125, r = cli_host(c, &h, e);

	if (r == 0)
		r = stack_health(h, a->operands.v[0], operand(a, 1), &code, e);
	return r < 0 ? r : code;
}

static int refresh_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r == 0)
		r = stack_refresh(h, a->operands.v[0], operand(a, 1), e);
	return r == STACK_E_ABSENT ? 0 : r;
}

static int tidy_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	return r < 0 ? r : stack_tidy(h, a->operands.v[0], e);
}

static int oom_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct stack_host *h = NULL;
	unsigned long long known = 0;
	int r = cli_host(c, &h, e);

	if (r == 0 && !str_u64(operand(a, 2), INT64_MAX, &known))
		r = err_msg(e, EINVAL, "'%s' is not a number", operand(a, 2));
	return r < 0 ? r : stack_oom_watch(h, a->operands.v[0], operand(a, 1), known, e);
}

#define HELPER(command, text, function)                                                  \
	{                                                                                \
		.name = command, .operands = "STACK [SERVICE]", .summary = text,         \
		.min_operands = 1, .max_operands = 2, .hidden = true,                    \
		.fail_status = 125, .run = function,                                     \
	}

const struct cli_command cmd_launch =
	HELPER("_launch", "Start a service's process from its stored spec", launch_run);
const struct cli_command cmd_health =
	HELPER("_health", "Run a service's healthcheck command once", health_run);
const struct cli_command cmd_refresh =
	HELPER("_refresh", "Show a service's present root to the readers of its shares",
	       refresh_run);
const struct cli_command cmd_tidy = HELPER(
	"_tidy", "Remove a stack that `run` made and nothing uses any more", tidy_run);
const struct cli_command cmd_oom = {
	.name = "_oom",
	.operands = "STACK SERVICE KILLS",
	.summary = "Kill the rest of a service once memory ran out in it",
	.min_operands = 3,
	.max_operands = 3,
	.hidden = true,
	.fail_status = 125,
	.run = oom_run,
};
