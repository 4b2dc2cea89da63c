/*
 * cgroup/oom.c - waiting until v1's memory controller has killed. See cgroup.h.
 *
 * Knows the eventfd of memory.oom_control (admin-guide/cgroup-v1/memory.rst, 10), which
 * comes before the kill: the counter is what counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

enum { LOOK_MS = 1000, AFTER_EVENT_MS = 10 };

static int watch(int dir, int event, struct err *e)
{
	AUTO_CLOSE int control = openat(dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char text[32];

	if (control < 0)
		return err_set(e, errno, "open 'memory.oom_control'");
	snprintf(text, sizeof(text), "%d %d", event, control);
	return fd_write_str(dir, "cgroup.event_control", text, e);
}

int cgroup_oom_wait(const struct cgroup *g, uint64_t known, struct err *e)
{
	AUTO_CLOSE int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd p = { .fd = event, .events = POLLIN };
	bool unified = false;
	int dir = cgroup_dir_of(g, CTL_MEMORY, &unified), r;

	if (event < 0)
		return err_set(e, errno, "make an 'eventfd'");
	if (dir < 0 || unified)
		return err_msg(e, ENOTSUP, "cgroup '%s' has no v1 memory controller",
			       g->path);
	r = watch(dir, event, e);
	while (r == 0 &&
	       cgroup_read_key(dir, "memory.oom_control", "oom_kill") <= known) {
		uint64_t n;

		/* the last process may have ended, or the group may be gone */
		if (cgroup_is_empty(g))
			return CGROUP_E_ABSENT;
		if (poll(&p, 1, LOOK_MS) > 0 && read(event, &n, sizeof(n)) > 0)
			(void)poll(NULL, 0, AFTER_EVENT_MS);
	}
	return r < 0 ? err_ctx(e, "cgroup '%s'", g->path) : 0;
}
