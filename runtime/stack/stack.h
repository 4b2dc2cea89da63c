/*
 * stack/stack.h - stacks: the model of a file, what runs of it, and the steps between.
 *
 * The only room that knows images, networks and containers together. Its callers (cli)
 * speak of stacks and services by name. What a stack file says is in model.h.
 *
 * On disk: see record.h (RUN/STACK/…) and host.c (the two roots). A service's life:
 * instance_create() makes its kernel objects and pins them by name; the supervisor has it
 * launched from its stored spec, any number of times; instance_destroy() removes all.
 */
#ifndef STACK_H
#define STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "images/image.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/stack/model.h"
#include "runtime/supervisor/supervisor.h"

enum {
	STACK_E_ABSENT = 1, /* no such running stack or service */
	STACK_E_NO_EARLIER, /* no model to go back to is known */
};

/* The two directories everything is in, opened once. */
struct stack_host {
	char *root, *run;    /* absolute */
	int root_fd, run_fd; /* run_fd: -1 until stack_host_run() */
	char exe_dir[240];
	char id[10]; /* "" for the default run directory, else 8 hex: part of all names */
	struct cgroup_host *cgroups;
};

/**
 * stack_host_open() - find or make ROOT; RUN is only opened if it is there
 * @root, @run: as given by the user (made absolute)
 * -EPERM unless root, or when a directory is not root's own with mode 0700.
 */
must_check int stack_host_open(const char *root, const char *run, struct stack_host **ret,
			       struct err *e);
/** stack_host_look() - the same for stack_plan() alone: nothing is made, and ROOT need
 * not be there */
must_check int stack_host_look(const char *root, const char *run, struct stack_host **ret,
			       struct err *e);
struct stack_host *stack_host_free(struct stack_host *h);
/** stack_list() - names of the stacks that exist in RUN, sorted */
must_check int stack_list(const struct stack_host *h, struct strv *ret, struct err *e);
bool stack_exists(const struct stack_host *h, const char *stack);
/** stack_files() - the files an existing stack was made from; STACK_E_ABSENT */
must_check int stack_files(const struct stack_host *h, const char *stack,
			   struct strv *ret, struct err *e);
/** stack_used_images() - ids of the images that existing containers were made from, and
 * of those that a rollback would take
 * @ret_lock: as long as it is open no further container is made; owned by the caller */
must_check int stack_used_images(struct stack_host *h, struct strv *ret, int *ret_lock,
				 struct err *e);

/** stack_size() - bytes from a size as a stack file has it: "512m", "1.5g"; false if it
 * is none */
bool stack_size(const char *text, uint64_t *ret);

/**
 * stack_mount_image() - mount an image's root file system, read-only, for a look
 * @ret_path: where, below RUN; owned by the caller. The same as before if it is mounted
 *            already. It counts as a use of the image until stack_umount_image().
 */
must_check int stack_mount_image(struct stack_host *h, struct image_store *s,
				 const struct image *img, char **ret_path, struct err *e);
/** stack_umount_image() - 0; STACK_E_ABSENT if it is not mounted; -EBUSY while somebody
 * is in it */
must_check int stack_umount_image(struct stack_host *h, const struct image *img,
				  struct err *e);

/* What is below ROOT beside the image store, in bytes of whole blocks. */
struct stack_df {
	size_t containers, volumes, logs; /* logs: of stacks */
	uint64_t container_bytes, volume_bytes, log_bytes;
	uint64_t other_bytes; /* locks, and whatever else lies there */
};
/** stack_df() - count it; what was counted with @d already is not counted again */
must_check int stack_df(struct stack_host *h, struct du *d, struct stack_df *ret,
			struct err *e);

/* What `up` does about a service. */
enum stack_step_kind {
	STEP_KEEP,
	STEP_START,    /* its container is there, and stays; its process is not */
	STEP_RESTART,  /* stopped and started: what it depends on is made anew */
	STEP_REFRESH,  /* changed while it runs */
	STEP_CREATE,   /* there is no container of it */
	STEP_RECREATE, /* another container in place of the one it has */
	STEP_REMOVE,
	STEP_KINDS
};
/* One difference between what is wanted and what is; values that are secret or may hold
 * a secret are "******". */
struct stack_change {
	char *key; /* "mem_limit", "environment.COLOUR", "image" */
	char *was, *is;
	char *file; /* where the directive stands that says @is; NULL: nowhere */
	unsigned line;
};
struct stack_step {
	enum stack_step_kind kind;
	char *service;
	char *reason; /* for people, on one line: the changes, or "is stopped" */
	struct stack_change *changes;
	size_t n_changes;
};
struct stack_plan {
	struct stack_step *steps;
	size_t n;
};
/** stack_step_name() - "keep", "recreate", … */
const char *stack_step_name(enum stack_step_kind kind);
void stack_plan_free(struct stack_plan *p);

