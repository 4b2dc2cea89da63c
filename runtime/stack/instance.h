/*
 * stack/instance.h - the kernel objects of one container, made once and pinned by name.
 * Private.
 */
#ifndef STACK_INSTANCE_H
#define STACK_INSTANCE_H

#include "runtime/container/container.h"
#include "runtime/stack/host.h"

/* What a container is made from. All borrowed. */
struct instance_source {
	struct stack_host *h;
	struct image_store *store;
	const struct stack_model *model;
	const struct model_service *svc;
	const struct image *img;
	struct record *rec;
	int stack_fd;
	const struct stack_override
		*over; /* `run`: replaces command, user, …; NULL otherwise */
};

/** instance_uppers() - below ROOT, where the stack's writable layers are; owned by the
 * caller */
char *instance_uppers(const struct stack_host *h, const char *stack);
/** instance_ids() - first host id of the service's user namespace */
uid_t instance_ids(const struct instance_source *src);
/**
 * instance_describe() - fill a record entry from model and image (pure but for the entry)
 * Command, health, restart, ports, names: what the supervisor and later plans need.
 * -EINVAL when neither the file nor the image gives a command.
 */
must_check int instance_describe(const struct instance_source *src,
				 struct record_service *rs, struct err *e);
/**
 * instance_create() - user and network namespace, merged root, volumes, cgroup, FIFOs,
 * spec
 * @rs: the described entry; its userns and anonymous members are filled here
 * On failure everything made here is removed again.
 */
must_check int instance_create(const struct instance_source *src,
			       struct record_service *rs, struct err *e);
/**
 * instance_destroy() - remove all that instance_create() made; processes in it are killed
 * @flags: INSTANCE_KEEP_UPPER: leave the writable layer on disk (readers of a share still
 * see it); INSTANCE_LINK_LATER: let the kernel take the link away with its namespace Goes
 * on past failures and reports the first.
 */
enum { INSTANCE_KEEP_UPPER = 1, INSTANCE_LINK_LATER = 2 };
must_check int instance_destroy(struct stack_host *h, const char *stack,
				const char *service, unsigned flags, struct err *e);
/** instance_trim_uppers() - remove writable layers of @service older than @instance's (0:
 * all). A later one is not touched: its `up` may be just making it. */
must_check int instance_trim_uppers(struct stack_host *h, const char *stack,
				    const char *service, uint32_t instance,
				    struct err *e);
/** instance_remove_uppers() - remove the writable layers of all that the stack has had,
 * also of services that nothing knows any more (after a reboot); none may run */
must_check int instance_remove_uppers(struct stack_host *h, const char *stack,
				      struct err *e);
/** instance_next() - a number that no writable layer of @service on disk has, 1 or more
 */
must_check int instance_next(struct stack_host *h, const char *stack, const char *service,
			     uint32_t *ret, struct err *e);
/** instance_start() - make and start the container's process from its stored spec
 * @over: may be NULL. stdio of @over NULL: the log FIFOs. *@ret_exec_errno as
 * container.h. */
must_check int instance_start(struct stack_host *h, const char *stack,
			      const char *service, const struct stack_override *over,
			      struct container **ret, int *ret_exec_errno, struct err *e);
/** instance_spec() - the stored spec.json; STACK_E_ABSENT; owned by the caller */
must_check int instance_spec(struct stack_host *h, const char *stack, const char *service,
			     json_t **ret, struct err *e);

#endif
