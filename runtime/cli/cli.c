/* cli/cli.c - dispatch: find the command, parse its arguments, print its failure. See
 * cli.h. */
#include "runtime/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/log.h"
#include "runtime/cli/context.h"

static void print_commands(const struct cli_command *commands, size_t n)
{
	printf("minibox runs stacks of containers from image tarballs, without a "
	       "daemon.\n\n"
	       "Usage: minibox COMMAND [OPTIONS] [OPERANDS]\n\n");
	for (size_t i = 0; i < n; i++)
		if (!commands[i].hidden)
			printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	printf("\nOptions of every command:\n");
	args_help(args_global, args_n_global);
	printf("\n`minibox COMMAND --help` tells more. STACK is a stack file's path or a "
	       "running\n"
	       "stack's name; left out, it is ./stack.conf. SERVICE may be "
	       "STACK/SERVICE.\n");
}

static void print_help(const struct cli_command *cmd)
{
	printf("Usage: minibox %s%s%s%s\n\n%s.\n", cmd->name,
	       cmd->n_opts ? " [OPTIONS]" : "", *cmd->operands ? " " : "", cmd->operands,
	       cmd->summary);
	if (cmd->more)
		printf("\n%s\n", cmd->more);
	if (cmd->n_opts)
		printf("\nOptions:\n");
	args_help(cmd->opts, cmd->n_opts);
	printf("\nOptions of every command:\n");
	args_help(args_global, args_n_global);
}

static const struct cli_command *find(const struct cli_command *commands, size_t n,
				      const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown_command(const struct cli_command *commands, size_t n, const char *name,
			   struct err *e)
{
	const char *best = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < n; i++) {
		unsigned d = str_distance(name, commands[i].name, 2);

		if (!commands[i].hidden && d < least) {
			least = d;
			best = commands[i].name;
		}
	}
	if (best)
		return err_msg(e, EINVAL, "unknown command '%s' (did you mean '%s'?)",
			       name, best);
	return err_msg(e, EINVAL, "unknown command '%s' (see minibox --help)", name);
}

static const char *setting(const struct cli_args *a, const char *option,
			   const char *variable, const char *fallback)
{
	const char *v = args_value(a, option);

	if (!v)
		v = getenv(variable);
	return v && *v ? v : fallback;
}

static void settle(struct cli *c, const struct cli_args *a, const struct cli_command *cmd)
{
	const char *no_color = getenv("NO_COLOR");

	c->root = setting(a, "root", "MINIBOX_ROOT", "/var/lib/minibox");
	c->run = setting(a, "run", "MINIBOX_RUN", "/run/minibox");
	c->name = args_value(a, "name");
	c->unpacked_max = args_value(a, "max-unpacked-size");
	c->terminal = isatty(STDERR_FILENO);
	c->color = c->terminal && !args_flag(a, "no-color") && !(no_color && *no_color);
	c->fail_status = cmd->fail_status ? cmd->fail_status : 1;
	c->quiet = args_flag(a, "quiet");
	log_set_quiet(c->quiet);
}

static int check_operands(const struct cli_command *cmd, const struct cli_args *a,
			  struct err *e)
{
	int n = (int)a->operands.n;

	if (n < cmd->min_operands)
		return err_msg(e, EINVAL, "'%s' wants more operands: minibox %s %s",
			       cmd->name, cmd->name, cmd->operands);
	if (cmd->max_operands >= 0 && n > cmd->max_operands)
		return err_msg(e, EINVAL, "'%s' does not take '%s': minibox %s %s",
			       cmd->name, a->operands.v[cmd->max_operands], cmd->name,
			       cmd->operands);
	return 0;
}

static int run_command(const struct cli_command *cmd, struct cli_args *a, struct err *e)
{
	struct cli c = { 0 };
	int r;

	settle(&c, a, cmd);
	r = cmd->run(&c, a, e);
	progress_end(&c.progress);
	image_store_free(c.store);
	stack_host_free(c.host);
	return r < 0 ? c.fail_status : r;
}

/* Global options may stand before the command's name: they are handed on to its own
 * parse. */
static int dispatch(const struct cli_command *commands, size_t n, int argc, char **argv,
		    struct err *e)
{
	const struct cli_command *cmd;
	struct cli_args a, pre;
	int at = 1, status = 2;

	args_init(&pre, NULL);
	if (args_parse(&pre, argc, argv, &at, false, true, e) < 0)
		goto out;
	if (args_flag(&pre, "version")) {
		printf("minibox %s\n", MINIBOX_VERSION);
		status = 0;
		goto out;
	}
	if (args_flag(&pre, "help") || at >= argc) {
		print_commands(commands, n);
		status = args_flag(&pre, "help") ? 0 : 2;
		goto out;
	}
	cmd = find(commands, n, argv[at]);
	if (!cmd) {
		(void)unknown_command(commands, n, argv[at], e);
		goto out;
	}
	if (cmd->raw) {
		status = cmd->raw(argc - at, argv + at);
		goto out;
	}
	args_init(&a, cmd);
	for (size_t i = 0; i < args_n_global; i++)
		strv_copy(&a.values[cmd->n_opts + i], &pre.values[i]);
	at++;
	if (args_parse(&a, argc, argv, &at, cmd->stop_at_operand, false, e) == 0) {
		if (args_flag(&a, "help")) {
			print_help(cmd);
			status = 0;
		} else if (check_operands(cmd, &a, e) == 0) {
			status = run_command(cmd, &a, e);
		}
	}
	args_free(&a);
out:
	args_free(&pre);
	return status;
}

/* A standard fd that the caller closed would be the number of the first file we open: it
 * would take our output, and `run` and `exec` would hand it into a container. What stands
 * there instead refuses reading or writing, as a closed one does. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(125);
}

int cli_main(const struct cli_command *commands, size_t n, int argc, char **argv)
{
	struct err e = ERR_INIT;
	int status;

	fill_standard_fds();
	/* what asks for a runtime's path calls it without a command of ours before its
	 * own
	 */
	if (argc > 0 && str_ends(argv[0], "minibox-oci"))
		return cmd_oci.raw(argc, argv);
	status = dispatch(commands, n, argc, argv, &e);

	if (e.code) {
		char *text = str_dup(err_text(&e));

		str_sanitize(text); /* names may come from an image */
		fprintf(stderr, "minibox: %s\n", text);
		free(text);
	}
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0) {
		fprintf(stderr, "minibox: write standard output: %s\n", strerror(errno));
		status = 1;
	}
	return status;
}
