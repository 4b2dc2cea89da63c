/* supervisor/loop.c - see loop.h. */
#include "runtime/supervisor/loop.h"

#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/adopt.h"
#include "runtime/supervisor/conduct.h"
#include "runtime/supervisor/control.h"
#include "runtime/supervisor/health.h"
#include "runtime/supervisor/launch.h"
#include "runtime/supervisor/logpump.h"
#include "runtime/supervisor/oom.h"
#include "runtime/supervisor/terminal.h"

enum { OOM_LOOK_NS = 20000000 };

static void control(struct supervisor *sup, int op, int fd, uint64_t token,
		    uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = token };

	/* It fails only for lack of memory or for a limit of watches; what is not watched
	 * is then found by the timers or by SIGCHLD, but for a log, which reopens with
	 * its service. */
	(void)epoll_ctl(sup->epoll, op, fd, &ev);
}

void loop_watch(struct supervisor *sup, int fd, enum token_kind kind, uint32_t slot,
		uint32_t events)
{
	control(sup, EPOLL_CTL_ADD, fd, (uint64_t)kind << 32 | slot, events);
}

void loop_change(struct supervisor *sup, int fd, enum token_kind kind, uint32_t slot,
		 uint32_t events)
{
	control(sup, EPOLL_CTL_MOD, fd, (uint64_t)kind << 32 | slot, events);
}

void loop_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct service *owner_of(struct supervisor *sup, int pid)
{
	for (uint32_t i = 0; i < sup->n; i++) {
		struct service *s = &sup->service[i];

		if (s->st.pid == pid || s->launcher == pid || s->refresher == pid ||
		    s->probe.pid == pid)
			return s;
	}
	return NULL;
}

static void child_ended(struct supervisor *sup, int pid, int status)
{
	struct service *s = owner_of(sup, pid);

	if (!s) {
		/* A container that ended before its launcher's report was read. */
		for (uint32_t i = 0; i < sup->n; i++)
			launch_read_report(sup, &sup->service[i]);
		s = owner_of(sup, pid);
	}
	if (!s)
		return; /* some grandchild that was left to us */
	if (s->st.pid == pid)
		conduct_ended(sup, s, status);
	else if (s->launcher == pid)
		launch_ended(sup, s, status);
	else if (s->refresher == pid)
		launch_refreshed(sup, s, status);
	else
		health_helper_ended(sup, s, status);
}

static void reap(struct supervisor *sup)
{
	char info[128]; /* struct signalfd_siginfo */
	int pid, status;

	(void)!read(sup->signals, info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(sup, pid, status);
}

static void dispatch(struct supervisor *sup, const struct epoll_event *ev)
{
	uint32_t slot = (uint32_t)ev->data.u64;
	struct service *s = &sup->service[slot];

	switch ((enum token_kind)(ev->data.u64 >> 32)) {
	case TOKEN_SIGNAL:
		reap(sup);
		break;
	case TOKEN_LISTEN:
		control_accept(sup);
		break;
	case TOKEN_CLIENT:
		control_receive(sup, slot);
		break;
	case TOKEN_REPORT:
		launch_read_report(sup, s);
		break;
	case TOKEN_STDOUT:
	case TOKEN_STDERR:
		logpump_move(sup, s, (ev->data.u64 >> 32) - TOKEN_STDOUT);
		break;
	case TOKEN_PIDFD:
		adopt_look(sup, s);
		break;
	case TOKEN_PROBE:
		health_io(sup, s, ev->events);
		break;
	case TOKEN_TTY:
		terminal_move(sup, s);
		break;
	case TOKEN_OOM:
		oom_event(sup, s);
		break;
	}
}

static bool is_over(const struct supervisor *sup)
{
	if (!sup->quitting)
		return false;
	for (uint32_t i = 0; i < sup->n; i++)
		if (sup->service[i].launcher || sup->service[i].refresher)
			return false;
	return true;
}

static void fire_due(struct supervisor *sup)
{
	uint64_t now = proc_now_ns();

	for (uint32_t i = 0; i < sup->n; i++) {
		struct service *s = &sup->service[i];

		if (s->due_ns && s->due_ns <= now)
			conduct_due(sup, s);
		if (s->probe.due_ns && s->probe.due_ns <= now)
			health_due(sup, s);
		if (s->oom_looks) {
			s->oom_looks--;
			oom_look(sup, s);
		}
	}
}

/* Milliseconds until the next timer, -1: there is none. */
static int until_next(const struct supervisor *sup)
{
	uint64_t now = proc_now_ns(), next = UINT64_MAX;

	for (uint32_t i = 0; i < sup->n; i++) {
		const struct service *s = &sup->service[i];

		if (s->due_ns && s->due_ns < next)
			next = s->due_ns;
		if (s->probe.due_ns && s->probe.due_ns < next)
			next = s->probe.due_ns;
		if (s->oom_looks && now + OOM_LOOK_NS < next)
			next = now + OOM_LOOK_NS;
	}
	if (next == UINT64_MAX && !sup->beat)
		return -1;
	next = next > now ? (next - now + 999999) / 1000000
			  : 0; /* rounded up: never spins */
	if (sup->beat && next > sup->beat_ms)
		next = sup->beat_ms;
	return next > 600000 ? 600000 : (int)next;
}

void loop_run(struct supervisor *sup)
{
	struct epoll_event ev;

	for (;;) {
		if (sup->beat)
			__atomic_add_fetch(sup->beat, 1, __ATOMIC_RELAXED);
		fire_due(sup);
		conduct_settle(sup); /* may set timers */
		if (is_over(sup))
			return;
		/* One at a time: no event can then be about an fd that the one before it
		 * closed. */
		if (epoll_wait(sup->epoll, &ev, 1, until_next(sup)) == 1)
			dispatch(sup, &ev);
	}
}
