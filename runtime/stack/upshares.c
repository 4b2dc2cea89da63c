/*
 * stack/upshares.c - the shares that the model has, and what readers see of new ones.
 *
 * Knows which shares are other than the last `up` had them. Does not know how a directory
 * is shown: share.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/stack/up.h"
#include "runtime/stack/volume.h"

static bool was_shared(const struct record_share *old, size_t n,
		       const struct record_share *s)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(old[i].volume, s->volume) &&
		    str_eq(old[i].service, s->service) && str_eq(old[i].path, s->path) &&
		    old[i].keep == s->keep)
			return true;
	return false;
}

static void record_shares(struct up *u)
{
	struct record *rec = u->rec;
	struct record_share *old = rec->shares;
	size_t n_old = rec->n_shares;

	rec->n_shares = 0;
	rec->shares = mem_new(u->model->n_volumes + 1, sizeof(*rec->shares));
	for (size_t i = 0; i < u->model->n_volumes; i++) {
		const struct model_volume *v = &u->model->volumes[i];
		struct record_share *s = &rec->shares[rec->n_shares];

		if (!v->from_service)
			continue;
		*s = (struct record_share){ .volume = str_dup(v->name),
					    .service = str_dup(v->from_service),
					    .path = str_dup(v->from_path),
					    .keep = v->keep ? v->keep : 1 };
		s->fresh = !was_shared(old, n_old, s);
		rec->n_shares++;
	}
	record_shares_free(old, n_old);
}

/* It runs, and is not the one that this `up` has just made. */
static bool is_ready(const struct up *u, const char *service)
{
	const struct record_service *rs = record_service(u->rec, service);
	struct err ignored = ERR_INIT;
	struct sup_status st;

	if (!rs || sup_status_read(u->stack_fd, service, &st, &ignored) < 0)
		return false;
	return st.instance == rs->instance &&
	       st.state == (rs->has_health ? SUP_HEALTHY : SUP_RUNNING);
}

/* A new share, or one that says something else now, is pinned to its service's root as it
 * is; one that is there already waits for a new root to be ready (stack_refresh). */
static int pin_new_shares(struct up *u, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->rec->n_shares; i++) {
		const struct record_share *s = &u->rec->shares[i];
		AUTO_FREE char *rel = str_fmt(".share/%s", s->volume);

		if (!record_service(u->rec, s->service))
			continue;
		if (s->fresh && is_ready(u, s->service))
			r = share_show(u->h, u->stack_fd, u->rec, s, e);
		else if (s->fresh || faccessat(u->stack_fd, rel, F_OK, 0) < 0)
			r = share_pin(u->h, u->stack_fd, u->rec->name, s, e);
	}
	return r;
}

int up_shares(struct up *u, struct err *e)
{
	record_shares(u);
	return pin_new_shares(u, e);
}
