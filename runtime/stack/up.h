/*
 * stack/up.h - the parts of `up` that `run` uses as well, and the end of a stack.
 * Private.
 */
#ifndef STACK_UP_H
#define STACK_UP_H

#include "runtime/stack/host.h"
#include "runtime/stack/record.h"

/* One `up` under way. */
struct up {
	struct stack_host *h;
	const char *name; /* of the stack */
	struct image_store *store;
	const struct stack_model *model;
	const struct stack_watch *watch;
	struct image **images; /* as model->services; NULL: not asked for */
	char **ids; /* as model->services: ids of images; NULL: by what the model says */
	json_t *configs;    /* model_format_json() with secrets */
	struct record *rec; /* NULL until something exists */
	struct stack_plan plan;
	int stack_fd, lock;
	bool founded;                /* by us: nothing existed before */
	bool changed;                /* before_keep() was reached */
	bool rolling_back;           /* to the model before */
	bool was_whole;              /* nothing was left undone by an earlier one */
	const struct sup_unit *unit; /* we are a unit's main process; NULL: we are not */
	char *own; /* and have gone into a leaf below this group, which is ours; or NULL
		    */
};

void up_note(const struct up *u, const char *service, const char *text);
/** up_images() - have the images of @chosen (NULL: of all) in the store */
must_check int up_images(struct up *u, const struct strv *chosen, struct err *e);
/** up_no_image() - the error for an image that is nowhere. Return: -ENOENT */
int up_no_image(const struct model_service *svc, struct err *e);
/** up_open() - take the stack's lock and read its record, if there is one */
must_check int up_open(struct up *u, struct err *e);
/** up_found() - make sure of RUN/STACK, leases and bridge */
must_check int up_found(struct up *u, struct err *e);
/** up_create() - add a record entry and make its container; @host 0: the next free
 * address */
must_check int up_create(struct up *u, const char *name, const struct model_service *svc,
			 uint32_t instance, uint32_t host, bool oneoff,
			 const struct stack_override *over, struct err *e);
/** up_check_ports() - -EADDRINUSE naming line and holder when a port of the plan is taken
 */
must_check int up_check_ports(struct up *u, struct err *e);
/** up_check_profiles() - can each service that the plan makes have the AppArmor profile
 * that the file names? */
must_check int up_check_profiles(const struct up *u, struct err *e);
/** up_record() - record and hosts files follow what exists now */
must_check int up_record(struct up *u, struct err *e);
/** up_publish() - up_record(), and the firewall's rules */
must_check int up_publish(struct up *u, struct err *e);
/** up_abandon() - remove a stack that has no containers */
must_check int up_abandon(struct up *u, struct err *e);
/** up_supervise() - start the stack's supervisor unless it runs
 * @by: an `up` that is a unit's main process, which it will be instead; else NULL */
must_check int up_supervise(struct stack_host *h, const char *stack, int stack_fd,
			    const struct up *by, struct err *e);
/** up_dismiss() - let a running supervisor end, so that another can be started: what it
 * watched goes on */
must_check int up_dismiss(int stack_fd, struct err *e);
void up_close(struct up *u);

/** up_index() - of a service in the model's list */
size_t up_index(const struct up *u, const char *service);
/** up_service_config() - what a service is, for comparing: the model's JSON and the
 * shares it reads; owned by the caller */
json_t *up_service_config(const struct up *u, const struct model_service *svc);
/** up_choose() - the services asked for and all that they depend on, appended to @ret */
must_check int up_choose(const struct stack_model *m, const struct strv *services,
			 struct strv *ret, struct err *e);
/** up_plan() - fill u->configs and u->plan; @chosen NULL: all services */
void up_plan(struct up *u, const struct strv *chosen, bool force);
/** up_admit() - warn where the memory limits of all stacks are above what the host has
 * @strict: then -ENOMEM instead. */
must_check int up_admit(struct up *u, bool strict, struct err *e);
/** up_apply() - bring u->model about as u->plan says; undone as far as it can be on
 * failure */
must_check int up_apply(struct up *u, const struct strv *chosen, struct err *e);
/** wait_all_up() - does every service do what is wanted of it at this moment? */
bool wait_all_up(const struct record *rec, int stack_fd);
/** up_shares() - the record has the model's shares, and those that are new or say
 * something else now are shown */
must_check int up_shares(struct up *u, struct err *e);
/** up_take_steps() - carry out the plan; the record follows, step by step */
must_check int up_take_steps(struct up *u, struct err *e);
/** up_undo_steps() - what the plan created goes again; what it replaced is gone, and the
 * record says so; a stack that has nothing left is removed */
void up_undo_steps(struct up *u);
/** up_tell_supervisor() - the compiled spec, a supervisor that knows it, and what is
 * wanted
 * @chosen: only these services (NULL: all) */
must_check int up_tell_supervisor(struct up *u, const struct strv *chosen, struct err *e);

/** up_supervisor_left() - did sup_connect() or sup_call() fail with @r because the
 * supervisor died? One that was killed holds its lock for an instant longer, and a keeper
 * may start another: then waits a little, and the caller asks again.
 * @tries: how often it has; false after a second's worth */
bool up_supervisor_left(int r, int tries);

/** down_remove_stack() - bridge, shares, RUN/STACK; with the last stack RUN itself. Needs
 * both locks */
must_check int down_remove_stack(struct stack_host *h, const char *stack,
				 const char *bridge, struct err *e);

#endif
