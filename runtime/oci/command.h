/*
 * oci/command.h - one command's arguments and what all commands share. Private.
 *
 * Options may be written with one dash or two, "--name value" or "--name=value"; those of
 * a command end at its first operand, as those of runc do.
 */
#ifndef OCI_COMMAND_H
#define OCI_COMMAND_H

#include "runtime/container/container.h"
#include "runtime/oci/config.h"
#include "runtime/oci/state.h"

struct oci_option {
	const char *name;
	char letter;     /* 0: none */
	const char *arg; /* what its value is called; NULL: a flag */
	const char *help;
};

struct oci_args {
	struct strv values; /* NAME=VALUE in order; of a flag NAME= */
	struct strv operands;
};

struct oci_run {
	int root; /* of all states */
	bool systemd;
	const char *argv0;
	char **argv;
	int (*attach)(struct container *c, struct err *e);
};

struct oci_command {
	const char *name, *operands, *summary;
	int min_operands, max_operands; /* -1: any number */
	bool stateless; /* has nothing to do with containers: --root is not opened */
	const struct oci_option *options;
	size_t n_options;
	/* Return: exit status, or -errno with @e filled */
	int (*run)(struct oci_run *o, const struct oci_args *a, struct err *e);
};

/** oci_args_parse() - options from argv[*at] on; stops in front of the first operand */
must_check int oci_args_parse(struct oci_args *a, char **argv, int *at,
			      const struct oci_option *options, size_t n, struct err *e);
void oci_args_free(struct oci_args *a);
/** oci_args_value() - the last one given or NULL; borrowed */
const char *oci_args_value(const struct oci_args *a, const char *name);
bool oci_args_flag(const struct oci_args *a, const char *name);
/** oci_args_list() - all values of an option that may be repeated, appended */
void oci_args_list(const struct oci_args *a, const char *name, struct strv *ret);

/** oci_console_connect() - a connection to the socket that wants the terminal */
must_check int oci_console_connect(const char *path, int *ret, struct err *e);
/** oci_pid_file() - make the file @path whole, with @pid in it */
must_check int oci_pid_file(const char *path, pid_t pid, struct err *e);
/** oci_preserve_fds() - --preserve-fds and the LISTEN_FDS of the environment */
must_check int oci_preserve_fds(const struct oci_args *a, struct oci_config *c,
				struct err *e);
/** oci_kill() - @sig to the container's process; -ESRCH when it is gone */
must_check int oci_kill(const struct oci_state *s, int sig, struct err *e);
/** oci_signal() - "TERM", "SIGTERM", "15" as a number, 0 when there is no such */
int oci_signal(const char *name);
/** oci_delete() - processes, cgroup, state, then the poststop hooks */
must_check int oci_delete(struct oci_state *s, struct err *e);

extern const struct oci_command oci_cmd_create, oci_cmd_start, oci_cmd_run, oci_cmd_state,
	oci_cmd_kill, oci_cmd_delete, oci_cmd_exec, oci_cmd_ps, oci_cmd_list,
	oci_cmd_pause, oci_cmd_resume, oci_cmd_update, oci_cmd_events, oci_cmd_spec,
	oci_cmd_features;

#endif
