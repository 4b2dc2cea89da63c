/* cli/cmd_exec.c - `exec` and `run`: a command in a running, or in a new container. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/attach.h"
#include "runtime/cli/context.h"
#include "runtime/container/container.h"

/* Without -i standard input is /dev/null, as for a service; a terminal implies it. */
static void fill_override(const struct cli_args *a, bool keep_stdin,
			  struct stack_override *o)
{
	for (size_t i = 1; i < a->operands.n; i++)
		strv_add(&o->args, a->operands.v[i]);
	const struct strv *env = args_list(a, "env");

	strv_foreach (i, env) {
		const char *pair = env->v[i], *value = getenv(pair);

		if (strchr(pair, '='))
			strv_add(&o->env, pair);
		else if (value)
			strv_take(&o->env, str_fmt("%s=%s", pair, value));
	}
	o->user = args_value(a, "user");
	o->cwd = args_value(a, "workdir");
	o->tty = args_flag(a, "tty");
	o->stdio[0] = keep_stdin ? STDIN_FILENO : -1;
	o->stdio[1] = STDOUT_FILENO;
	o->stdio[2] = STDERR_FILENO;
}

static void free_override(struct stack_override *o)
{
	strv_free(&o->args);
	strv_free(&o->env);
}

static int exec_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_FREE char *stack = NULL, *service = NULL;
	struct stack_override o = { 0 };
	struct container *child = NULL;
	struct stack_host *h = NULL;
	int exec_errno = 0, r = cli_service(c, a, a->operands.v[0], &stack, &service, e);

	if (r == 0)
		r = cli_host(c, &h, e);
	if (r < 0)
		return r;
	c->fail_status = 125;
	fill_override(a, args_flag(a, "interactive"), &o);
	r = stack_exec(h, stack, service, &o, &child, &exec_errno, e);
	if (r == STACK_E_ABSENT)
		r = cli_no_service(e, stack, service);
	if (exec_errno)
		c->fail_status = attach_start_status(exec_errno);
	if (r == 0)
		r = attach(child, e);
	container_free(child);
	free_override(&o);
	return r;
}

static const struct cli_opt exec_opts[] = {
	{ 'i', "interactive", NULL, "hand standard input on" },
	{ 't', "tty", NULL, "give the command a terminal" },
	{ 'e', "env", "NAME=VALUE", "a variable for the command; may be repeated" },
	{ 'u', "user", "USER[:GROUP]", "run as this user of the container" },
	{ 'w', "workdir", "DIR", "run in this directory of the container" },
};

const struct cli_command cmd_exec = {
	.name = "exec",
	.operands = "SERVICE COMMAND [ARG...]",
	.summary = "Run a command in a running service",
	.more = "  minibox exec db psql -U postgres\n  minibox exec -it shop/web bash\n\n"
		"The command gets the service's namespaces, cgroup, capabilities and "
		"seccomp\n"
		"filter. The exit status is the command's; 125: minibox failed, 126: "
		"cannot be\n"
		"executed, 127: not found.",
	.min_operands = 2,
	.max_operands = -1,
	.stop_at_operand = true,
	.opts = exec_opts,
	.n_opts = ARRAY_LEN(exec_opts),
	.run = exec_run,
};

static int run_in(struct cli *c, const struct cli_args *a, const struct stack_model *m,
		  const char *service, struct err *e)
{
	struct stack_override o = { 0 };
	struct stack_watch w = cli_watch(c);
	struct stack_oneoff *one = NULL;
	struct image_store *store = NULL;
	struct err end = ERR_INIT;
	int exec_errno = 0, status, r = cli_store(c, &store, e);

	if (r < 0)
		return r;
	fill_override(a, !args_flag(a, "tty") || isatty(STDIN_FILENO), &o);
	r = stack_run(c->host, store, m, service, !args_flag(a, "no-deps"), &o, &w, &one,
		      &exec_errno, e);
	free_override(&o);
	cli_store_done(c);
	if (r == STACK_E_ABSENT)
		return cli_no_service(e, m->name, service);
	if (exec_errno)
		c->fail_status = attach_start_status(exec_errno);
	if (r < 0)
		return r;
	status = attach(stack_run_container(one), e);
	r = stack_run_end(c->host, one, &end);
	if (r < 0 && !e->code)
		*e = end;
	return e->code ? -e->code : status;
}

static int run_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const char *service = a->operands.v[0], *slash = strrchr(service, '/');
	AUTO_FREE char *file =
		slash ? str_ndup(service, (size_t)(slash - service)) : NULL;
	AUTO_STRV struct strv one = STRV_INIT;
	struct stack_model *m = NULL;
	int r;

	service = slash ? slash + 1 : service;
	strv_add(&one, service);
	r = cli_model(c, a, file, &one, &m, e);
	if (r < 0)
		return r;
	c->fail_status = 125;
	r = run_in(c, a, m, service, e);
	model_free(m);
	return r;
}

static const struct cli_opt run_opts[] = {
	{ 0, "rm", NULL, "remove the container afterwards (always done)" },
	{ 't', "tty", NULL, "give the command a terminal" },
	{ 'i', "interactive", NULL, "hand standard input on (always done)" },
	{ 'e', "env", "NAME=VALUE", "a variable for the command; may be repeated" },
	{ 'u', "user", "USER[:GROUP]", "run as this user of the container" },
	{ 'w', "workdir", "DIR", "run in this directory of the container" },
	{ 0, "no-deps", NULL, "do not bring up what the service depends on" },
	{ 'f', "file", "FILE", "the stack file; may be repeated" },
	{ 0, "profile", "NAME", "switch a profile on" },
};

const struct cli_command cmd_run = {
	.name = "run",
	.operands = "SERVICE [COMMAND [ARG...]]",
	.summary = "Run a one-off container of a service",
	.more = "  minibox run --rm web python3 manage.py createsuperuser\n"
		"  minibox run --no-deps -f other.conf web true\n\n"
		"What the service depends on is brought up first. The container has the "
		"service's\n"
		"image, volumes, environment and limits, an address of its own and no "
		"published\n"
		"ports. The exit status is the command's; 125, 126, 127 as for exec.",
	.min_operands = 1,
	.max_operands = -1,
	.stop_at_operand = true,
	.opts = run_opts,
	.n_opts = ARRAY_LEN(run_opts),
	.run = run_run,
};
