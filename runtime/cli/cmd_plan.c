/* cli/cmd_plan.c - `plan` and `rollback`: what would change and why; and back again. */
#include <errno.h>
#include <stdio.h>

#include "runtime/base/fd.h"
#include "runtime/cli/context.h"
#include "runtime/cli/signals.h"
#include "runtime/cli/upwait.h"

static void print_step(const struct stack_step *s)
{
	AUTO_FREE char *reason = str_dup(s->reason);

	str_sanitize(reason);
	printf("%-9s %-20s %s\n", stack_step_name(s->kind),
	       *s->service ? s->service : "(the stack)", reason);
}

static json_t *step_json(const struct stack_step *s)
{
	json_t *changes = json_array();

	for (size_t i = 0; i < s->n_changes; i++) {
		const struct stack_change *c = &s->changes[i];

		json_array_append_new(
			changes,
			json_pack("{s:o,s:o,s:o,s:o,s:o}", "key", json_text(c->key),
				  "old", json_text(c->was), "new", json_text(c->is),
				  "file", c->file ? json_text(c->file) : json_null(),
				  "line",
				  c->file ? json_integer((json_int_t)c->line)
					  : json_null()));
	}
	return json_pack("{s:s,s:o,s:o,s:o}", "step", stack_step_name(s->kind), "service",
			 *s->service ? json_text(s->service) : json_null(), "reason",
			 json_text(s->reason), "changes", changes);
}

static void print_plan(const struct stack_plan *p, bool as_json)
{
	json_t *list = as_json ? json_array() : NULL;

	for (size_t i = 0; i < p->n; i++) {
		if (as_json)
			json_array_append_new(list, step_json(&p->steps[i]));
		else
			print_step(&p->steps[i]);
	}
	if (as_json)
		cli_print_json(list);
}

static int plan_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct stack_up_opts o = { .force_recreate = args_flag(a, "force-recreate"),
				   .strict = args_flag(a, "strict") };
	const char *file = cli_split(a, &o.services);
	struct stack_plan plan = { 0 };
	struct image_store *store = NULL;
	struct stack_model *m = NULL;
	int r;

	c->look = true;
	r = cli_model(c, a, file, &o.services, &m, e);
	if (r == 0)
		r = cli_store(c, &store, e);
	if (r == 0)
		r = stack_plan(c->host, store, m, &o, &plan, e);
	if (r == 0)
		print_plan(&plan, args_flag(a, "json"));
	stack_plan_free(&plan);
	strv_free(&o.services);
	model_free(m);
	return r;
}

static const struct cli_opt plan_opts[] = {
	{ 'f', "file", "FILE", "a stack file; a second one is merged over the first" },
	{ 0, "profile", "NAME", "switch a profile on; may be repeated" },
	{ 0, "force-recreate", NULL, "as with up" },
	{ 0, "strict", NULL, "as with up" },
	{ 0, "json", NULL, "as JSON" },
};

const struct cli_command cmd_plan = {
	.name = "plan",
	.operands = "[FILE] [SERVICE...]",
	.summary = "Say what up would do and why",
	.more = "Nothing is changed, made or loaded. keep, start (its container is "
		"there), "
		"restart\n(what it depends on is made anew), refresh (while it runs), "
		"create, "
		"recreate, remove;\nvalues of environments and of .env are not shown.",
	.max_operands = -1,
	.opts = plan_opts,
	.n_opts = ARRAY_LEN(plan_opts),
	.run = plan_run,
};

static int rollback_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	static const struct strv all = STRV_INIT;
	AUTO_FREE char *stack = NULL;
	struct image_store *store = NULL;
	struct stack_watch w = cli_watch(c);
	AUTO_CLOSE int sigfd = -1;
	int r = cli_running_stack(c, a, a->operands.n ? a->operands.v[0] : NULL, &stack,
				  e);

	if (r == 0)
		r = cli_store(c, &store, e);
	if (r < 0)
		return r;
	r = stack_rollback(c->host, store, stack, false, &w, e);
	if (r == STACK_E_ABSENT)
		r = cli_no_service(e, stack, NULL);
	else if (r == STACK_E_NO_EARLIER)
		r = err_msg(e, ENOENT, "stack '%s': no earlier model of it is known",
			    stack);
	if (r == 0)
		r = signals_open(&sigfd, e);
	cli_store_done(c);
	return r < 0 ? r : upwait(c, a, stack, &all, sigfd, e);
}

static const struct cli_opt rollback_opts[] = {
	{ 'f', "file", "FILE", "the stack file, for the stack's name" },
	{ 0, "timeout", "TIME", "give up waiting until all is up after this time" },
};

const struct cli_command cmd_rollback = {
	.name = "rollback",
	.operands = "[STACK]",
	.summary = "Go back to the model before the last up",
	.more = "Images, configuration and environment are those that ran then, whatever "
		"has become\nof the files since; named volumes keep what is in them. A "
		"model "
		"that never came up is\nnot gone back to while an earlier one is known. "
		"A "
		"second rollback takes the first one\nback. `down` and a reboot forget "
		"the "
		"earlier model.",
	.max_operands = 1,
	.opts = rollback_opts,
	.n_opts = ARRAY_LEN(rollback_opts),
	.run = rollback_run,
};
