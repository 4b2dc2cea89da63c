/* cli/context.c - see context.h. */
#include "runtime/cli/context.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int cli_host(struct cli *c, struct stack_host **ret, struct err *e)
{
	int r = 0;

	if (!c->host)
		r = c->look ? stack_host_look(c->root, c->run, &c->host, e)
			    : stack_host_open(c->root, c->run, &c->host, e);
	if (r == 0)
		*ret = c->host;
	return r;
}

int cli_store(struct cli *c, struct image_store **ret, struct err *e)
{
	uint64_t max = UINT64_MAX;
	struct stack_host *h = NULL;
	int r;

	if (c->unpacked_max && !stack_size(c->unpacked_max, &max))
		return cli_usage(c, e, "--max-unpacked-size '%s' is not a size",
				 c->unpacked_max);
	r = cli_host(c, &h, e);
	if (r == 0 && !c->store)
		r = c->look ? image_store_look(h->root, &c->store, e)
			    : image_store_open(h->root, &c->store, e);
	if (r == 0)
		image_store_set_limit(c->store, max);
	if (r == 0)
		*ret = c->store;
	return r;
}

void cli_store_done(struct cli *c)
{
	c->store = image_store_free(c->store);
}

int cli_usage(struct cli *c, struct err *e, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->fail_status = 2;
	return err_msg(e, EINVAL, "%s", text);
}

/* NULL: there is none. */
static const char *find_default(void)
{
	static const char *const names[] = { "stack.conf", "docker-compose.yml",
					     "compose.yaml" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (access(names[i], F_OK) == 0)
			return names[i];
	return NULL;
}

static int default_file(struct cli *c, struct strv *files, struct err *e)
{
	const char *name = find_default();

	if (name) {
		strv_add(files, name);
		return 0;
	}
	return cli_usage(
		c, e, "there is no ./stack.conf: name a stack file or a running stack");
}

/* An operand that is no file may name a stack that runs: its own files are meant, and its
 * name. */
static int add_operand(struct cli *c, const char *operand, struct model_opts *o,
		       struct err *e)
{
	struct stack_host *h = NULL;
	int r;

	if (access(operand, F_OK) == 0 || strchr(operand, '/')) {
		strv_add(&o->files, operand);
		return 0;
	}
	r = cli_host(c, &h, e);
	if (r == 0)
		r = stack_files(h, operand, &o->files, e);
	if (r == STACK_E_ABSENT)
		return cli_usage(c, e, "'%s' is neither a file nor a running stack",
				 operand);
	o->name = operand;
	return r;
}

static int choose_files(struct cli *c, const struct cli_args *a, const char *file,
			struct model_opts *o, struct err *e)
{
	int r = file ? add_operand(c, file, o, e) : 0;

	strv_copy(&o->files, args_list(a, "file"));
	if (r == 0 && !o->files.n)
		r = default_file(c, &o->files, e);
	return r;
}

int cli_files(struct cli *c, const struct cli_args *a, const char *file, struct strv *ret,
	      struct err *e)
{
	struct model_opts o = { 0 };
	int r = choose_files(c, a, file, &o, e);

	for (size_t i = 0; r == 0 && i < o.files.n; i++) {
		char *path = realpath(o.files.v[i], NULL);

		if (path)
			strv_take(ret, path);
		else
			r = err_set(e, errno, "'%s'", o.files.v[i]);
	}
	strv_free(&o.files);
	return r;
}

static int load(struct cli *c, const struct cli_args *a, const char *file,
		struct model_opts *o, struct stack_model **ret, struct err *e)
{
	AUTO_BUF struct buf diagnostics = BUF_INIT;
	int r;

	o->name = c->name;
	r = choose_files(c, a, file, o, e);
	strv_copy(&o->profiles, args_list(a, "profile"));
	for (char **p = environ; *p; p++)
		strv_add(&o->env, *p);
	if (r == 0)
		r = model_load(o, ret, &diagnostics, e);
	if (diagnostics.len)
		fputs(diagnostics.data, stderr);
	if (r < 0)
		c->fail_status = 2;
	strv_free(&o->files);
	strv_free(&o->profiles);
	strv_free(&o->services);
	strv_free(&o->env);
	return r;
}

int cli_model(struct cli *c, const struct cli_args *a, const char *file,
	      const struct strv *services, struct stack_model **ret, struct err *e)
{
	struct model_opts o = { 0 };

	if (services)
		strv_copy(&o.services, services);
	return load(c, a, file, &o, ret, e);
}

/* The first operand is the file when it looks like one or is one; services follow. */
static bool is_file(const char *operand)
{
	return strchr(operand, '/') || str_ends(operand, ".conf") ||
	       str_ends(operand, ".yml") || str_ends(operand, ".yaml") ||
	       access(operand, F_OK) == 0;
}

const char *cli_split(const struct cli_args *a, struct strv *services)
{
	size_t i = a->operands.n && is_file(a->operands.v[0]) ? 1 : 0;

	for (size_t k = i; k < a->operands.n; k++)
		strv_add(services, a->operands.v[k]);
	return i ? a->operands.v[0] : NULL;
}

int cli_stack(struct cli *c, const struct cli_args *a, const char *operand, char **ret,
	      struct err *e)
{
	struct model_opts o = { .loose = true }; /* only the name is wanted */
	struct stack_model *m = NULL;
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r < 0)
		return r;
	if (!operand && c->name)
		operand = c->name;
	if (operand && !strchr(operand, '/') && access(operand, F_OK) < 0) {
		*ret = str_dup(operand);
		return 0;
	}
	if (operand && stack_exists(h, operand)) {
		*ret = str_dup(operand);
		return 0;
	}
	r = load(c, a, operand, &o, &m, e);
	if (r == 0)
		*ret = str_dup(m->name);
	model_free(m);
	return r;
}

