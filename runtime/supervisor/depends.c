/* supervisor/depends.c - see depends.h. */
#include "runtime/supervisor/depends.h"

bool depends_is_ready(const struct service *s)
{
	if (s->refresher)
		return false; /* its readers do not see its new files yet */
	return s->st.state == SUP_HEALTHY ||
	       (s->st.state == SUP_RUNNING && s->spec.health == SUP_HEALTH_NONE);
}

static bool runs(const struct service *s)
{
	return (s->st.state == SUP_RUNNING || s->st.state == SUP_HEALTHY ||
		s->st.state == SUP_UNHEALTHY) &&
	       !s->refresher;
}

enum depends_answer depends_check(enum sup_condition condition, const struct service *dep)
{
	bool done = dep->st.state == SUP_EXITED && dep->st.ended;
	bool fine = done && dep->st.exit_status == 0;

	if (dep->stop_pending)
		return DEPENDS_PENDING; /* it is about to go */
	if (condition == SUP_DEP_COMPLETED && fine)
		return DEPENDS_MET;
	/* Without a healthcheck "healthy" is "started", which a short program stays for
	 * good. */
	if (condition == SUP_DEP_HEALTHY && dep->spec.health == SUP_HEALTH_NONE)
		condition = SUP_DEP_STARTED;
	if (condition == SUP_DEP_STARTED && (fine || runs(dep)))
		return DEPENDS_MET;
	if (condition == SUP_DEP_HEALTHY && depends_is_ready(dep))
		return DEPENDS_MET;
	return done && dep->st.wanted ? DEPENDS_IMPOSSIBLE : DEPENDS_PENDING;
}

enum depends_answer depends_may_start(const struct supervisor *sup,
				      const struct service *s,
				      const struct service **ret_dep)
{
	enum depends_answer worst = DEPENDS_MET;

	for (uint32_t i = 0; i < s->spec.n_deps; i++) {
		const struct sup_dep *d = &s->spec.deps[i];
		const struct service *dep = &sup->service[d->service];
		enum depends_answer a = depends_check(d->condition, dep);

		if (a > worst) {
			worst = a;
			*ret_dep = dep;
		}
	}
	return worst;
}

static bool depends_on(const struct service *s, uint32_t slot)
{
	for (uint32_t i = 0; i < s->spec.n_deps; i++)
		if (s->spec.deps[i].service == slot)
			return true;
	return false;
}

bool depends_may_stop(const struct supervisor *sup, const struct service *s)
{
	uint32_t slot = service_slot(sup, s);

	for (uint32_t i = 0; i < sup->n; i++) {
		const struct service *other = &sup->service[i];
		bool leaving = other->st.state == SUP_STOPPING ||
			       (other->stop_pending && service_is_live(other));

		if (leaving && i != slot && depends_on(other, slot))
			return false;
	}
	return true;
}
