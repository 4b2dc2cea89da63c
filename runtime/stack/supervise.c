/*
 * stack/supervise.c - the stack's supervisor: started where none runs, and told what is
 * wanted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/base/fd.h"
#include "runtime/stack/up.h"

enum { LEAVE_MS = 5000, PAUSE_MS = 5 };

static int join_supervisor_cgroup(void *arg, struct err *e)
{
	return cgroup_join(arg, e);
}

/* Below a unit's group that is gone nothing can be started but by `up`, which decides
 * anew where the stack's groups are. */
static int check_base(const struct stack_host *h, const struct cgroup_host *cg,
		      const char *stack, struct err *e)
{
	AUTO_FREE char *base = host_cgroup_base(h, stack);

	if (!*base || cgroup_exists(cg, base))
		return 0;
	return err_msg(
		e, ENOENT,
		"its unit was stopped: `systemctl start` or `minibox up` starts it "
		"again");
}

int up_supervise(struct stack_host *h, const char *stack, int stack_fd,
		 const struct up *by, struct err *e)
{
	AUTO_FREE char *path = by && by->own
				       ? host_cgroup_in(h, by->own, stack, "_supervisor")
				       : host_cgroup(h, stack, "_supervisor");
	AUTO_FREE char *logs = str_fmt("logs/%s", stack);
	struct cgroup_limits none = { 0 };
	struct cgroup_host *cg = NULL;
	struct cgroup *g = NULL;
	AUTO_CLOSE int dir = -1;
	int r;

	if (sup_alive(stack_fd))
		return 0;
	r = fd_mkdirs(h->root_fd, logs, 0700, &dir, e);
	if (r == 0)
		r = host_cgroups(h, &cg, e);
	if (r == 0)
		r = check_base(h, cg, stack, e);
	if (r == 0)
		r = cgroup_create(cg, path, &none, &g, e);
	if (r == 0)
		r = sup_start(h->exe_dir, h->run_fd, stack, join_supervisor_cgroup, g,
			      by ? by->unit : NULL, e);
	cgroup_free(g);
	return r;
}

int up_dismiss(int stack_fd, struct err *e)
{
	AUTO_CLOSE int sock = -1;
	int r;

	if (!sup_alive(stack_fd))
		return 0;
	r = sup_connect(stack_fd, &sock, e);
	if (r == 0)
		r = sup_call(sock, SUP_OP_QUIT, "", 0, LEAVE_MS, e);
	for (int i = 0; r == 0 && sup_alive(stack_fd); i++) {
		if (i * PAUSE_MS > LEAVE_MS)
			return err_msg(e, ETIMEDOUT, "the supervisor does not leave");
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000 }, NULL);
	}
	return r;
}

/* A step that did its work is not done again because something else is brought up; made
 * anew, it has not run yet. */
static bool has_completed(struct up *u, const char *service)
{
	const struct record_service *rs = record_service(u->rec, service);
	struct err ignored = ERR_INIT;
	struct sup_status st;

	return rs && sup_status_read(u->stack_fd, service, &st, &ignored) == 0 &&
	       st.instance == rs->instance && st.state == SUP_EXITED && st.wanted &&
	       st.ended && st.exit_status == 0;
}

bool up_supervisor_left(int r, int tries)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };

	if (tries >= 100 || (r != -EPIPE && r != -ECONNRESET && r != -ECONNREFUSED))
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int tell_once(struct up *u, const struct strv *chosen, struct err *e)
{
	bool runs = sup_alive(u->stack_fd);
	AUTO_CLOSE int sock = -1;
	int r = record_compile(u->h, u->rec, u->stack_fd, e);

	if (r == 0 && !runs)
		r = up_supervise(u->h, u->rec->name, u->stack_fd, u->unit ? u : NULL, e);
	if (r == 0)
		r = sup_connect(u->stack_fd, &sock, e);
	if (r == 0 && runs)
		r = sup_call(sock, SUP_OP_RELOAD, "", 0, -1, e);
	if (r == 0 && !chosen)
		r = sup_call(sock, SUP_OP_UP, "", 0, -1, e);
	for (size_t i = 0; r == 0 && chosen && i < chosen->n; i++)
		if (!has_completed(u, chosen->v[i]))
			r = sup_call(sock, SUP_OP_UP, chosen->v[i], 0, -1, e);
	return r;
}

int up_tell_supervisor(struct up *u, const struct strv *chosen, struct err *e)
{
	int r = tell_once(u, chosen, e);

	for (int tries = 0; r < 0 && up_supervisor_left(r, tries); tries++) {
		err_clear(e);
		r = tell_once(u, chosen, e);
	}
	return r;
}
