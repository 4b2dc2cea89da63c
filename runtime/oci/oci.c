/* oci/oci.c - dispatch, --log, and our own executable out of a container's reach. See
 * oci.h. */
#include "runtime/oci/oci.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/oci/command.h"

static const struct oci_option global[] = {
	{ "root", 0, "DIR", "where containers' states are (default /run/minibox-oci)" },
	{ "log", 0, "FILE", "write failures to this file, too" },
	{ "log-format", 0, "FORMAT", "of that file: text or json" },
	{ "systemd-cgroup", 0, NULL,
	  "linux.cgroupsPath is SLICE:PREFIX:NAME; minibox makes the groups itself" },
	{ "rootless", 0, "WORD", "accepted; minibox oci is run as root" },
	{ "criu", 0, "PATH", "accepted; there is no checkpoint" },
	{ "debug", 0, NULL, "accepted; there is no debug log" },
	{ "help", 'h', NULL, "this text" },
	{ "version", 'v', NULL, "versions of minibox and of the specification" },
};

static const struct oci_command *const commands[] = {
	&oci_cmd_create, &oci_cmd_start,  &oci_cmd_run,      &oci_cmd_state,
	&oci_cmd_kill,   &oci_cmd_delete, &oci_cmd_exec,     &oci_cmd_ps,
	&oci_cmd_list,   &oci_cmd_pause,  &oci_cmd_resume,   &oci_cmd_update,
	&oci_cmd_events, &oci_cmd_spec,   &oci_cmd_features,
};

static void print_options(const struct oci_option *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *name = str_fmt("--%s%s%s", o[i].name, o[i].arg ? " " : "",
					       o[i].arg ? o[i].arg : "");

		printf("  %-26s %s\n", name, o[i].help);
	}
}

static void print_usage(void)
{
	printf("minibox oci is an OCI runtime (specification %s).\n\n"
	       "Usage: minibox oci [OPTIONS] COMMAND [OPTIONS] OPERANDS\n\n",
	       OCI_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nOptions:\n");
	print_options(global, ARRAY_LEN(global));
}

static const struct oci_command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_eq(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/*
 * The process that waits to become a container is this program. Run from a read-only
 * mount that stands nowhere, its /proc/PID/exe can be written by nobody, host's root
 * included (CVE-2019-5736). On failure we go on: on a kernel or file system that refuses
 * the clone the rest of the confinement stands.
 */
static void seal_self(const struct oci_run *o)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};
	struct statvfs fs;
	AUTO_CLOSE int tree = -1;

	if (statvfs("/proc/self/exe", &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return;
	tree = open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return;
	fflush(NULL);
	o->argv[0] = (char[]){ "minibox-oci" };
	syscall(SYS_execveat, tree, "", o->argv, environ, AT_EMPTY_PATH);
}

static int run_command(struct oci_run *o, const struct oci_command *c, char **argv,
		       int at, struct err *e)
{
	struct oci_args a = { STRV_INIT, STRV_INIT };
	int r = oci_args_parse(&a, argv, &at, c->options, c->n_options, e);

	for (; r == 0 && argv[at]; at++)
		strv_add(&a.operands, argv[at]);
	if (r == 0 && ((int)a.operands.n < c->min_operands ||
		       (c->max_operands >= 0 && (int)a.operands.n > c->max_operands)))
		r = err_msg(e, EINVAL, "usage: '%s %s'", c->name, c->operands);
	if (r == 0 && (c == &oci_cmd_create || c == &oci_cmd_run || c == &oci_cmd_exec))
		seal_self(o);
	if (r == 0)
		r = c->run(o, &a, e);
	oci_args_free(&a);
	return r;
}

/* Docker tells 127 and 126 (not found, not executable) by these words in the log, which
 * it has lower case, as Go spells them. */
static void spell_as_go(char *text)
{
	static const int codes[] = { ENOENT, EACCES };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		char *at = strstr(text, strerror(codes[i]));

		if (at)
			*at = (char)tolower((unsigned char)*at);
	}
}

static void write_log(const struct oci_args *g, const char *level, char *text)
{
	const char *path = oci_args_value(g, "log"),
		   *format = oci_args_value(g, "log-format");
	AUTO_CLOSE int fd = -1;
	AUTO_BUF struct buf line = BUF_INIT;
	struct err ignored = ERR_INIT;
	char when[40];
	time_t now = time(NULL);

	if (!path || !*path)
		return;
	spell_as_go(text);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	if (format && str_eq(format, "json")) {
		AUTO_JSON json_t *j = json_object();
		AUTO_FREE char *dump = NULL;

		json_object_set_new(j, "level", json_string(level));
		json_object_set_new(j, "msg", json_text(text));
		json_object_set_new(j, "time", json_string(when));
		dump = json_dumps(j, JSON_COMPACT);
		buf_addf(&line, "%s\n", dump ? dump : "{}");
	} else {
		buf_addf(&line, "time=\"%s\" level=%s msg=\"%s\"\n", when, level, text);
	}
	/* Standard error has it already. */
	if (fd >= 0 && fd_write_all(fd, line.data, line.len, path, &ignored) < 0)
		err_clear(&ignored);
}

static int dispatch(struct oci_run *o, struct oci_args *g, char **argv, struct err *e)
{
	const struct oci_command *c;
	const char *root;
	int at = 1, r = oci_args_parse(g, argv, &at, global, ARRAY_LEN(global), e);

	if (r < 0)
		return r;
	if (oci_args_flag(g, "version")) {
		printf("minibox oci version %s\nspec: %s\n", MINIBOX_VERSION,
		       OCI_VERSION);
		return 0;
	}
	if (oci_args_flag(g, "help") || !argv[at]) {
		print_usage();
		return argv[at] || oci_args_flag(g, "help") ? 0 : 2;
	}
	c = find(argv[at]);
	if (!c)
		return err_msg(e, EINVAL, "unknown command '%s' (see minibox oci --help)",
			       argv[at]);
	o->systemd = oci_args_flag(g, "systemd-cgroup");
	/* not to standard error, which is the container's */
	if (o->systemd && (c == &oci_cmd_create || c == &oci_cmd_run))
		write_log(g, "warning",
			  (char[]){ "systemd-cgroup: minibox makes the groups "
				    "itself; systemd is not told of a scope" });
	root = oci_args_value(g, "root");
	if (!c->stateless)
		r = oci_state_root(root && *root ? root : "/run/minibox-oci", &o->root,
				   e);
	return r < 0 ? r : run_command(o, c, argv, at + 1, e);
}

int oci_main(int argc, char **argv, int (*attach)(struct container *c, struct err *e))
{
	struct oci_run o = { .root = -1, .argv = argv, .attach = attach };
	struct oci_args g = { STRV_INIT, STRV_INIT };
	struct err e = ERR_INIT;
	int r = argc > 0 ? dispatch(&o, &g, argv, &e) : 2;

	if (r < 0) {
		AUTO_FREE char *text = str_dup(err_text(&e));

		str_sanitize(text);
		fprintf(stderr, "minibox oci: %s\n", text);
		write_log(&g, "error", text);
		r = 1;
	}
	if (fflush(stdout) != 0 && r == 0)
		r = 1;
	fd_auto_close(&o.root);
	oci_args_free(&g);
	return r;
}
