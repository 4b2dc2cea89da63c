/*
 * cli/context.h - what all commands share: the host, the store, naming of stacks.
 * Private.
 */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "runtime/cli/args.h"
#include "runtime/cli/progress.h"
#include "runtime/stack/stack.h"

struct cli {
	const char *root, *run, *name; /* name: -p, or NULL */
	const char *unpacked_max;      /* --max-unpacked-size, or NULL */
	bool color, terminal;          /* of standard error */
	bool quiet;
	bool look; /* host and store are opened to be looked at: nothing is made */
	int fail_status;
	struct progress progress;
	struct image_progress images; /* calls it */
	struct stack_host *host;      /* opened at first use */
	struct image_store *store;    /* likewise */
};

/** cli_host() - open ROOT and RUN; borrowed from @c */
must_check int cli_host(struct cli *c, struct stack_host **ret, struct err *e);
/** cli_store() - open the image store; borrowed from @c */
must_check int cli_store(struct cli *c, struct image_store **ret, struct err *e);
/** cli_store_done() - close it, before a long time in which it is not needed: only who is
 * alone with it clears away what killed loads have left */
void cli_store_done(struct cli *c);
/** cli_usage() - a failure of the user's: exit status 2. Use as err_msg(). Return:
 * -EINVAL */
int cli_usage(struct cli *c, struct err *e, const char *fmt, ...) printf_like(3, 4);

/**
 * cli_model() - load the stack files that the arguments name
 * @file: an operand (a path, or the name of a running stack), or NULL: -f's, else
 * ./stack.conf
 * @services: named by the user, so taken whatever their profiles; NULL: none
 * Diagnostics are printed; exit status 2.
 */
must_check int cli_model(struct cli *c, const struct cli_args *a, const char *file,
			 const struct strv *services, struct stack_model **ret,
			 struct err *e);
/** cli_split() - the operands of `up` and `plan`: the services go to @services; the file
 * before them is the result, NULL if none is named; borrowed */
const char *cli_split(const struct cli_args *a, struct strv *services);
/** cli_files() - absolute paths of the files that cli_model() would load, without those
 * that they include; appended to @ret */
must_check int cli_files(struct cli *c, const struct cli_args *a, const char *file,
			 struct strv *ret, struct err *e);
/** cli_stack() - the name of the stack that @operand means: a running stack's name, a
 * file's path, or NULL: the default file's. Owned by the caller. */
must_check int cli_stack(struct cli *c, const struct cli_args *a, const char *operand,
			 char **ret, struct err *e);
/** cli_running_stack() - the same of a stack that runs, also where its file has become
 * one that cannot be read */
must_check int cli_running_stack(struct cli *c, const struct cli_args *a,
				 const char *operand, char **ret, struct err *e);
/** cli_service() - split "SERVICE" or "STACK/SERVICE"; both owned by the caller */
must_check int cli_service(struct cli *c, const struct cli_args *a, const char *operand,
			   char **ret_stack, char **ret_service, struct err *e);
/** cli_services() - operands that name services of one stack, or that stack alone
 * Without any, *@ret_stack is the default stack. Nothing is added to @services where all
 * are meant. *@ret_stack is owned by the caller. */
must_check int cli_services(struct cli *c, const struct cli_args *a, char **ret_stack,
			    struct strv *services, struct err *e);
/** cli_no_service() - the error for a service that is not there. Return: -ENOENT */
int cli_no_service(struct err *e, const char *stack, const char *service);

/** cli_watch() - notes on what `up` does, to standard error; lives as long as @c */
struct stack_watch cli_watch(struct cli *c);
/** cli_size() - "12.3 MiB" into @ret (at least 16 bytes); returns @ret */
char *cli_size(uint64_t bytes, char *ret);
/** cli_time() - RFC 3339 in UTC with milliseconds into @ret (at least 32 bytes); "" for 0
 */
char *cli_time(uint64_t wall_ns, char *ret);
/** cli_print_json() - indented, to standard output; takes the reference */
void cli_print_json(json_t *j);

#endif
