/*
 * supervisor/client_entry.c - reads the ring that journal.c writes, while it is written.
 */
#include "runtime/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/fd.h"

struct sup_entry_reader {
	int logs, fd; /* fd -1: there is no ring yet */
	uint64_t next;
};

int sup_entry_open(int logs_fd, struct sup_entry_reader **ret, struct err *e)
{
	struct sup_entry_reader *r = mem_new(1, sizeof(*r));

	r->fd = -1;
	r->logs = fcntl(logs_fd, F_DUPFD_CLOEXEC, 3);
	if (r->logs < 0) {
		free(r);
		return err_set(e, errno, "events of a stack");
	}
	*ret = r;
	return 0;
}

struct sup_entry_reader *sup_entry_free(struct sup_entry_reader *r)
{
	if (!r)
		return NULL;
	fd_auto_close(&r->logs);
	fd_auto_close(&r->fd);
	free(r);
	return NULL;
}

static bool read_slot(int fd, uint64_t slot, struct sup_entry *ret)
{
	if (pread(fd, ret, sizeof(*ret), (off_t)(slot * sizeof(*ret))) != sizeof(*ret) ||
	    ret->seq != ret->seq_end || ret->seq % SUP_ENTRIES != slot)
		return false;
	ret->service[sizeof(ret->service) - 1] = '\0';
	ret->text[sizeof(ret->text) - 1] = '\0';
	return ret->seq > 0;
}

/* The lowest number from @least on that is there; 0: none. */
static uint64_t oldest(int fd, uint64_t least)
{
	uint64_t found = 0;
	struct sup_entry n;

	for (uint64_t slot = 0; slot < SUP_ENTRIES; slot++)
		if (read_slot(fd, slot, &n) && n.seq >= least &&
		    (found == 0 || n.seq < found))
			found = n.seq;
	return found;
}

int sup_entry_next(struct sup_entry_reader *r, struct sup_entry *ret)
{
	if (r->fd < 0) {
		r->fd = openat(r->logs, ".events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (r->fd < 0)
			return 0;
		r->next = oldest(r->fd, 1);
	}
	if (r->next == 0)
		r->next = 1; /* made, and empty as yet */
	if (!read_slot(r->fd, r->next % SUP_ENTRIES, ret) || ret->seq < r->next)
		return 0;
	if (ret->seq > r->next) { /* overtaken by a whole turn */
		r->next = oldest(r->fd, r->next);
		if (!read_slot(r->fd, r->next % SUP_ENTRIES, ret) || ret->seq != r->next)
			return 0;
	}
	r->next++;
	return 1;
}

const char *sup_entry_name(uint32_t kind)
{
	static const char *const names[SUP_ENTRY_KINDS] = {
		[SUP_ENTRY_START] = "start",       [SUP_ENTRY_EXIT] = "exit",
		[SUP_ENTRY_RESTART] = "restart",   [SUP_ENTRY_FAILED] = "failed",
		[SUP_ENTRY_OOM] = "oom",           [SUP_ENTRY_HEALTHY] = "healthy",
		[SUP_ENTRY_STOP] = "stop",         [SUP_ENTRY_UNHEALTHY] = "unhealthy",
		[SUP_ENTRY_KILL] = "kill",         [SUP_ENTRY_PAUSE] = "pause",
		[SUP_ENTRY_UNPAUSE] = "unpause",   [SUP_ENTRY_REFRESH] = "refresh",
		[SUP_ENTRY_DROPPED] = "dropped",   [SUP_ENTRY_ADOPT] = "adopt",
		[SUP_ENTRY_DROPPING] = "dropping",
	};

	return kind < SUP_ENTRY_KINDS && names[kind] ? names[kind] : "?";
}

static char *exit_text(const struct sup_entry *n)
{
	if (WIFSIGNALED(n->value))
		return str_fmt("ended by signal %d (SIG%s)", WTERMSIG(n->value),
			       sigabbrev_np(WTERMSIG(n->value))
				       ? sigabbrev_np(WTERMSIG(n->value))
				       : "?");
	return str_fmt("exited with status %d", WEXITSTATUS(n->value));
}

static char *delay_text(uint32_t ms)
{
	return ms % 1000 ? str_fmt("%u ms", ms) : str_fmt("%u s", ms / 1000);
}

char *sup_entry_text(const struct sup_entry *n)
{
	AUTO_FREE char *delay = NULL;

	switch ((enum sup_entry_kind)n->kind) {
	case SUP_ENTRY_START:
		return str_fmt("started, pid %d", n->pid);
	case SUP_ENTRY_EXIT:
		return exit_text(n);
	case SUP_ENTRY_RESTART:
		delay = delay_text((uint32_t)n->value);
		return str_fmt("starts again in %s (restart %u)", delay, n->count);
	case SUP_ENTRY_FAILED:
		return str_fmt("could not be started: %s", n->text);
	case SUP_ENTRY_OOM:
		return str_fmt("out of memory: %u process%s killed%s", n->count,
			       n->count == 1 ? "" : "es", n->text);
	case SUP_ENTRY_HEALTHY:
		return str_dup("is healthy");
	case SUP_ENTRY_UNHEALTHY:
		return str_fmt("is unhealthy after %u failed probe%s: %s", n->count,
			       n->count == 1 ? "" : "s", n->text);
	case SUP_ENTRY_STOP:
		delay = delay_text(n->count);
		return str_fmt("is stopped: signal %d, %s to end", n->value, delay);
	case SUP_ENTRY_KILL:
		return str_dup("is killed: it did not stop in time");
	case SUP_ENTRY_PAUSE:
		return str_dup("is paused");
	case SUP_ENTRY_UNPAUSE:
		return str_dup("goes on");
	case SUP_ENTRY_REFRESH:
		return n->value ? str_dup("its readers could not be refreshed")
				: str_dup("its readers see this instance's files");
	case SUP_ENTRY_DROPPING:
		return str_fmt("its log cannot be written, lines are dropped: %s",
			       strerror(n->value));
	case SUP_ENTRY_DROPPED:
		return str_fmt("%u line%s dropped%s", n->count, n->count == 1 ? "" : "s",
			       n->text);
	case SUP_ENTRY_ADOPT:
		return str_fmt("a new supervisor (pid %d) took over %u service%s", n->pid,
			       n->count, n->count == 1 ? "" : "s");
	case SUP_ENTRY_KINDS:
		break;
	}
	return str_fmt("event %u: %s", n->kind, n->text);
}
