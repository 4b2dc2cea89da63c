/*
 * stack/host.h - ROOT and RUN, their locks, and what is shared by all stacks of a host.
 * Private.
 */
#ifndef STACK_HOST_H
#define STACK_HOST_H

#include "runtime/cgroup/cgroup.h"
#include "runtime/stack/record.h"

/** host_run() - make RUN (a private tmpfs, 0700) unless it is there; needs host_lock() */
must_check int host_run(struct stack_host *h, struct err *e);
/** host_lock() - the lock of all stacks: allocation, rules, the life of RUN. Held
 * briefly. */
must_check int host_lock(const struct stack_host *h, int *ret, struct err *e);
/** host_lock_stack() - one command at a time changes a stack; taken before host_lock() */
must_check int host_lock_stack(const struct stack_host *h, const char *stack, int *ret,
			       struct err *e);
/** host_lock_images() - from finding an image to the record of what is made of it
 * (!@exclusive), or while images are removed; taken before the others */
must_check int host_lock_images(const struct stack_host *h, bool exclusive, int *ret,
				struct err *e);
/** host_stack_fd() - RUN/STACK; STACK_E_ABSENT */
must_check int host_stack_fd(const struct stack_host *h, const char *stack, int *ret,
			     struct err *e);
/** host_service_fd() - RUN/STACK/SERVICE; STACK_E_ABSENT */
must_check int host_service_fd(const struct stack_host *h, const char *stack,
			       const char *service, int *ret, struct err *e);
/** host_cgroup() - "[BASE/]minibox[-ID]/STACK/SERVICE", owned by the caller; @service
 * NULL: the stack's. BASE is what RUN/STACK/.cgroup says; place.h has when it changes. */
char *host_cgroup(const struct stack_host *h, const char *stack, const char *service);
/** host_cgroup_in() - the same below another @base; "": the root */
char *host_cgroup_in(const struct stack_host *h, const char *base, const char *stack,
		     const char *service);
/** host_cgroup_base() - what RUN/STACK/.cgroup says, "" where there is none; owned by the
 * caller */
char *host_cgroup_base(const struct stack_host *h, const char *stack);
/** host_cgroups() - the hierarchies, found at first use; borrowed */
must_check int host_cgroups(struct stack_host *h, struct cgroup_host **ret,
			    struct err *e);
/** host_table() - name of our nftables table; owned by the caller */
char *host_table(const struct stack_host *h);

/** host_lease() - give @r a subnet and an id range no other stack has; needs host_lock()
 */
must_check int host_lease(struct stack_host *h, struct record *r, struct err *e);
/** host_lease_ids() - a range of its own for a service, unless @r has one for it; needs
 * host_lock() */
must_check int host_lease_ids(struct stack_host *h, struct record *r, const char *service,
			      struct err *e);
/** host_records() - the records of all stacks but @skip (NULL: of all); a stack that is
 * being made has none yet; freed by host_records_free() in any case */
must_check int host_records(const struct stack_host *h, const char *skip,
			    struct record ***ret, size_t *n, struct err *e);
void host_records_free(struct record **list, size_t n);
/** host_rules() - apply the rules of all stacks that exist; needs host_lock() */
must_check int host_rules(struct stack_host *h, struct err *e);
/** host_release() - after a stack is gone: with the last one, rules, ip_forward and RUN
 * go */
must_check int host_release(struct stack_host *h, struct err *e);

#endif
