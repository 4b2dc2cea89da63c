/*
 * stack/wait.c - asking the supervisor for something, and waiting until a stack is up.
 *
 * A service's status file is the truth; the supervisor's events only say when to look
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/stack/before.h"
#include "runtime/stack/oom.h"
#include "runtime/stack/up.h"

enum {
	SETTLE_MS = 150,
	LOOK_MS = 50,   /* without an event, look again */
	CRASH_LOOP = 3, /* this many restarts while `up` waits: it will not come up */
};

static int open_stack(struct stack_host *h, const char *stack, int *stack_fd,
		      struct record **rec, struct err *e)
{
	int r = host_stack_fd(h, stack, stack_fd, e);

	return r == 0 ? record_load(*stack_fd, rec, e) : r;
}

/* A connection to the supervisor, which is started again (and adopts what runs) if it
 * died. */
static int connect_supervisor(struct stack_host *h, const char *stack, int stack_fd,
			      int *ret, struct err *e)
{
	int r = up_supervise(h, stack, stack_fd, NULL, e);

	if (r == 0)
		r = sup_connect(stack_fd, ret, e);
	for (int tries = 0; r < 0 && up_supervisor_left(r, tries); tries++) {
		err_clear(e);
		r = up_supervise(h, stack, stack_fd, NULL, e);
		if (r == 0)
			r = sup_connect(stack_fd, ret, e);
	}
	return r;
}

int stack_call(struct stack_host *h, const char *stack, const struct strv *services,
	       enum sup_op op, int64_t arg, struct err *e)
{
	AUTO_CLOSE int stack_fd = -1, sock = -1;
	struct record *rec = NULL;
	int r = open_stack(h, stack, &stack_fd, &rec, e);

	for (size_t i = 0; r == 0 && i < services->n; i++)
		if (!record_service(rec, services->v[i]))
			r = STACK_E_ABSENT;
	if (r == 0)
		r = connect_supervisor(h, stack, stack_fd, &sock, e);
	if (r == 0 && services->n == 0)
		r = sup_call(sock, op, "", arg, -1, e);
	for (size_t i = 0; r == 0 && i < services->n; i++)
		r = sup_call(sock, op, services->v[i], arg, -1, e);
	record_free(rec);
	return r;
}

int stack_keeper(const struct stack_host *h, const char *stack, pid_t *ret, struct err *e)
{
	AUTO_CLOSE int stack_fd = -1;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r == STACK_E_ABSENT)
		r = err_msg(e, ESRCH, "it is gone");
	if (r == 0)
		r = sup_keeper(stack_fd, ret, e);
	return r < 0 ? err_ctx(e, "stack '%s'", stack) : 0;
}

static int watch_once(struct stack_host *h, const char *stack, int stack_fd, int *ret,
		      struct err *e)
{
	AUTO_CLOSE int sock = -1;
	int r = connect_supervisor(h, stack, stack_fd, &sock, e);

	if (r == 0)
		r = sup_call(sock, SUP_OP_WATCH, "", 0, 5000, e);
	if (r == 0)
		*ret = fd_take(&sock);
	return r;
}

/* One that has just been killed takes connections until it is quite gone. */
int stack_watch_open(struct stack_host *h, const char *stack, int *ret, struct err *e)
{
	AUTO_CLOSE int stack_fd = -1;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r != 0)
		return r;
	r = watch_once(h, stack, stack_fd, ret, e);
	for (int tries = 0; r < 0 && up_supervisor_left(r, tries); tries++) {
		err_clear(e);
		r = watch_once(h, stack, stack_fd, ret, e);
	}
	return r;
}

enum verdict { NOT_YET, IS_UP, HAS_FAILED };

/* The supervisor's words: how it ended, or what hindered its start. */
static char *exit_text(const struct sup_status *st)
{
	if (str_starts(st->text, "exited ") || str_starts(st->text, "ended "))
		return str_fmt("%.*s", (int)sizeof(st->text), st->text);
	if (*st->text)
		return str_fmt("failed: %.*s", (int)sizeof(st->text), st->text);
	return str_fmt("exited with status %d", WEXITSTATUS(st->exit_status));
}

/* Most programs with a mistake in their set-up end at once: a service without a
 * healthcheck counts as up only when it has run for a moment. */
static bool has_settled(const struct sup_status *st)
{
	return proc_wall_ns() - st->started_wall_ns >= SETTLE_MS * 1000000ull;
}

static enum verdict judge_exit(const struct record_service *rs,
			       const struct sup_status *st, char **why)
{
	/* A one-off step that did its work is as good as up. */
	if (st->ended && st->exit_status == 0 && rs->sup.restart != SUP_ALWAYS)
		return IS_UP;
	*why = exit_text(st);
	return HAS_FAILED;
}

static enum verdict judge(const struct record_service *rs, const struct sup_status *st,
			  char **why)
{
	switch ((enum sup_state)st->state) {
	case SUP_HEALTHY:
		return IS_UP;
	case SUP_RUNNING:
		return !rs->has_health && has_settled(st) ? IS_UP : NOT_YET;
	case SUP_UNHEALTHY:
		*why = str_fmt("is unhealthy%s%.*s", *st->text ? ": " : "",
			       (int)sizeof(st->text), st->text);
		return HAS_FAILED;
	case SUP_RESTARTING:
		if (st->restarts < CRASH_LOOP)
			return NOT_YET;
		*why = exit_text(st);
		return HAS_FAILED;
	case SUP_EXITED:
		return st->wanted ? judge_exit(rs, st, why) : IS_UP;
	default:
		return NOT_YET;
	}
}