/* What happens while a command works; any member may be NULL. */
struct stack_watch {
	void (*note)(void *arg, const char *service, const char *text);
	const struct image_progress *images;
	void *arg;
};

struct stack_up_opts {
	struct strv services; /* empty: all */
	bool force_recreate;
	bool strict; /* memory limits above what the host has are an error */
	const struct sup_unit *unit; /* we are a unit's main process, and the supervisor
					is to be it after us; NULL: we are not */
};
/**
 * stack_plan() - what stack_up() would do, and why
 * @h, @store: from stack_host_look() and image_store_look()
 * Nothing is made, loaded, locked or changed. Fails as stack_up() would for an image that
 * is nowhere or a limit that --strict refuses; ports are not looked at.
 */
must_check int stack_plan(struct stack_host *h, struct image_store *store,
			  const struct stack_model *m, const struct stack_up_opts *o,
			  struct stack_plan *ret, struct err *e);
struct stack_up_result {
	bool founded; /* nothing of the stack existed before */
	bool changed; /* something was begun, whether it came to its end or not */
};
/**
 * stack_up() - bring what exists to what the model says; returns once the supervisor is
 * told
 * @ret: may be NULL; filled in any case
 * Validation, images and ports come first: when one of them fails nothing was touched. A
 * failure while objects are made removes the new ones again; services that were kept
 * still run. Where nothing is to be done nothing is written. What was there before can be
 * gone back to: stack_rollback().
 */
must_check int stack_up(struct stack_host *h, struct image_store *store,
			const struct stack_model *m, const struct stack_up_opts *o,
			const struct stack_watch *w, struct stack_up_result *ret,
			struct err *e);
/**
 * stack_prove() - after stack_wait(): if all services are up at once, remember that the
 * present model came up; a later change keeps it to go back to, and --rollback does not
 * leave it
 */
must_check int stack_prove(struct stack_host *h, const char *stack, struct err *e);
/**
 * stack_rollback() - bring the stack back to the model before the last `up` that changed
 * it: images, configuration, environment. A model that never came up is not gone back to
 * while one that did is known.
 * @unproven_only: only if the present model has not come up (--rollback); else nothing is
 * done
 * Files and images are as they were kept: neither the stack file nor an env_file is read,
 * no archive is looked at. It is itself an `up`: when it was killed or has failed it can
 * be asked for again, and the model that it leaves, if that had come up, is the one to
 * go back to next.
 * Return: 0; STACK_E_ABSENT; STACK_E_NO_EARLIER; -errno, and that model stays known
 */
must_check int stack_rollback(struct stack_host *h, struct image_store *store,
			      const char *stack, bool unproven_only,
			      const struct stack_watch *w, struct err *e);

struct stack_failure { /* why stack_wait() gave up */
	char *service; /* NULL: none failed */
	char *text;
};
/**
 * stack_wait() - until every wanted service is up (healthy where it has a healthcheck)
 * @services: empty: all. @timeout_ms: -1 for ever. @stop: polled with @stop_arg, may be
 * NULL; true ends the wait (-EINTR) Return: 0 also when a service failed: then
 * @ret_failure names it (owned by the caller).
 */
must_check int stack_wait(struct stack_host *h, const char *stack,
			  const struct strv *services, int64_t timeout_ms,
			  const struct stack_watch *w, bool (*stop)(void *arg),
			  void *stop_arg, struct stack_failure *ret_failure,
			  struct err *e);

/**
 * stack_down() - stop in reverse order, remove everything of the stack but named volumes
 * @volumes: these too. Absent is done. @timeout_ms: -1: each service's own.
 * Goes on past failures and reports the first: what can be removed is removed.
 */
must_check int stack_down(struct stack_host *h, const char *stack, bool volumes,
			  int64_t timeout_ms, struct err *e);

/**
 * stack_leave() - stop in reverse order, then let the supervisor end; containers stay
 * Nothing running is done; STACK_E_ABSENT. @timeout_ms: -1: each service's own.
 */
must_check int stack_leave(struct stack_host *h, const char *stack, int64_t timeout_ms,
			   struct err *e);
/** stack_keeper() - pid of the resident process whose end is the supervisor's end.
 * -ESRCH when none runs */
must_check int stack_keeper(const struct stack_host *h, const char *stack, pid_t *ret,
			    struct err *e);

/** stack_call() - a supervisor's operation on services (empty: all), starting a
 * supervisor that died. STACK_E_ABSENT when the stack or service does not exist */
must_check int stack_call(struct stack_host *h, const char *stack,
			  const struct strv *services, enum sup_op op, int64_t arg,
			  struct err *e);
/** stack_watch_open() - a connection on which the supervisor sends events; owned by the
 * caller */
must_check int stack_watch_open(struct stack_host *h, const char *stack, int *ret,
				struct err *e);

