/* cli/unitmain.c - see unitmain.h. */
#include "runtime/cli/unitmain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/base/log.h"
#include "runtime/cli/signals.h"

enum { LOOK_AGAIN_MS = 1000, MAX_PATIENCE_MS = 1 << 30 };

int unitmain_open(struct cli *c, struct sup_unit *ret, struct err *e)
{
	const char *usec = getenv("WATCHDOG_USEC");
	unsigned long long n = 0;

	*ret = (struct sup_unit){ .socket = getenv("NOTIFY_SOCKET") };
	if (!ret->socket || !*ret->socket)
		return cli_usage(c, e,
				 "--unit is for the units that `minibox unit` prints: "
				 "NOTIFY_SOCKET is not set");
	if (usec && str_u64(usec, UINT64_MAX, &n))
		ret->watchdog_ms = n / 1000 > MAX_PATIENCE_MS ? MAX_PATIENCE_MS
							      : (uint32_t)(n / 1000);
	return 0;
}

static int tell(const struct sup_unit *unit, const char *text, struct err *e)
{
	int r = sup_notify(unit->socket, text, true);

	return r < 0 ? err_set(e, -r, "tell the service manager at '%s'", unit->socket)
		     : 0;
}

/* Once for each new reason; it goes to the journal and into `systemctl status`. */
static void say_failure(const struct sup_unit *unit, const struct stack_failure *f,
			char **said)
{
	AUTO_FREE char *now = str_fmt("service '%s' %s", f->service, f->text);
	AUTO_FREE char *status = NULL;
	struct err ignored = ERR_INIT;

	str_sanitize(now);
	if (str_eq(now, *said))
		return;
	str_set(said, now);
	log_warn("%s; the rest stays up, and this is waited for", now);
	status = str_fmt("STATUS=waiting: %s", now);
	if (tell(unit, status, &ignored) < 0)
		err_clear(&ignored);
}

static bool interrupted(void *arg)
{
	return signals_read(*(int *)arg) != 0;
}

/* Return: 0 when all is up, -EINTR (without an error) on a signal. */
static int wait_up(struct cli *c, const struct sup_unit *unit, const char *stack,
		   const struct strv *services, int sigfd, struct err *e)
{
	struct stack_watch w = cli_watch(c);
	AUTO_FREE char *said = NULL;
	int r;

	for (;;) {
		struct stack_failure fail = { NULL, NULL };
		bool failed;

		r = stack_wait(c->host, stack, services, -1, &w, interrupted, &sigfd,
			       &fail, e);
		failed = r == 0 && fail.service;
		if (failed)
			say_failure(unit, &fail, &said);
		free(fail.service);
		free(fail.text);
		if (!failed)
			break;
		nanosleep(&(struct timespec){ .tv_sec = LOOK_AGAIN_MS / 1000 }, NULL);
		if (interrupted(&sigfd))
			return -EINTR;
	}
	if (r == -EINTR)
		err_clear(e);
	return r;
}

static int hand_over(struct cli *c, const struct sup_unit *unit, const char *stack,
		     struct err *e)
{
	AUTO_FREE char *text = NULL;
	pid_t keeper = 0;
	int r = stack_keeper(c->host, stack, &keeper, e);

	if (r < 0)
		return r;
	/* In one message: our end must find another main process known. */
	text = str_fmt("MAINPID=%d\nREADY=1\nSTATUS=all services are up", (int)keeper);
	return tell(unit, text, e);
}

int unitmain_wait(struct cli *c, const struct sup_unit *unit, const char *stack,
		  const struct strv *services, int sigfd, struct err *e)
{
	int r = wait_up(c, unit, stack, services, sigfd, e);

	if (r == 0)
		return hand_over(c, unit, stack, e);
	if (r == -EINTR)
		r = stack_leave(c->host, stack, -1, e);
	return r == STACK_E_ABSENT ? 0 : r;
}
