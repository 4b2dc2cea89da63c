/*
 * cli/cli.h - the command line: options, dispatch, exit status, output.
 *
 * Knows argv and the terminal. A command is one row of main.c's table and one cmd_*.c
 * file. Results go to standard output, everything else to standard error.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct cli;
struct cli_args;

struct cli_opt {
	char letter;      /* 0: none */
	const char *name; /* long */
	const char *arg;  /* what its value is called; NULL: a flag */
	const char *help;
};

struct cli_command {
	const char *name;
	const char *operands; /* for usage, e.g. "[FILE] [SERVICE...]" */
	const char *summary;
	const char *more;               /* examples and notes of --help; may be NULL */
	int min_operands, max_operands; /* -1: any number */
	bool stop_at_operand;           /* options after the first operand belong to it */
	bool hidden;
	int fail_status; /* exit status of a failure that has no other: 1, or 125 */
	const struct cli_opt *opts;
	size_t n_opts;
	/* Return: exit status, or -errno with @e filled */
	int (*run)(struct cli *c, const struct cli_args *a, struct err *e);
	/* instead of run: all that follows the name, argv[0], is the command's own affair
	 */
	int (*raw)(int argc, char **argv);
};

/** cli_main() - parse, dispatch, print the one line of a failure; returns the exit status
 */
int cli_main(const struct cli_command *commands, size_t n, int argc, char **argv);

extern const struct cli_command cmd_up, cmd_plan, cmd_rollback, cmd_down, cmd_ps,
	cmd_logs, cmd_exec, cmd_run, cmd_start, cmd_stop, cmd_restart, cmd_kill,
	cmd_config, cmd_load, cmd_pull, cmd_images, cmd_rmi, cmd_import, cmd_save,
	cmd_tag, cmd_prune, cmd_df, cmd_mount, cmd_umount, cmd_inspect, cmd_launch,
	cmd_health, cmd_refresh, cmd_tidy, cmd_oom, cmd_oci, cmd_events, cmd_stats,
	cmd_top, cmd_port, cmd_metrics, cmd_answer, cmd_unit;

#endif
