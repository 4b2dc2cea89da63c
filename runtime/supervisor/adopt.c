/* supervisor/adopt.c - see adopt.h. */
#include "runtime/supervisor/adopt.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/conduct.h"
#include "runtime/supervisor/health.h"
#include "runtime/supervisor/journal.h"
#include "runtime/supervisor/launch.h"
#include "runtime/supervisor/logpump.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/oom.h"
#include "runtime/supervisor/restart.h"
#include "runtime/supervisor/status.h"
#include "runtime/supervisor/terminal.h"

enum { LOOK_AGAIN_MS = 100, LOOKS = 30, UNKNOWN_STATUS = 255 << 8 };

/* PIDFD_GET_INFO (Linux 6.13, exit codes from 6.15); the headers here are older. */
struct pidfd_info {
	uint64_t mask, cgroupid;
	uint32_t ids[11];
	int32_t exit_code;
};
enum { INFO_EXIT = 1 << 3 };
_Static_assert(sizeof(struct pidfd_info) == 64, "the first published size");

static bool pidfd_exit(const struct service *s, int *ret_status)
{
	struct pidfd_info info = { .mask = INFO_EXIT };

	if (s->pidfd < 0 ||
	    ioctl(s->pidfd, _IOWR(0xff, 11, struct pidfd_info), &info) < 0 ||
	    !(info.mask & INFO_EXIT))
		return false;
	*ret_status = info.exit_code;
	return true;
}

void adopt_look(struct supervisor *sup, struct service *s)
{
	/* For kernels that do not tell: what we killed ended by that, or its init would
	 * have left a word. */
	int status = s->killed ? SIGKILL : UNKNOWN_STATUS;

	if (!s->st.pid)
		return;
	/* Gone when we came: its init has left a word by now, or nobody ever will. */
	if (status_read_exit(s, &status) || pidfd_exit(s, &status) || s->killed ||
	    s->pidfd < 0 || ++s->tries > LOOKS) {
		conduct_ended(sup, s, status);
		return;
	}
	/* Whoever reaps it has not done so yet; the pidfd would report its end without
	 * pause. */
	(void)epoll_ctl(sup->epoll, EPOLL_CTL_DEL, s->pidfd, NULL);
	s->due_ns = proc_now_ns() + LOOK_AGAIN_MS * 1000000u;
}

static void take_over(struct supervisor *sup, struct service *s)
{
	uint64_t now = proc_now_ns(), wall = proc_wall_ns(), age = 0;

	s->adopted = true;
	s->pidfd = proc_pidfd_as(s->st.pid, s->st.start_time);
	if (wall > s->st.started_wall_ns)
		age = wall - s->st.started_wall_ns;
	s->begun_ns = age < now ? now - age : 1;
	logpump_open(sup, s);
	terminal_adopt(sup, s);
	oom_watch(sup, s);
	if (s->pidfd < 0) {
		adopt_look(sup, s);
		return;
	}
	loop_watch(sup, s->pidfd, TOKEN_PIDFD, service_slot(sup, s), EPOLLIN);
	s->ready = s->st.state == SUP_HEALTHY || s->st.state == SUP_UNHEALTHY ||
		   (s->st.state == SUP_RUNNING && s->spec.health == SUP_HEALTH_NONE);
	if (s->st.state == SUP_STOPPING) {
		s->after = s->st.wanted ? AFTER_START : AFTER_IDLE;
		s->st.state =
			SUP_RUNNING; /* the signal may not have been sent: ask again */
		s->stop_pending = true;
		return;
	}
	if (s->ready)
		launch_refresh(sup,
			       s); /* the one before may have died with its supervisor */
	if (s->st.state != SUP_PAUSED)
		health_resume(s);
}

static void adopt(struct supervisor *sup, struct service *s)
{
	uint32_t known = s->spec.instance;

	if (!status_load(s))
		return;
	s->stop_ms = -1;
	s->streak = s->st.restarts;
	if (s->st.instance != known) {
		s->st.restarts = s->st.ended = s->st.failures = s->streak = 0;
		s->st.oom_kills = 0;
		s->st.exit_status = 0;
	}
	if (s->st.pid > 0) {
		take_over(sup, s);
		return;
	}
	if (s->st.state == SUP_RESTARTING) {
		struct restart_case c = { .policy = SUP_ALWAYS,
					  .streak = s->streak,
					  .wanted = true };

		s->due_ns = proc_now_ns() + restart_next(&c).delay_ms * 1000000ull;
		return;
	}
	/* A launcher dies with its supervisor: what it was about to start has to be
	 * started. */
	if (service_is_live(s))
		s->st.state = s->st.wanted  ? SUP_WAITING
			      : s->st.ended ? SUP_EXITED
					    : SUP_CREATED;
	else if (s->st.state == SUP_EXITED && s->st.instance != known)
		s->st.state = SUP_CREATED, s->st.wanted = 0;
	status_publish(sup, s);
}

void adopt_all(struct supervisor *sup)
{
	uint32_t living = 0;

	for (uint32_t i = 0; i < sup->n; i++) {
		adopt(sup, &sup->service[i]);
		living += sup->service[i].adopted;
	}
	if (living)
		journal_add(sup, NULL, SUP_ENTRY_ADOPT, 0, living, NULL);
	sup->unsettled = true;
}
