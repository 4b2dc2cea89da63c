/* supervisor/conduct.c - see conduct.h. */
#include "runtime/supervisor/conduct.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/adopt.h"
#include "runtime/supervisor/control.h"
#include "runtime/supervisor/depends.h"
#include "runtime/supervisor/health.h"
#include "runtime/supervisor/journal.h"
#include "runtime/supervisor/launch.h"
#include "runtime/supervisor/logpump.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/oom.h"
#include "runtime/supervisor/restart.h"
#include "runtime/supervisor/spawn.h"
#include "runtime/supervisor/status.h"
#include "runtime/supervisor/terminal.h"
#include "runtime/supervisor/text.h"

enum { LAUNCH_LIMIT_MS = 120000, KILL_AGAIN_MS = 5000 };

static uint64_t in_ms(uint64_t ms)
{
	return proc_now_ns() + ms * 1000000u;
}

int conduct_signal(struct service *s, int signal)
{
	if (s->pidfd < 0)
		return -ESRCH;
	if (proc_kill(s->pidfd, signal) < 0)
		return -errno;
	s->killed |= signal == SIGKILL;
	return 0;
}

static uint64_t grace_ms(const struct service *s)
{
	return s->stop_ms >= 0 ? (uint64_t)s->stop_ms : s->spec.stop_grace_ms;
}

static struct restart_case case_of(const struct service *s, bool failed)
{
	return (struct restart_case){
		.policy = s->spec.restart,
		.max = s->spec.restart_max,
		.restarts = s->st.restarts,
		.streak = s->streak,
		.uptime_ms = (proc_now_ns() - s->begun_ns) / 1000000u,
		.failed = failed,
		.wanted = s->st.wanted,
	};
}

/* The policy's word on an end that nobody asked for. */
static void end_or_restart(struct supervisor *sup, struct service *s, bool failed)
{
	struct restart_case c = case_of(s, failed);
	struct restart_verdict v = restart_next(&c);

	s->due_ns = 0;
	if (!v.again)
		return;
	s->st.state = SUP_RESTARTING;
	s->st.restarts++;
	s->streak = v.streak;
	s->due_ns = in_ms(v.delay_ms);
	journal_add(sup, s, SUP_ENTRY_RESTART, (int32_t)v.delay_ms, s->st.restarts, NULL);
}

static void act_want(struct supervisor *sup, struct service *s)
{
	(void)sup;
	s->due_ns = 0;
	s->st.text[0] = '\0';
}

static void act_again(struct supervisor *sup, struct service *s)
{
	(void)sup;
	s->after = AFTER_START;
}

static void act_launch(struct supervisor *sup, struct service *s)
{
	s->after = AFTER_IDLE;
	s->begun_ns = proc_now_ns();
	s->due_ns = in_ms(LAUNCH_LIMIT_MS);
	s->st.text[0] = '\0';
	if (launch_start(sup, s))
		return;
	s->st.state = SUP_EXITED;
	s->st.ended = 1;
	s->st.ended_wall_ns = proc_wall_ns();
	journal_add(sup, s, SUP_ENTRY_FAILED, s->st.exit_status >> 8, 0, s->st.text);
	end_or_restart(sup, s, true);
}

static void begin(struct service *s)
{
	s->begun_ns = proc_now_ns();
	s->st.started_wall_ns = proc_wall_ns();
	s->st.failures = 0;
	s->ready = false;
}

static void act_ready(struct supervisor *sup, struct service *s)
{
	if (s->st.state == SUP_HEALTHY)
		journal_add(sup, s, SUP_ENTRY_HEALTHY, 0, 0, NULL);
	if (s->ready)
		return;
	s->ready = true;
	launch_refresh(sup, s);
}

static void act_begin(struct supervisor *sup, struct service *s)
{
	begin(s);
	s->due_ns = 0;
	health_begin(s);
	if (s->spec.health == SUP_HEALTH_NONE)
		act_ready(sup, s);
}

static void act_signal(struct supervisor *sup, struct service *s)
{
	uint64_t grace = grace_ms(s);
	int signal = grace ? (int)s->spec.stop_signal : SIGKILL;

	health_halt(s);
	s->due_ns = in_ms(grace ? grace : KILL_AGAIN_MS);
	if (conduct_signal(s, signal) == 0)
		journal_add(sup, s, SUP_ENTRY_STOP, signal, (uint32_t)grace, NULL);
}

static void act_late(struct supervisor *sup, struct service *s)
{
	begin(s);
	act_signal(sup, s);
}