struct stack_service_info {
	char *stack, *service, *image, *image_id, *id, *address, *ports, *text;
	const char *state; /* as `ps --json` prints it */
	struct sup_status status;
	bool has_health, userns, oneoff;
	uint64_t memory_bytes;
	uint64_t oom_kills; /* since the container was made */
	char *oom; /* the same for people, with victim, peak and limit; NULL: none */
	struct strv publish; /* "127.0.0.1:8000->80/tcp" */
};
/** stack_ps() - one entry a service, in the file's order; owned by the caller
 * (stack_ps_free) */
must_check int stack_ps(struct stack_host *h, const char *stack,
			struct stack_service_info **ret, size_t *n, struct err *e);
void stack_ps_free(struct stack_service_info *list, size_t n);
struct stack_stats { /* of a container that runs */
	char *stack, *service;
	uint64_t at_ns;                    /* CLOCK_MONOTONIC, when it was read */
	uint64_t memory_limit, pids_limit; /* the service's, else the stack's; 0: none */
	struct cgroup_stats use;
	uint64_t rx_bytes, tx_bytes;
};
/** stack_stats() - one entry a running container, appended to *@list of *@n (owned by the
 * caller, stack_stats_free()). Where the kernel counts no blocks for the group, those of
 * its processes are summed. STACK_E_ABSENT */
must_check int stack_stats(struct stack_host *h, const char *stack,
			   struct stack_stats **list, size_t *n, struct err *e);
void stack_stats_free(struct stack_stats *list, size_t n);

struct stack_process {
	pid_t pid, inside; /* inside: as the container sees it, 0: it does not */
	char *user;        /* a name of the container's, else a number */
	char *command;
	uint64_t cpu_ms, age_ms, rss_bytes;
};
/** stack_top() - the processes of a service by its group; owned by the caller
 * (stack_top_free()). STACK_E_ABSENT */
must_check int stack_top(struct stack_host *h, const char *stack, const char *service,
			 struct stack_process **ret, size_t *n, struct err *e);
void stack_top_free(struct stack_process *list, size_t n);

/** stack_inspect() - a service's record, spec (environment values masked) and status */
must_check int stack_inspect(struct stack_host *h, const char *stack, const char *service,
			     json_t **ret, struct err *e);
/** stack_logs_fd() - directory ROOT/logs/STACK, owned by the caller. STACK_E_ABSENT */
must_check int stack_logs_fd(const struct stack_host *h, const char *stack, int *ret,
			     struct err *e);

/* What exec and run replace of a service's stored spec; NULL or empty: as it is. */
struct stack_override {
	struct strv args, env;
	const char *user, *cwd;
	bool tty;
	bool die_with_parent; /* killed when the caller ends, with all it started */
	int stdio[3];
};
struct container; /* the process; see container.h for what may be asked of it */
/** stack_exec() - start a command in a running service. STACK_E_ABSENT: not there */
must_check int stack_exec(struct stack_host *h, const char *stack, const char *service,
			  const struct stack_override *o, struct container **ret,
			  int *ret_exec_errno, struct err *e);

struct stack_oneoff; /* a container of `run` */
/**
 * stack_run() - make and start a one-off container of @service on the stack's network
 * @with_deps: bring its dependencies up first (and wait for them)
 * @ret: owned by the caller, stack_run_end() when the process has ended
 * Without with_deps and without a running stack, the network is made for it alone.
 */
must_check int stack_run(struct stack_host *h, struct image_store *store,
			 const struct stack_model *m, const char *service, bool with_deps,
			 const struct stack_override *o, const struct stack_watch *w,
			 struct stack_oneoff **ret, int *ret_exec_errno, struct err *e);
struct container *stack_run_container(struct stack_oneoff *o);
/** stack_run_end() - remove the container; a network that nothing else uses goes a second
 * later */
must_check int stack_run_end(struct stack_host *h, struct stack_oneoff *o, struct err *e);
/** stack_tidy() - wait until a stack without containers has been unused for a second;
 * remove it */
must_check int stack_tidy(struct stack_host *h, const char *stack, struct err *e);

/**
 * stack_oom_watch() - v1's oom_group: wait until memory ran out in a service, kill the
 * rest
 * @known: kills that were counted before its process was started. Ends with the service.
 */
must_check int stack_oom_watch(struct stack_host *h, const char *stack,
			       const char *service, uint64_t known, struct err *e);

/* The short-lived helpers that the supervisor runs. */
/** stack_launch() - start a service's process from its stored spec; @ret also tells a
 * failure
 * @ret_tty: master of its terminal, owned by the caller; -1 without one, and on failure
 */
must_check int stack_launch(struct stack_host *h, const char *stack, const char *service,
			    struct sup_launch_report *ret, int *ret_tty, struct err *e);
/** stack_health() - run a service's healthcheck command; *@ret_code is its exit status */
must_check int stack_health(struct stack_host *h, const char *stack, const char *service,
			    int *ret_code, struct err *e);
/** stack_refresh() - show @service's present root in all readers of its shares */
must_check int stack_refresh(struct stack_host *h, const char *stack, const char *service,
			     struct err *e);

#endif
