/* cli/cmd_up.c - `up`: from file to running stack. */
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
#include "runtime/cli/upwait.h"

static void all_services(const struct stack_model *m, struct strv *ret)
{
	for (size_t i = 0; i < m->n_services; i++)
		strv_add(ret, m->services[i].name);
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

static int undo_first(struct cli *c, const char *stack, struct err *e)
{
	int r = stack_exists(c->host, stack) ? stack_down(c->host, stack, false, -1, e)
					     : 0;

	if (r == 0)
		log_note("stack '%s': nothing of it was there before; what had started "
			 "is gone again",
			 stack);
	return r;
}

static int undo_later(struct cli *c, const struct cli_args *a, const char *stack,
		      int sigfd, struct err *e)
{
	static const struct strv all = STRV_INIT;
	struct stack_watch w = cli_watch(c);
	struct image_store *store = NULL;
	int r = cli_store(c, &store, e);

	if (r == 0)
		r = stack_rollback(c->host, store, stack, true, &w, e);
	cli_store_done(c);
	if (r == 0)
		r = upwait(c, a, stack, &all, sigfd, e);
	if (r == 0)
		log_note("stack '%s': it is rolled back to the model before", stack);
	else if (r > 0)
		log_note("stack '%s': there is nothing to roll back to", stack);
	return r;
}

/* What a failed `up --rollback` leaves: the model before, or nothing where there was
 * none. The failure of the `up` is what it ends with; a second one is told here. */
static void undo(struct cli *c, const struct cli_args *a, const char *stack, bool founded,
		 int sigfd)
{
	struct err e = ERR_INIT;
	int r = founded ? undo_first(c, stack, &e) : undo_later(c, a, stack, sigfd, &e);

	if (r < 0)
		log_warn("%s; nothing is lost: `minibox %s %s` tries it again",
			 err_text(&e), founded ? "down" : "rollback", stack);
}

/* Once in the life of a stack: at its first `up` since the boot. */
static void note_unit(bool founded, const char *stack)
{
	if (founded && access("/run/systemd/system", F_OK) == 0)
		log_note("only as a systemd unit does stack '%s' stop in order at "
			 "shutdown and come back after it (minibox unit)",
			 stack);
}

/* @unit: NULL where we are not one's main process. */
static int up_and_wait(struct cli *c, const struct cli_args *a,
		       const struct stack_model *m, const struct strv *chosen,
		       struct sup_unit *unit, int *sigfd, struct stack_up_result *ret,
		       struct err *e)
{
	struct stack_up_opts o = { .services = *chosen,
				   .force_recreate = args_flag(a, "force-recreate"),
				   .strict = args_flag(a, "strict"),
				   .unit = unit };
	struct image_store *store = NULL;
	struct stack_watch w = cli_watch(c);
	int r = unit ? unitmain_open(c, unit, e) : 0;

	if (r == 0)
		r = cli_store(c, &store, e);
	if (r == 0)
		r = stack_up(c->host, store, m, &o, &w, ret, e);
	if (r ==
	    0) /* until here ctrl-C ends us at once; the next `up` goes on from there */
		r = signals_open(sigfd, e);
	cli_store_done(c);
	if (r == 0 && args_flag(a, "detach") && !unit)
		note_unit(ret->founded, m->name);
	if (r == 0 && !unit && (args_flag(a, "detach") || args_flag(a, "rollback")))
		r = upwait(c, a, m->name, chosen, *sigfd, e);
	return r;
}

static int up_model(struct cli *c, const struct cli_args *a, const struct stack_model *m,
		    const struct strv *chosen, struct err *e)
{
	AUTO_STRV struct strv services = STRV_INIT;
	AUTO_CLOSE int sigfd = -1;
	struct stack_up_result res = { 0 };
	struct sup_unit unit;
	bool is_unit = args_flag(a, "unit");
	int r = up_and_wait(c, a, m, chosen, is_unit ? &unit : NULL, &sigfd, &res, e);

	/* sigfd: the failure is one of what runs; else it may be that nothing was begun
	 */
	if (r < 0 && r != -EINTR && args_flag(a, "rollback") &&
	    (res.changed || sigfd >= 0))
		undo(c, a, m->name, res.founded, sigfd);
	if (r == 0 && is_unit)
		return unitmain_wait(c, &unit, m->name, chosen, sigfd, e);
	if (r < 0 || args_flag(a, "detach"))
		return r;
	/* Follow what was asked for; a dependency that fails shows in its dependant. */
	if (!chosen->n)
		all_services(m, &services);
	strv_copy(&services, chosen);
	return foreground(c, m->name, &services, sigfd, e);
}

static int up_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_STRV struct strv chosen = STRV_INIT;
	const char *file = cli_split(a, &chosen);
	struct stack_model *m = NULL;
	int r = cli_model(c, a, file, &chosen, &m, e);

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
	{ 0, "rollback", NULL,
	  "if it fails, go back to the model before (waits until all is up)" },
	{ 0, "strict", NULL, "fail if the memory limits are more than this host has" },
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
		"Only what changed is made anew (see minibox plan). Without -d the logs "
		"are shown;\n"
		"ctrl-C stops the stack, a second one kills it. With -d the exit status "
		"is "
		"0 once\n"
		"every service runs, and is healthy where it has a healthcheck. A ctrl-C "
		"while it\n"
		"waits rolls nothing back.",
	.max_operands = -1,
	.opts = up_opts,
	.n_opts = ARRAY_LEN(up_opts),
	.run = up_run,
};
