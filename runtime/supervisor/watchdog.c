/* supervisor/watchdog.c - see watchdog.h. */
#include "runtime/supervisor/watchdog.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/supervisor.h"
#include "runtime/supervisor/text.h"

enum { LOOKS_PER_PATIENCE = 4, MISSED = 2 };

void watchdog_open(struct watchdog *w, const char *socket, const char *patience_ms)
{
	void *page;

	*w = (struct watchdog){ .socket = socket };
	w->period_ms = patience_ms ? (uint32_t)text_to_num(patience_ms, 10) : 0;
	w->period_ms /= LOOKS_PER_PATIENCE;
	if (!socket || !w->period_ms)
		return;
	page = mmap(NULL, sizeof(*w->beat), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED)
		w->beat = page;
}

/* True when @supervisor has ended. */
static bool reap(int supervisor, bool block, int *ret_status)
{
	int pid;

	do
		pid = waitpid(-1, ret_status, block ? 0 : WNOHANG);
	while (pid != supervisor && (pid > 0 || (pid < 0 && errno == EINTR)));
	return pid == supervisor || pid < 0;
}

static void sleep_until(uint64_t due_ns)
{
	uint64_t now = proc_now_ns(), left = due_ns > now ? due_ns - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(left / 1000000000u),
			       .tv_nsec = (long)(left % 1000000000u) };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	(void)sigtimedwait(&set, NULL, &ts);
}

static uint32_t turns(const struct watchdog *w)
{
	return __atomic_load_n(w->beat, __ATOMIC_RELAXED);
}

int watchdog_wait(const struct watchdog *w, int supervisor)
{
	uint32_t seen, missed = 0;
	uint64_t due;
	int status = 0;

	if (!w->beat) {
		(void)reap(supervisor, true, &status);
		return status;
	}
	seen = turns(w);
	/* A new one turns at once: the manager, who may have waited long, hears of it
	 * soon. */
	due = proc_now_ns() + w->period_ms * 1000000ull / 4;
	while (!reap(supervisor, false, &status)) {
		if (proc_now_ns() >= due) {
			bool turned = turns(w) != seen;

			seen = turns(w);
			missed = turned ? 0 : missed + 1;
			if (turned)
				(void)sup_notify(w->socket, "WATCHDOG=1", false);
			if (missed == MISSED)
				kill(supervisor, SIGKILL);
			due = proc_now_ns() + w->period_ms * 1000000ull;
		}
		sleep_until(due);
	}
	return status;
}
