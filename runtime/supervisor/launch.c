/* supervisor/launch.c - see launch.h. */
#include "runtime/supervisor/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/adopt.h"
#include "runtime/supervisor/conduct.h"
#include "runtime/supervisor/journal.h"
#include "runtime/supervisor/logpump.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/note.h"
#include "runtime/supervisor/oom.h"
#include "runtime/supervisor/spawn.h"
#include "runtime/supervisor/status.h"
#include "runtime/supervisor/terminal.h"
#include "runtime/supervisor/text.h"

static bool refuse(struct service *s, int exit_code, const char *what, int code)
{
	struct text t = text_over(s->st.text, sizeof(s->st.text));

	text_str(&t, what);
	if (code) {
		text_str(&t, ": error ");
		text_num(&t, (uint64_t)code);
	}
	s->st.exit_status = exit_code << 8;
	return false;
}

bool launch_start(struct supervisor *sup, struct service *s)
{
	int ends[2], pid;

	status_clear_exit(s);
	logpump_open(sup, s);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return refuse(s, 125, "make sockets for the launcher", errno);
	/* The launcher's end blocks as usual: it sends once, into an empty socket. */
	fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK);
	pid = spawn_helper(sup, s, "_launch", ends[1], 3);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return refuse(s, 125, "run the launcher", -pid);
	}
	s->launcher = pid;
	s->report = ends[0];
	loop_watch(sup, s->report, TOKEN_REPORT, service_slot(sup, s), EPOLLIN);
	return true;
}

static void launched(struct supervisor *sup, struct service *s,
		     const struct sup_launch_report *rep, int tty)
{
	s->st.pid = rep->pid;
	s->st.start_time = rep->start_time ? rep->start_time : proc_start_time(rep->pid);
	s->pidfd = proc_pidfd_as(rep->pid, s->st.start_time);
	s->adopted = false;
	s->st.text[0] = '\0';
	logpump_open(sup, s); /* if the launcher made the FIFOs only now */
	if (tty >= 0)
		terminal_begin(sup, s, tty);
	journal_add(sup, s, SUP_ENTRY_START, 0, 0, NULL);
	oom_watch(sup, s);
	conduct_fire(sup, s, EV_LAUNCHED);
	if (s->pidfd < 0)
		adopt_look(sup, s); /* it is gone, and maybe was reaped by the launcher */
}

void launch_read_report(struct supervisor *sup, struct service *s)
{
	struct sup_launch_report rep;
	ssize_t n;
	int tty;

	if (s->report < 0)
		return;
	n = terminal_report(s->report, &rep, &tty);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	loop_close(&s->report);
	if (n == sizeof(rep) && rep.pid > 0) {
		launched(sup, s, &rep, tty);
		return;
	}
	loop_close(&tty);
	if (n == sizeof(rep)) {
		rep.text[sizeof(rep.text) - 1] = '\0';
		text_copy(s->st.text, sizeof(s->st.text), rep.text, strlen(rep.text));
		s->st.exit_status = (rep.exit_code ? rep.exit_code : 125) << 8;
	} else {
		refuse(s, 125, "the launcher ended without a report", 0);
	}
	journal_add(sup, s, SUP_ENTRY_FAILED, s->st.exit_status >> 8, 0, s->st.text);
	s->begun_ns = proc_now_ns(); /* the time spent on trying is no uptime */
	conduct_fire(sup, s, EV_LAUNCH_FAILED);
}

void launch_ended(struct supervisor *sup, struct service *s, int status)
{
	(void)status; /* what counts is the report, and that a container may have been
			 left to us */
	s->launcher = 0;
	launch_read_report(sup, s);
	sup->unsettled = true;
}

void launch_refresh(struct supervisor *sup, struct service *s)
{
	int pid;

	if (!s->spec.has_readers || s->refresher)
		return;
	pid = spawn_helper(sup, s, "_refresh", -1, -1);
	if (pid < 0)
		note(sup, s->spec.name,
		     "cannot run the helper that refreshes its readers", (uint64_t)-pid);
	else
		s->refresher = pid;
}

void launch_refreshed(struct supervisor *sup, struct service *s, int status)
{
	journal_add(sup, s, SUP_ENTRY_REFRESH, status, 0, NULL);
	s->refresher = 0;
	sup->unsettled = true;
}
