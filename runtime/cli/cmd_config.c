/* cli/cmd_config.c - `config`: check a stack file and print the whole model. */
#include <stdio.h>

#include "runtime/cli/context.h"

static int config_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct stack_model *m = NULL;
	int r = cli_model(c, a, a->operands.n ? a->operands.v[0] : NULL, NULL, &m, e);

	if (r < 0)
		return r;
	if (args_flag(a, "json")) {
		cli_print_json(model_format_json(m, args_flag(a, "show-secrets")));
	} else {
		model_format_conf(m, args_flag(a, "show-secrets"), &text);
		fputs(text.data ? text.data : "", stdout);
	}
	model_free(m);
	return 0;
}

static const struct cli_opt config_opts[] = {
	{ 'f', "file", "FILE", "a stack file; a second one is merged over the first" },
	{ 0, "profile", "NAME", "switch a profile on; may be repeated" },
	{ 0, "json", NULL, "as JSON" },
	{ 0, "show-secrets", NULL, "show values that come from env files" },
};

const struct cli_command cmd_config = {
	.name = "config",
	.operands = "[FILE]",
	.summary = "Check a stack file and print it with every default written out",
	.max_operands = 1,
	.opts = config_opts,
	.n_opts = ARRAY_LEN(config_opts),
	.run = config_run,
};