static void act_mark(struct supervisor *sup, struct service *s)
{
	if (s->st.state == SUP_PAUSED)
		journal_add(sup, s, SUP_ENTRY_PAUSE, 0, 0, NULL);
	health_halt(s); /* a paused service answers nothing */
	s->due_ns = 0;
}

static void act_sick(struct supervisor *sup, struct service *s)
{
	struct restart_case c = case_of(s, true);

	journal_add(sup, s, SUP_ENTRY_UNHEALTHY, 0, s->st.failures, s->st.text);
	if (restart_allowed(&c) && !s->stop_pending)
		conduct_stop(sup, s, -1, AFTER_BACKOFF);
}

static void act_end(struct supervisor *sup, struct service *s)
{
	s->st.ended = 1;
	s->st.ended_wall_ns = proc_wall_ns();
	if (s->stop_pending && s->after == AFTER_START)
		s->st.state = SUP_WAITING; /* died just before its turn to be restarted */
	else
		end_or_restart(sup, s, s->st.exit_status != 0);
	s->stop_pending = false;
	s->after = AFTER_IDLE;
}

static void act_stopped(struct supervisor *sup, struct service *s)
{
	s->due_ns = 0;
	s->st.ended = 1;
	s->st.ended_wall_ns = proc_wall_ns();
	if (s->after == AFTER_START && s->st.wanted)
		s->st.state = SUP_WAITING;
	else if (s->after == AFTER_BACKOFF)
		end_or_restart(sup, s, true);
	s->after = AFTER_IDLE;
}

static void act_hold(struct supervisor *sup, struct service *s)
{
	(void)sup;
	(void)s; /* the launch limit goes on */
}

static void act_hurry(struct supervisor *sup, struct service *s)
{
	uint64_t due = in_ms(grace_ms(s));

	(void)sup;
	if (s->pidfd >= 0 && due < s->due_ns)
		s->due_ns = due;
}

static void act_unwant(struct supervisor *sup, struct service *s)
{
	(void)sup;
	s->due_ns = 0;
	s->st.text[0] = '\0';
	if (s->after == AFTER_START)
		s->st.state = SUP_WAITING;
	else if (!s->st.ended)
		s->st.state = SUP_CREATED;
}

static void act_abort(struct supervisor *sup, struct service *s)
{
	(void)sup;
	s->due_ns = in_ms(KILL_AGAIN_MS);
	spawn_kill(s->launcher); /* its report's end is then the failure */
}

static void act_kill(struct supervisor *sup, struct service *s)
{
	if (s->st.pid == 0) {
		act_abort(sup, s);
		return;
	}
	s->due_ns = in_ms(KILL_AGAIN_MS);
	if (conduct_signal(s, SIGKILL) == 0)
		journal_add(sup, s, SUP_ENTRY_KILL, 0, 0, NULL);
}

static void act_resume(struct supervisor *sup, struct service *s)
{
	journal_add(sup, s, SUP_ENTRY_UNPAUSE, 0, 0, NULL);
	if (s->spec.health != SUP_HEALTH_NONE && s->ready)
		s->st.state = SUP_HEALTHY;
	health_resume(s);
}

void conduct_fire(struct supervisor *sup, struct service *s, enum state_event ev)
{
	static void (*const acts[N_ACTS])(struct supervisor *, struct service *) = {
		[ACT_WANT] = act_want,     [ACT_AGAIN] = act_again,
		[ACT_LAUNCH] = act_launch, [ACT_BEGIN] = act_begin,
		[ACT_LATE] = act_late,     [ACT_READY] = act_ready,
		[ACT_MARK] = act_mark,     [ACT_SICK] = act_sick,
		[ACT_END] = act_end,       [ACT_STOPPED] = act_stopped,
		[ACT_SIGNAL] = act_signal, [ACT_HOLD] = act_hold,
		[ACT_HURRY] = act_hurry,   [ACT_UNWANT] = act_unwant,
		[ACT_KILL] = act_kill,     [ACT_ABORT] = act_abort,
		[ACT_RESUME] = act_resume,
	};
	struct transition t = state_next(s->st.state, ev);

	if (t.act == ACT_NONE)
		return;
	s->st.state = t.next;
	acts[t.act](sup, s);
	if (!s->st.pid)
		health_halt(s);
	status_publish(sup, s);
	sup->unsettled = true;
}

void conduct_due(struct supervisor *sup, struct service *s)
{
	s->due_ns = 0;
	if (s->tries)
		adopt_look(sup, s);
	else
		conduct_fire(sup, s, EV_DUE);
}