/* WAITING for something that will never come: the dependency's failure is the one to
 * tell. */
static enum verdict judge_all(const struct record *rec, int stack_fd,
			      const struct strv *services, struct stack_failure *fail,
			      struct strv *told, const struct stack_watch *w,
			      struct err *e)
{
	bool all_up = true;

	for (size_t i = 0; i < rec->n_services; i++) {
		const struct record_service *rs = &rec->services[i];
		struct sup_status st;
		enum verdict v;

		if (rs->oneoff || (services->n && !strv_has(services, rs->name)))
			continue;
		if (sup_status_read(stack_fd, rs->name, &st, e) < 0)
			return HAS_FAILED;
		v = judge(rs, &st, &fail->text);
		if (v == HAS_FAILED) {
			fail->service = str_dup(rs->name);
			return HAS_FAILED;
		}
		all_up &= v == IS_UP;
		if (v == IS_UP && w && w->note && !strv_has(told, rs->name)) {
			strv_add(told, rs->name);
			w->note(w->arg, rs->name,
				st.state == SUP_EXITED ? "done"
						       : sup_state_name(st.state));
		}
	}
	return all_up ? IS_UP : NOT_YET;
}

bool wait_all_up(const struct record *rec, int stack_fd)
{
	struct stack_failure fail = { NULL, NULL };
	AUTO_STRV struct strv told = STRV_INIT;
	static const struct strv all = STRV_INIT;
	struct err ignored = ERR_INIT;
	enum verdict v = judge_all(rec, stack_fd, &all, &fail, &told, NULL, &ignored);

	free(fail.service);
	free(fail.text);
	return v == IS_UP;
}

int stack_prove(struct stack_host *h, const char *stack, struct err *e)
{
	AUTO_CLOSE int lock = -1, stack_fd = -1;
	struct record *rec = NULL;
	int r = open_stack(h, stack, &stack_fd, &rec, e);
	bool known = r != 0 || rec->proven;

	rec = record_free(rec);
	if (known) /* the usual case: nothing is touched */
		return r;
	r = host_lock_stack(h, stack, &lock, e);
	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r == 0 && rec->whole && !rec->proven && wait_all_up(rec, stack_fd))
		r = before_proven(rec, stack_fd, e);
	record_free(rec);
	return r;
}

/* Sleep until the supervisor says something, at most a second; reconnect when it died. */
static int wait_event(struct stack_host *h, const char *stack, int *sock, int ms,
		      struct err *e)
{
	struct sup_event ev;
	int r = sup_next_event(*sock, ms, &ev);

	if (r >= 0 || r == -EINTR)
		return 0;
	fd_auto_close(sock);
	*sock = -1;
	r = stack_watch_open(h, stack, sock, e);
	return r == STACK_E_ABSENT ? err_msg(e, ENOENT, "stack '%s' is gone", stack) : r;
}

/* A service that failed by the kernel's hand says so. */
static void add_oom(struct stack_host *h, const char *stack, int stack_fd,
		    struct stack_failure *fail)
{
	struct err ignored = ERR_INIT;
	AUTO_FREE char *oom = NULL, *text = NULL;
	struct sup_status st;

	if (!fail->service || !fail->text ||
	    sup_status_read(stack_fd, fail->service, &st, &ignored) < 0 ||
	    !oom_may_have_ended(&st) || oom_look(h, stack, fail->service, &oom) == 0 ||
	    !oom)
		return;
	text = str_fmt("%s: %s", fail->text, oom);
	str_set(&fail->text, text);
}

int stack_wait(struct stack_host *h, const char *stack, const struct strv *services,
	       int64_t timeout_ms, const struct stack_watch *w, bool (*stop)(void *arg),
	       void *stop_arg, struct stack_failure *ret_failure, struct err *e)
{
	uint64_t end =
		proc_now_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000u;
	AUTO_CLOSE int stack_fd = -1, sock = -1;
	AUTO_STRV struct strv told = STRV_INIT;
	struct record *rec = NULL;
	enum verdict v = NOT_YET;
	int r = open_stack(h, stack, &stack_fd, &rec, e);

	if (r == 0)
		r = stack_watch_open(h, stack, &sock, e);
	if (r == STACK_E_ABSENT)
		r = err_msg(e, ENOENT, "stack '%s' is gone", stack);
	while (r == 0) {
		v = judge_all(rec, stack_fd, services, ret_failure, &told, w, e);
		if (e->code)
			r = -e->code;
		if (r < 0 || v != NOT_YET)
			break;
		if (stop && stop(stop_arg))
			r = err_msg(e, EINTR, "interrupted");
		else if (timeout_ms >= 0 && proc_now_ns() > end)
			r = err_msg(e, ETIMEDOUT, "stack '%s' is not up after %lld ms",
				    stack, (long long)timeout_ms);
		else
			r = wait_event(h, stack, &sock, LOOK_MS, e);
	}
	if (r == 0 && v == HAS_FAILED)
		add_oom(h, stack, stack_fd, ret_failure);
	record_free(rec);
	return r;
}
