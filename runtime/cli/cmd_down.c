/* cli/cmd_down.c - `down`: from a running stack to none. */
#include <stdio.h>

#include "runtime/cli/context.h"

static int down_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_FREE char *stack = NULL;
	struct stack_host *h = NULL;
	int64_t timeout = -1;
	int r = cli_stack(c, a, a->operands.n ? a->operands.v[0] : NULL, &stack, e);

	if (r == 0 && args_value(a, "timeout"))
		r = args_duration(args_value(a, "timeout"), "--timeout", &timeout, e);
	if (r == 0)
		r = cli_host(c, &h, e);
	if (r < 0)
		return r;
	return stack_down(h, stack, args_flag(a, "volumes"), timeout, e);
}

static const struct cli_opt down_opts[] = {
	{ 'v', "volumes", NULL, "remove the stack's named volumes too" },
	{ 0, "timeout", "TIME",
	  "kill what has not stopped by then (each service's own)" },
	{ 'f', "file", "FILE", "the stack file" },
};

const struct cli_command cmd_down = {
	.name = "down",
	.operands = "[STACK]",
	.summary = "Stop a stack and remove all of it but its named volumes",
	.more = "  minibox down\n  minibox down --volumes staging",
	.max_operands = 1,
	.opts = down_opts,
	.n_opts = ARRAY_LEN(down_opts),
	.run = down_run,
};
