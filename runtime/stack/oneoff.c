/*
 * stack/oneoff.c - `run`: a container of a service for one command, child of its caller.
 *
 * The supervisor never hears of it: whoever runs it waits for it and removes it. It has a
 * record entry of its own, so that its address is taken and `down` finds it after a
 * crash.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/helper.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/up.h"

enum { LINGER_MS = 1000 }; /* how long an unused network waits for the next `run` */

struct stack_oneoff {
	char *stack, *name;
	struct container *container;
};

struct container *stack_run_container(struct stack_oneoff *o)
{
	return o->container;
}

static int start_deps(struct stack_host *h, struct image_store *store,
		      const struct stack_model *m, const struct model_service *svc,
		      const struct stack_watch *w, struct err *e)
{
	struct stack_failure fail = { NULL, NULL };
	struct stack_up_opts o = { 0 };
	int r;

	for (size_t i = 0; i < svc->n_deps; i++)
		strv_add(&o.services, svc->deps[i].service);
	if (!o.services.n)
		return 0;
	r = stack_up(h, store, m, &o, w, NULL, e);
	if (r == 0)
		r = stack_wait(h, m->name, &o.services, -1, w, NULL, NULL, &fail, e);
	if (r == 0 && fail.service)
		r = err_msg(e, EIO, "dependency '%s' %s", fail.service, fail.text);
	free(fail.service);
	free(fail.text);
	strv_free(&o.services);
	return r;
}

/* Make the container under the stack's lock; it is released before the command runs. */
static int make(struct up *u, const struct model_service *svc, const char *name,
		const struct stack_override *over, struct err *e)
{
	AUTO_STRV struct strv one = STRV_INIT;
	AUTO_CLOSE int images = -1;
	int r = host_lock_images(u->h, false, &images, e);

	strv_add(&one, svc->name);
	if (r == 0)
		r = up_images(u, &one, e);
	if (r == 0)
		r = up_open(u, e);
	if (r == 0)
		r = up_found(u, e);
	if (r == 0)
		r = up_create(u, name, svc, 1, 0, true, over, e);
	if (r == 0) /* it publishes nothing: only a new stack needs rules */
		r = u->founded ? up_publish(u, e) : up_record(u, e);
	if (r < 0 && u->founded && u->stack_fd >= 0 && u->rec->n_services == 0) {
		struct err ignored = ERR_INIT;

		(void)!up_abandon(u, &ignored);
	}
	return r;
}

int stack_run(struct stack_host *h, struct image_store *store,
	      const struct stack_model *m, const char *service, bool with_deps,
	      const struct stack_override *over, const struct stack_watch *w,
	      struct stack_oneoff **ret, int *ret_exec_errno, struct err *e)
{
	struct up u = { .h = h,
			.name = m->name,
			.store = store,
			.model = m,
			.watch = w,
			.stack_fd = -1,
			.lock = -1 };
	const struct model_service *svc = model_service(m, service);
	struct stack_oneoff *o;
	int r = 0;

	*ret_exec_errno = 0;
	if (!svc)
		return STACK_E_ABSENT;
	if (with_deps)
		r = start_deps(h, store, m, svc, w, e);
	if (r < 0)
		return r;
	o = mem_new(1, sizeof(*o));
	o->stack = str_dup(m->name);
	o->name = str_fmt("%s-run-%d", service, (int)getpid());
	r = make(&u, svc, o->name, over, e);
	up_close(&u);
	if (r == 0) {
		r = instance_start(h, o->stack, o->name, over, &o->container,
				   ret_exec_errno, e);
		if (r < 0) {
			struct err ignored = ERR_INIT;

			(void)!stack_run_end(h, o, &ignored);
			return r;
		}
		*ret = o;
		return 0;
	}
	free(o->stack);
	free(o->name);
	free(o);
	return r;
}

/* Anonymous volumes live as long as their container, and this one's is over. */
static int remove_anonymous(struct stack_host *h, const struct stack_oneoff *o,
			    const struct record_service *rs, struct err *e)
{
	int r = 0;

	strv_foreach (i, &rs->anonymous) {
		AUTO_FREE char *rel = str_fmt("volumes/%s/%s", o->stack,
					      strrchr(rs->anonymous.v[i], '=') + 1);

		if (r == 0)
			r = fd_rm_rf(h->root_fd, rel, e);
	}
	return r;
}

