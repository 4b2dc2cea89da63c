/* cli/cmd_import.c - `import`: an image from a root file system's tarball. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/cli/context.h"

/* As a Dockerfile has it: ["a", "b"] are words, anything else is a line for the shell. */
static int get_command(const struct cli_args *a, const char *opt, struct strv *ret,
		       struct err *e)
{
	const char *text = args_value(a, opt);
	AUTO_JSON json_t *j = NULL;
	const json_t *word;
	size_t i;

	if (!text)
		return 0;
	if (*text != '[') {
		strv_add(ret, "/bin/sh");
		strv_add(ret, "-c");
		strv_add(ret, text);
		return 0;
	}
	if (json_parse(text, strlen(text), text, &j, e) < 0)
		return err_ctx(e, "--%s", opt);
	json_array_foreach (j, i, word) {
		if (!json_is_string(word))
			return err_msg(e, EINVAL, "--%s '%s' is not a list of words", opt,
				       text);
		strv_add(ret, json_string_value(word));
	}
	return 0;
}

/* 80, 53/udp, 6000/tcp */
static int get_port(const char *text, struct strv *ret, struct err *e)
{
	size_t n = strspn(text, "0123456789");
	AUTO_FREE char *number = str_ndup(text, n);
	unsigned long long port = 0;

	if (!str_u64(number, 65535, &port) || port == 0 ||
	    (text[n] && !str_eq(text + n, "/tcp") && !str_eq(text + n, "/udp") &&
	     !str_eq(text + n, "/sctp")))
		return err_msg(e, EINVAL, "--expose '%s' is no port (80, 53/udp)", text);
	strv_take(ret, str_fmt("%llu%s", port, text[n] ? text + n : "/tcp"));
	return 0;
}

static int get_pairs(const struct cli_args *a, const char *opt, struct strv *ret,
		     struct err *e)
{
	const struct strv *list = args_list(a, opt);

	strv_foreach (i, list) {
		const char *eq = strchr(list->v[i], '=');

		if (!eq || eq == list->v[i])
			return err_msg(e, EINVAL, "--%s '%s' is not KEY=VALUE", opt,
				       list->v[i]);
		strv_set_env(ret, list->v[i]);
	}
	return 0;
}

static int check_path(const char *opt, const char *path, struct err *e)
{
	return !path || *path == '/'
		       ? 0
		       : err_msg(e, EINVAL, "--%s '%s' is not an absolute path", opt,
				 path);
}

static int get_lists(const struct cli_args *a, struct image *ret, struct err *e)
{
	const struct strv *ports = args_list(a, "expose"), *vols = args_list(a, "volume");
	int r = get_pairs(a, "env", &ret->env, e);

	if (r == 0)
		r = get_pairs(a, "label", &ret->labels, e);
	for (size_t i = 0; r == 0 && i < ports->n; i++)
		r = get_port(ports->v[i], &ret->ports, e);
	for (size_t i = 0; r == 0 && i < vols->n; i++)
		r = check_path("volume", vols->v[i], e);
	strv_copy(&ret->volumes, vols);
	return r;
}

static int get_config(const struct cli_args *a, struct image *ret, struct err *e)
{
	int r = get_command(a, "entrypoint", &ret->entrypoint, e);

	if (r == 0)
		r = get_command(a, "cmd", &ret->cmd, e);
	if (r == 0)
		r = get_lists(a, ret, e);
	if (r == 0)
		r = check_path("workdir", args_value(a, "workdir"), e);
	ret->user = str_dup(args_value(a, "user"));
	ret->workdir = str_dup(args_value(a, "workdir"));
	ret->stop_signal = str_dup(args_value(a, "stop-signal"));
	if (a->operands.n > 1)
		strv_add(&ret->names, a->operands.v[1]);
	return r;
}

static int import_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	struct image *as = mem_new(1, sizeof(*as)), *img = NULL;
	struct image_store *store = NULL;
	int r = get_config(a, as, e);

	if (r < 0)
		c->fail_status = 2;
	if (r == 0)
		r = cli_store(c, &store, e);
	if (r == 0)
		r = image_import(store, AT_FDCWD, a->operands.v[0], as, &img, e);
	if (r == 0)
		printf("%s  %.19s\n", img->names.n ? img->names.v[0] : "<none>", img->id);
	image_free(as);
	image_free(img);
	return r;
}

static const struct cli_opt import_opts[] = {
	{ 0, "cmd", "CMD", "what runs by default: [\"a\", \"b\"], or a shell line" },
	{ 0, "entrypoint", "CMD", "what that is handed to" },
	{ 'e', "env", "K=V", "an environment variable; may be repeated, as those below" },
	{ 'u', "user", "USER", "user[:group] or ids" },
	{ 'w', "workdir", "DIR", "where it runs" },
	{ 0, "expose", "PORT", "a port it listens on: 80, 53/udp" },
	{ 'v', "volume", "DIR", "a directory whose content is to be kept" },
	{ 'l', "label", "K=V", "a note" },
	{ 0, "stop-signal", "SIGNAL", "what asks it to end" },
};

const struct cli_command cmd_import = {
	.name = "import",
	.operands = "FILE|- [NAME]",
	.summary = "Make an image from a root file system's tarball",
	.more = "  minibox import --cmd '[\"/sbin/httpd\", \"-f\"]' --expose 80 "
		"root.tar.gz "
		"web:1\n"
		"  tar -C root -c . | minibox import - tool\n\n"
		"The tarball may be compressed by gzip or zstd. Device nodes are left "
		"out.",
	.min_operands = 1,
	.max_operands = 2,
	.opts = import_opts,
	.n_opts = ARRAY_LEN(import_opts),
	.run = import_run,
};