/* The one running stack that was made from @file; NULL: none, or several. */
static char *made_from(struct cli *c, const char *file)
{
	AUTO_FREE char *path = file ? realpath(file, NULL) : NULL;
	AUTO_STRV struct strv stacks = STRV_INIT;
	struct err ignored = ERR_INIT;
	const char *found = NULL;

	if (!path || stack_list(c->host, &stacks, &ignored) < 0)
		return NULL;
	strv_foreach (i, &stacks) {
		AUTO_STRV struct strv files = STRV_INIT;

		if (stack_files(c->host, stacks.v[i], &files, &ignored) != 0 ||
		    !strv_has(&files, path))
			continue;
		if (found)
			return NULL;
		found = stacks.v[i];
	}
	return str_dup(found);
}

int cli_running_stack(struct cli *c, const struct cli_args *a, const char *operand,
		      char **ret, struct err *e)
{
	const struct strv *files = args_list(a, "file");
	const char *file = operand ? operand : files->n ? files->v[0] : find_default();
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r < 0)
		return r;
	*ret = c->name ? NULL : made_from(c, file);
	return *ret ? 0 : cli_stack(c, a, operand, ret, e);
}

int cli_service(struct cli *c, const struct cli_args *a, const char *operand,
		char **ret_stack, char **ret_service, struct err *e)
{
	const char *slash = strchr(operand, '/');
	AUTO_FREE char *stack =
		slash ? str_ndup(operand, (size_t)(slash - operand)) : NULL;
	int r = 0;

	if (!slash)
		r = cli_stack(c, a, NULL, &stack, e);
	if (r < 0)
		return r;
	*ret_stack = TAKE(stack);
	*ret_service = str_dup(slash ? slash + 1 : operand);
	return 0;
}

/* "shop" where a stack of that name runs, or a stack file's path. */
static bool names_stack(const struct cli *c, const char *operand)
{
	if (stack_exists(c->host, operand))
		return true;
	return access(operand, F_OK) == 0 && strchr(operand, '.');
}

static int one_service(struct cli *c, const struct cli_args *a, const char *operand,
		       char **ret_stack, struct strv *services, struct err *e)
{
	AUTO_FREE char *stack = NULL, *service = NULL;
	int r = cli_service(c, a, operand, &stack, &service, e);

	if (r == 0 && *ret_stack && strcmp(*ret_stack, stack) != 0)
		r = cli_usage(c, e, "one stack at a time: '%s' and '%s'", *ret_stack,
			      stack);
	if (r < 0)
		return r;
	str_set(ret_stack, stack);
	strv_add(services, service);
	return 0;
}

int cli_services(struct cli *c, const struct cli_args *a, char **ret_stack,
		 struct strv *services, struct err *e)
{
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r < 0)
		return r;
	if (!a->operands.n)
		return cli_stack(c, a, NULL, ret_stack, e);
	if (a->operands.n == 1 && names_stack(c, a->operands.v[0]))
		return cli_stack(c, a, a->operands.v[0], ret_stack, e);
	for (size_t i = 0; r == 0 && i < a->operands.n; i++)
		r = one_service(c, a, a->operands.v[i], ret_stack, services, e);
	return r;
}

int cli_no_service(struct err *e, const char *stack, const char *service)
{
	if (!service)
		return err_msg(e, ENOENT, "stack '%s' is not running", stack);
	return err_msg(e, ENOENT, "there is no service '%s/%s' (see minibox ps %s)",
		       stack, service, stack);
}

static void print_note(void *arg, const char *service, const char *text)
{
	const struct cli *c = arg;

	if (c->quiet)
		return;
	fprintf(stderr, "%s%s%s: %s\n", c->color ? "\033[1m" : "", service,
		c->color ? "\033[0m" : "", text);
}

struct stack_watch cli_watch(struct cli *c)
{
	c->progress.live = c->terminal && !c->quiet;
	c->images = (struct image_progress){ progress_layer, &c->progress };
	return (struct stack_watch){ .note = print_note, .images = &c->images, .arg = c };
}

char *cli_size(uint64_t bytes, char *ret)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	size_t u = 0;

	for (; v >= 1024 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1024;
	snprintf(ret, 16, u ? "%.1f %s" : "%.0f %s", v, units[u]);
	return ret;
}

char *cli_time(uint64_t wall_ns, char *ret)
{
	time_t s = (time_t)(wall_ns / 1000000000u);
	struct tm tm;
	size_t n;

	*ret = '\0';
	if (!wall_ns || !gmtime_r(&s, &tm))
		return ret;
	n = strftime(ret, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret + n, 32 - n, ".%03uZ", (unsigned)(wall_ns / 1000000u % 1000u));
	return ret;
}

void cli_print_json(json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(j);
}