static int forget(struct stack_host *h, struct stack_oneoff *o, struct record *rec,
		  int stack_fd, struct err *e)
{
	const struct record_service *rs = record_service(rec, o->name);
	int r = instance_destroy(h, o->stack, o->name, INSTANCE_LINK_LATER, e);

	if (r == 0 && rs)
		r = remove_anonymous(h, o, rs, e);
	record_remove(rec, o->name);
	return r < 0 ? r : record_save(stack_fd, rec, e);
}

/* A bridge and rules cost the kernel 60 ms to remove, and the next `run` would make them
 * anew: a helper does it when nothing has used them for a moment. */
static int spawn_tidy(struct stack_host *h, const char *stack, int stack_fd,
		      struct err *e)
{
	AUTO_CLOSE int only = -1;
	int code = fd_lock(stack_fd, ".tidy", true, false, &only, e);

	if (code < 0) { /* one waits already */
		err_clear(e);
		return 0;
	}
	fd_auto_close(&only);
	only = -1;
	return helper_spawn(h, "_tidy", stack, NULL, NULL, e);
}

int stack_run_end(struct stack_host *h, struct stack_oneoff *o, struct err *e)
{
	AUTO_CLOSE int lock = -1, stack_fd = -1;
	struct record *rec = NULL;
	bool last = false;
	int r = host_lock_stack(h, o->stack, &lock, e);

	container_free(o->container);
	if (r == 0)
		r = host_stack_fd(h, o->stack, &stack_fd, e);
	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r == 0)
		r = forget(h, o, rec, stack_fd, e);
	last = r == 0 && rec->n_services == 0;
	record_free(rec);
	if (last)
		r = spawn_tidy(h, o->stack, stack_fd, e);
	free(o->stack);
	free(o->name);
	free(o);
	return r == STACK_E_ABSENT ? 0 : r; /* `down` was quicker */
}

/* Milliseconds until the stack has been as it is for LINGER_MS; 0: it has. */
static long left_to_wait(int stack_fd)
{
	struct timespec now;
	struct stat st;
	long age;

	if (fstatat(stack_fd, ".stack.json", &st, 0) < 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - st.st_mtim.tv_sec) * 1000 +
	      (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
	return age >= 0 && age < LINGER_MS ? LINGER_MS - age : 0;
}

/* With the stack's lock: gone, or in use (whoever uses it asks for tidying again): 1. */
static int tidy_once(struct stack_host *h, const char *stack, int *only, struct err *e)
{
	AUTO_CLOSE int lock = -1, host = -1, stack_fd = -1;
	struct record *rec = NULL;
	int r = host_lock_stack(h, stack, &lock, e);

	if (r == 0)
		r = host_stack_fd(h, stack, &stack_fd, e);
	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r == 0 && rec->n_services == 0 && left_to_wait(stack_fd) > 0) {
		record_free(rec);
		return 0;
	}
	if (r == 0 && rec->n_services == 0) {
		r = host_lock(h, &host, e);
		if (r == 0)
			r = down_remove_stack(h, stack, rec->bridge, e);
	}
	record_free(rec);
	/* Still under the stack's lock: whoever needs a helper after us sees that none
	 * waits. */
	fd_auto_close(only);
	*only = -1;
	return r < 0 ? r : 1;
}

int stack_tidy(struct stack_host *h, const char *stack, struct err *e)
{
	AUTO_CLOSE int stack_fd = -1, only = -1;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r == 0)
		r = fd_lock(stack_fd, ".tidy", true, false, &only, e);
	if (r == -EWOULDBLOCK) { /* another one waits already */
		err_clear(e);
		return 0;
	}
	while (r == 0) {
		usleep((useconds_t)left_to_wait(stack_fd) * 1000);
		r = tidy_once(h, stack, &only, e);
	}
	return r < 0 ? r : 0;
}
