/*
 * supervisor/depends.h - who may start, who must stop before whom. Pure: looks at the
 * slots, changes nothing.
 */
#ifndef SUPERVISOR_DEPENDS_H
#define SUPERVISOR_DEPENDS_H

#include "runtime/supervisor/service.h"

enum depends_answer {
	DEPENDS_MET,
	DEPENDS_PENDING,    /* not yet */
	DEPENDS_IMPOSSIBLE, /* not without somebody's help: the dependency ended for good
			     */
};

/** depends_check() - does @dep satisfy @condition for a service that waits for it? */
enum depends_answer depends_check(enum sup_condition condition,
				  const struct service *dep);
/**
 * depends_may_start() - all dependencies of @s
 * @ret_dep: the one that decides when the answer is not DEPENDS_MET (an impossible one
 * first)
 */
enum depends_answer depends_may_start(const struct supervisor *sup,
				      const struct service *s,
				      const struct service **ret_dep);
/** depends_may_stop() - have all services that depend on @s and are to be stopped, too,
 * ended? */
bool depends_may_stop(const struct supervisor *sup, const struct service *s);
/** depends_is_ready() - healthy, or running where it has no healthcheck, its readers
 * refreshed */
bool depends_is_ready(const struct service *s);

#endif
