/*
 * stack/rollback.c - back to the model before: an `up` whose input is what was kept.
 */
#include <errno.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/stack/before.h"
#include "runtime/stack/up.h"

/* With the locks held: what is asked for is there, and has to be gone back to. */
static int check(const struct up *u, bool unproven_only)
{
	if (!u->rec)
		return STACK_E_ABSENT;
	if (!unproven_only)
		return 0;
	/* Came up, whether it was said or not: what failed later is not undone by going
	 * further back. */
	return u->rec->proven || (u->rec->whole && wait_all_up(u->rec, u->stack_fd))
		       ? STACK_E_NO_EARLIER
		       : 0;
}

static int bring_back(struct up *u, struct err *e)
{
	int r = up_images(u, NULL, e);

	if (r < 0)
		return r;
	up_plan(u, NULL, false);
	r = up_check_ports(u, e);
	if (r == 0)
		r = up_admit(u, false, e);
	if (r == 0)
		r = up_check_profiles(u, e);
	return r < 0 ? r : up_apply(u, NULL, e);
}

int stack_rollback(struct stack_host *h, struct image_store *store, const char *stack,
		   bool unproven_only, const struct stack_watch *w, struct err *e)
{
	struct up u = { .h = h,
			.name = stack,
			.store = store,
			.watch = w,
			.stack_fd = -1,
			.lock = -1,
			.rolling_back = true };
	AUTO_CLOSE int images = -1;
	struct stack_model *m = NULL;
	int r = host_lock_images(h, false, &images, e);

	if (r == 0)
		r = up_open(&u, e);
	if (r == 0)
		r = check(&u, unproven_only);
	if (r == 0)
		r = before_load(&u, &m, &u.ids, e);
	u.model = m;
	if (r == 0)
		r = bring_back(&u, e);
	stack_plan_free(&u.plan);
	up_close(&u);
	model_free(m);
	return r < 0 ? err_ctx(e, "roll back stack '%s'", stack) : r;
}
