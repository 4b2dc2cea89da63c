/* cli/cmd_up.c - `up`, `plan` and `down`: from file to running stack, and back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/cli/context.h"
#include "runtime/cli/logview.h"
#include "runtime/cli/signals.h"
#include "runtime/cli/unitmain.h"

enum { FAILURE_LINES = 10 };

/* The first operand is the file when it looks like one or is one; services follow. */
static bool is_file(const char *operand)
{
	return strchr(operand, '/') || str_ends(operand, ".conf") ||
	       str_ends(operand, ".yml") || str_ends(operand, ".yaml") ||
	       access(operand, F_OK) == 0;
}

static void split_operands(const struct cli_args *a, const char **file,
			   struct strv *services)
{
	size_t i = 0;

	*file = NULL;
	if (a->operands.n && is_file(a->operands.v[0]))
		*file = a->operands.v[i++];
	for (; i < a->operands.n; i++)
		strv_add(services, a->operands.v[i]);
}

static void all_services(const struct stack_model *m, struct strv *ret)
{
	for (size_t i = 0; i < m->n_services; i++)
		strv_add(ret, m->services[i].name);
}

static void show_last_lines(struct cli *c, const char *stack, const char *service)
{
	struct logview_opts o = { .tail = FAILURE_LINES,
				  .events = true,
				  .color = c->color };
	AUTO_STRV struct strv one = STRV_INIT;
	struct err ignored = ERR_INIT;
	struct logview *v = NULL;

	strv_add(&one, service);
	if (logview_open(c->host, stack, &one, &o, &v, &ignored) != 0)
		return;
	logview_end(v, stderr);
	logview_free(v);
}

/* SIGINT during a wait: the stack stays as it is, for a look. */
static bool interrupted(void *arg)
{
	return signals_read(*(int *)arg) != 0;
}

static int wait_up(struct cli *c, const struct cli_args *a, const struct stack_model *m,
		   const struct strv *services, int sigfd, struct err *e)
{
	struct stack_failure fail = { NULL, NULL };
	struct stack_watch w = cli_watch(c);
	int64_t timeout = -1;
	int r = 0;

	if (args_value(a, "timeout"))
		r = args_duration(args_value(a, "timeout"), "--timeout", &timeout, e);
	if (r == 0)
		r = stack_wait(c->host, m->name, services, timeout, &w, interrupted,
			       &sigfd, &fail, e);
	if (r == 0 && fail.service) {
		show_last_lines(c, m->name, fail.service);
		r = err_msg(e, EIO, "service '%s' %s", fail.service, fail.text);
	}
	free(fail.service);
	free(fail.text);
	return r;
}

/* Does anything of the stack still run, or will it again? */
static bool all_ended(struct cli *c, const char *stack)
{
	struct stack_service_info *list = NULL;
	struct err ignored = ERR_INIT;
	bool ended = true;
	size_t n = 0;

	if (stack_ps(c->host, stack, &list, &n, &ignored) != 0)
		return true;
	for (size_t i = 0; i < n; i++)
		ended &= list[i].status.state == SUP_EXITED;
	stack_ps_free(list, n);
	return ended;
}

/* One signal stops gracefully while the logs go on, a second one kills. */
static int foreground(struct cli *c, const char *stack, const struct strv *services,
		      int sigfd, struct err *e)
{
	struct logview_opts o = { .tail = -1,
				  .follow = true,
				  .events = true,
				  .color = isatty(STDOUT_FILENO) && c->color };
	static const struct strv all = STRV_INIT;
	struct logview *v = NULL;
	int r = logview_open(c->host, stack, services, &o, &v, e);
	pid_t stopper = 0;

	while (r == 0) {
		int sig = signals_read(sigfd);

		if (sig && stopper == 0) {
			fprintf(stderr, "minibox: stopping (again to kill)\n");
			stopper = fork();
			if (stopper == 0)
				_exit(stack_call(c->host, stack, &all, SUP_OP_STOP, -1,
						 e) != 0);
		} else if (sig) {
			r = stack_call(c->host, stack, &all, SUP_OP_STOP, 0, e);
		}
		logview_pump(v, stdout);
		if (all_ended(c, stack))
			break;
		usleep(20000);
	}
	if (v)
		logview_end(v, stdout);
	logview_free(v);
	return r > 0 ? 0 : r;
}

/* Once in the life of a stack: at its first `up` since the boot. */
static void note_unit(const struct stack_plan *p, const char *stack)
{
	if (access("/run/systemd/system", F_OK) < 0)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind != STEP_CREATE)
			return;
	log_note("only as a systemd unit does stack '%s' stop in order at shutdown and "
		 "come "
		 "back after it (minibox unit)",
		 stack);
}

