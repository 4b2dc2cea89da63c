/* cli/upwait.c - see upwait.h. */
#include "runtime/cli/upwait.h"

#include <errno.h>
#include <stdio.h>

#include "runtime/cli/logview.h"
#include "runtime/cli/signals.h"

enum { FAILURE_LINES = 10 };

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

int upwait(struct cli *c, const struct cli_args *a, const char *stack,
	   const struct strv *services, int sigfd, struct err *e)
{
	struct stack_failure fail = { NULL, NULL };
	struct stack_watch w = cli_watch(c);
	int64_t timeout = -1;
	int r = 0;

	if (args_value(a, "timeout"))
		r = args_duration(args_value(a, "timeout"), "--timeout", &timeout, e);
	if (r == 0)
		r = stack_wait(c->host, stack, services, timeout, &w, interrupted, &sigfd,
			       &fail, e);
	if (r == 0 && fail.service) {
		show_last_lines(c, stack, fail.service);
		r = err_msg(e, EIO, "service '%s' %s", fail.service, fail.text);
	}
	free(fail.service);
	free(fail.text);
	if (r == 0)
		r = stack_prove(c->host, stack, e);
	return r < 0 ? r : 0; /* gone by now: it was up */
}