static void describe_end(struct service *s)
{
	struct text t = text_over(s->st.text, sizeof(s->st.text));
	int st = s->st.exit_status;

	if (st == 0)
		return;
	text_str(&t, WIFSIGNALED(st) ? "ended by signal " : "exited with status ");
	text_num(&t, (uint64_t)(WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st)));
}

void conduct_ended(struct supervisor *sup, struct service *s, int wait_status)
{
	int status = wait_status;

	(void)status_read_exit(s, &status);
	terminal_end(sup, s);
	logpump_drain(sup, s);
	oom_look(sup, s);
	journal_add(sup, s, SUP_ENTRY_EXIT, status, 0, NULL);
	health_halt(s);
	loop_close(&s->pidfd);
	loop_close(&s->oom);
	s->oom_looks = 0;
	s->tries = 0;
	s->adopted = s->killed = s->ready = false;
	s->st.pid = 0;
	s->st.start_time = 0;
	s->st.exit_status = status;
	if (s->after != AFTER_BACKOFF)
		describe_end(s); /* else the failed probe is the better reason */
	conduct_fire(sup, s, EV_ENDED);
}

static bool failed_for_good(const struct service *s)
{
	return s->st.state == SUP_EXITED && s->st.ended && s->st.exit_status != 0;
}

static bool want_dependency(const struct supervisor *sup, const struct sup_dep *d)
{
	const struct service *dep = &sup->service[d->service];

	if (dep->st.wanted && !failed_for_good(dep))
		return dep->stop_pending;
	return depends_check(d->condition, dep) != DEPENDS_MET;
}

void conduct_want(struct supervisor *sup, struct service *s)
{
	bool was_wanted = s->st.wanted;

	s->st.wanted = 1;
	if (s->after == AFTER_IDLE)
		s->stop_pending = false;
	if (!service_is_live(s)) {
		s->streak = 0;
		s->st.restarts = 0;
	}
	for (uint32_t i = 0; i < s->spec.n_deps; i++)
		if (want_dependency(sup, &s->spec.deps[i]))
			conduct_want(sup, &sup->service[s->spec.deps[i].service]);
	if (!was_wanted)
		status_publish(sup, s);
	conduct_fire(sup, s, EV_WANT);
}

void conduct_stop(struct supervisor *sup, struct service *s, int64_t stop_ms,
		  enum after_stop after)
{
	s->stop_ms = stop_ms;
	s->after = (uint8_t)after;
	s->stop_pending = true;
	sup->unsettled = true;
	if (after != AFTER_IDLE || !s->st.wanted)
		return;
	/* Published before its turn comes: killed half way, a successor must not restart
	 * it. */
	s->st.wanted = 0;
	status_publish(sup, s);
}

/* A service that waits says for what; watchers hear of it once. */
static void explain(struct supervisor *sup, struct service *s, const struct service *dep,
		    bool impossible)
{
	char why[sizeof(s->st.text)];
	struct text t = text_over(why, sizeof(why));

	text_quote(&t, impossible ? "dependency " : "waits for ", dep->spec.name);
	if (impossible) {
		text_str(&t, " failed: ");
		text_str(&t, dep->st.text[0] ? dep->st.text : "it ended");
	}
	if (strcmp(why, s->st.text) == 0)
		return;
	memcpy(s->st.text, why, sizeof(why));
	status_publish(sup, s);
}

static void settle_one(struct supervisor *sup, struct service *s, uint32_t *launching)
{
	const struct service *dep = NULL;
	enum depends_answer a;

	if (s->stop_pending && depends_may_stop(sup, s)) {
		s->stop_pending = false;
		conduct_fire(sup, s, EV_STOP);
	}
	if (s->st.state != SUP_WAITING || s->stop_pending || sup->quitting)
		return;
	a = depends_may_start(sup, s, &dep);
	if (a != DEPENDS_MET) {
		explain(sup, s, dep, a == DEPENDS_IMPOSSIBLE);
	} else if (*launching < LAUNCHES && !s->launcher) {
		++*launching;
		conduct_fire(sup, s, EV_GO);
	}
}

void conduct_settle(struct supervisor *sup)
{
	while (sup->unsettled) {
		uint32_t launching = 0;

		sup->unsettled = false;
		for (uint32_t i = 0; i < sup->n; i++)
			launching += sup->service[i].launcher != 0;
		for (uint32_t i = 0; i < sup->n; i++)
			if (sup->service[i].spec.name[0])
				settle_one(sup, &sup->service[i], &launching);
		control_settle(sup);
	}
}
