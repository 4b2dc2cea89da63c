/*
 * cli/args.h - one command's parsed arguments. Private.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdint.h>

#include "runtime/cli/cli.h"

enum { ARGS_OPTS = 32 };

struct cli_args {
	const struct cli_opt *opts[ARGS_OPTS]; /* the command's and the global ones */
	struct strv values[ARGS_OPTS];         /* "" for each time a flag stood there */
	size_t n_opts;
	struct strv operands;
};

/** args_init() - the options that may come: @cmd's (may be NULL) and the global ones */
void args_init(struct cli_args *a, const struct cli_command *cmd);
void args_free(struct cli_args *a);
/**
 * args_parse() - options and operands from argv[*at] on
 * @stop_at_operand: leave everything from the first operand on as operands
 * @only_options: stop in front of the first operand (*at tells where)
 * -EINVAL naming an unknown option, with a suggestion.
 */
must_check int args_parse(struct cli_args *a, int argc, char **argv, int *at,
			  bool stop_at_operand, bool only_options, struct err *e);
bool args_flag(const struct cli_args *a, const char *name);
/** args_value() - the last one given, or NULL; borrowed */
const char *args_value(const struct cli_args *a, const char *name);
/** args_list() - all values of an option that may be repeated; borrowed */
const struct strv *args_list(const struct cli_args *a, const char *name);
/** args_help() - the options of @opts, aligned, to standard output */
void args_help(const struct cli_opt *opts, size_t n);
extern const struct cli_opt args_global[];
extern const size_t args_n_global;
/** args_duration() - "10", "10s", "1m30s", "500ms", "7d" as milliseconds; -EINVAL names
 * @what
 */
must_check int args_duration(const char *text, const char *what, int64_t *ret,
			     struct err *e);
/** args_since() - "10m" (before now), "2026-01-31T12:00:00Z",
 * "2026-01-31T12:00:00.5+02:00" or "2026-01-31" (of UTC) as wall clock in nanoseconds;
 * -EINVAL names @what
 */
must_check int args_since(const char *text, const char *what, uint64_t *ret,
			  struct err *e);

#endif
