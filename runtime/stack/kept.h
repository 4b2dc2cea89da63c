/*
 * stack/kept.h - what secrets and configs held, for the model before. Private to before.
 *
 * RUN/STACK/.kept.N goes with .before.N and is a tmpfs like those of the containers: what
 * is secret stays out of swap there, too.
 */
#ifndef STACK_KEPT_H
#define STACK_KEPT_H

#include "runtime/stack/record.h"

/** kept_save() - copy them from all containers of @rec; nothing is made where none has
 * any
 */
must_check int kept_save(const struct record *rec, int stack_fd, uint32_t number,
			 struct err *e);
/** kept_versions() - which files they were, in the order of the service's secrets */
json_t *kept_versions(const struct record_service *rs);
/** kept_load() - fill kept and version of all of @svc; @versions: of kept_versions() */
must_check int kept_load(int stack_fd, uint32_t number, struct model_service *svc,
			 const json_t *versions, struct err *e);
/** kept_remove_others() - all but those of @before and @next */
must_check int kept_remove_others(int stack_fd, uint32_t before, uint32_t next,
				  struct err *e);

#endif