static int up_model(struct cli *c, const struct cli_args *a, const struct stack_model *m,
		    const struct strv *chosen, struct err *e)
{
	struct stack_up_opts o = { .services = *chosen,
				   .force_recreate = args_flag(a, "force-recreate") };
	struct stack_plan plan = { 0 };
	struct sup_unit unit;
	AUTO_STRV struct strv services = STRV_INIT;
	struct image_store *store = NULL;
	struct stack_watch w = cli_watch(c);
	AUTO_CLOSE int sigfd = -1;
	int r = 0;

	if (args_flag(a, "unit")) {
		o.unit = &unit;
		r = unitmain_open(c, &unit, e);
	}
	if (r == 0)
		r = cli_store(c, &store, e);
	if (r == 0)
		r = stack_up(c->host, store, m, &o, &w, &plan, e);
	if (r ==
	    0) /* until here ctrl-C ends us at once; the next `up` goes on from there */
		r = signals_open(&sigfd, e);
	cli_store_done(c);
	if (r == 0 && args_flag(a, "detach") && !o.unit)
		note_unit(&plan, m->name);
	stack_plan_free(&plan);
	if (r < 0)
		return r;
	if (o.unit)
		return unitmain_wait(c, &unit, m->name, chosen, sigfd, e);
	/* Follow what was asked for; a dependency that fails shows in its dependant. */
	if (!chosen->n)
		all_services(m, &services);
	strv_copy(&services, chosen);
	if (args_flag(a, "detach"))
		return wait_up(c, a, m, chosen, sigfd, e);
	return foreground(c, m->name, &services, sigfd, e);
}

static int up_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_STRV struct strv chosen = STRV_INIT;
	struct stack_model *m = NULL;
	const char *file;
	int r;

	split_operands(a, &file, &chosen);
	r = cli_model(c, a, file, &chosen, &m, e);
	if (r == 0)
		r = up_model(c, a, m, &chosen, e);
	model_free(m);
	return r;
}

static const struct cli_opt up_opts[] = {
	{ 'd', "detach", NULL, "return once every service is up; the stack goes on" },
	{ 'f', "file", "FILE", "a stack file; a second one is merged over the first" },
	{ 0, "profile", "NAME", "switch a profile on; may be repeated" },
	{ 0, "force-recreate", NULL, "make containers anew even if nothing changed" },
	{ 0, "timeout", "TIME", "with -d: give up waiting after this time" },
	{ 0, "unit", NULL, "as the main process of the unit that `minibox unit` prints" },
};

const struct cli_command cmd_up = {
	.name = "up",
	.operands = "[FILE] [SERVICE...]",
	.summary = "Bring a stack to what its file says",
	.more = "  minibox up -d                  the stack of ./stack.conf\n"
		"  minibox up -d -p staging a.conf  the same file under another name\n"
		"  minibox up -d a.conf db          only db and what it depends on\n\n"
		"Only what changed is made anew. Without -d the logs are shown; ctrl-C "
		"stops the\n"
		"stack, a second one kills it. With -d the exit status is 0 once every "
		"service\n"
		"runs, and is healthy where it has a healthcheck.",
	.max_operands = -1,
	.opts = up_opts,
	.n_opts = ARRAY_LEN(up_opts),
	.run = up_run,
};

static const char *step_text(enum stack_step_kind kind)
{
	static const char *const text[] = { [STEP_KEEP] = "keep",
					    [STEP_CREATE] = "create",
					    [STEP_RECREATE] = "recreate",
					    [STEP_REMOVE] = "remove" };

	return text[kind];
}

static void print_plan(const struct stack_plan *p, bool as_json)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		const struct stack_step *s = &p->steps[i];

		if (!as_json)
			printf("%-9s %-20s %s\n", step_text(s->kind), s->service,
			       s->reason);
		json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "step",
						      step_text(s->kind), "service",
						      s->service, "reason", s->reason));
	}
	if (as_json)
		cli_print_json(list);
	else
		json_decref(list);
}

static int plan_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct stack_up_opts o = { .dry_run = true };
	struct stack_plan plan = { 0 };
	struct image_store *store = NULL;
	struct stack_model *m = NULL;
	struct stack_watch w = cli_watch(c);
	const char *file;
	int r;

	split_operands(a, &file, &o.services);
	r = cli_model(c, a, file, &o.services, &m, e);
	if (r == 0)
		r = cli_store(c, &store, e);
	if (r == 0)
		r = stack_up(c->host, store, m, &o, &w, &plan, e);
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
	{ 0, "json", NULL, "as JSON" },
};

const struct cli_command cmd_plan = {
	.name = "plan",
	.operands = "[FILE] [SERVICE...]",
	.summary = "Say what up would do and why",
	.more = "Images that are not in the store yet are loaded; nothing else is "
		"changed.",
	.max_operands = -1,
	.opts = plan_opts,
	.n_opts = ARRAY_LEN(plan_opts),
	.run = plan_run,
};

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
