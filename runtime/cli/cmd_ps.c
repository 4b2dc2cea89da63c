/* cli/cmd_ps.c - `ps` and `inspect`: what runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/cli/context.h"

static int exit_code(const struct sup_status *st)
{
	return WIFSIGNALED(st->exit_status) ? 128 + WTERMSIG(st->exit_status)
					    : WEXITSTATUS(st->exit_status);
}

static json_t *info_json(const struct stack_service_info *s)
{
	char when[32];
	bool runs = s->status.pid > 0 && strcmp(s->state, "exited") != 0;
	json_t *j = json_pack(
		"{s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:o,s:I,s:s,s:s,s:s,s:b,s:s}", "stack",
		s->stack, "service", s->service, "id", s->id, "state", s->state, "pid",
		runs ? (int)s->status.pid : 0, "restarts", (int)s->status.restarts,
		"address", s->address, "ports", json_from_strv(&s->publish),
		"memory_bytes", (json_int_t)s->memory_bytes, "started_at",
		cli_time(s->status.started_wall_ns, when), "image", s->image, "image_id",
		s->image_id, "userns", s->userns, "reason", s->text);

	json_object_set_new(j, "oom_kills", json_integer((json_int_t)s->oom_kills));
	json_object_set_new(j, "oom", s->oom ? json_text(s->oom) : json_null());
	json_object_set_new(j, "exit_code",
			    s->status.ended ? json_integer(exit_code(&s->status))
					    : json_null());
	return j;
}

static char *age(uint64_t wall_ns)
{
	uint64_t now = proc_wall_ns(),
		 s = wall_ns && now > wall_ns ? (now - wall_ns) / 1000000000u : 0;

	if (!wall_ns)
		return str_dup("-");
	if (s < 120)
		return str_fmt("%llus", (unsigned long long)s);
	if (s < 7200)
		return str_fmt("%llum", (unsigned long long)s / 60);
	if (s < 172800)
		return str_fmt("%lluh", (unsigned long long)s / 3600);
	return str_fmt("%llud", (unsigned long long)s / 86400);
}

static char *state_text(const struct stack_service_info *s)
{
	if (strcmp(s->state, "exited") == 0 && s->status.ended)
		return str_fmt("exited (%d)", exit_code(&s->status));
	if (s->status.restarts)
		return str_fmt("%s (%u restarts)", s->state, s->status.restarts);
	return str_dup(s->state);
}

static char *ports_text(const struct stack_service_info *s)
{
	AUTO_BUF struct buf b = BUF_INIT;

	strv_foreach (i, &s->publish)
		buf_addf(&b, "%s%s", i ? ", " : "", s->publish.v[i]);
	return buf_take(&b);
}

static void print_row(const struct stack_service_info *s, int w_stack, int w_service)
{
	AUTO_FREE char *state = state_text(s), *up = age(s->status.started_wall_ns);
	AUTO_FREE char *ports = ports_text(s);
	char memory[16];

	printf("%-*s  %-*s  %-20s  %-6s  %-10s  %-15s  %s\n", w_stack, s->stack,
	       w_service, s->service, state, up, cli_size(s->memory_bytes, memory),
	       s->address, ports);
	if (s->oom)
		printf("%*s  ^ %s\n", w_stack, "", s->oom);
}

struct rows {
	struct stack_service_info *list;
	size_t n;
};

static int gather(struct cli *c, const char *stack, struct rows *rows, struct err *e)
{
	struct stack_service_info *list = NULL;
	size_t n = 0;
	int r = stack_ps(c->host, stack, &list, &n, e);

	if (r != 0)
		return r;
	rows->list = mem_grow(rows->list, rows->n + n, sizeof(*list));
	memcpy(rows->list + rows->n, list, n * sizeof(*list));
	rows->n += n;
	free(list); /* its strings now belong to rows */
	return 0;
}

static void print_rows(const struct rows *rows, bool as_json)
{
	int w_stack = 5, w_service = 7;
	json_t *out = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		int a = (int)strlen(rows->list[i].stack),
		    b = (int)strlen(rows->list[i].service);

		w_stack = a > w_stack ? a : w_stack;
		w_service = b > w_service ? b : w_service;
	}
	if (!as_json)
		printf("%-*s  %-*s  %-20s  %-6s  %-10s  %-15s  %s\n", w_stack, "STACK",
		       w_service, "SERVICE", "STATE", "UP", "MEMORY", "ADDRESS", "PORTS");
	for (size_t i = 0; i < rows->n; i++) {
		if (as_json)
			json_array_append_new(out, info_json(&rows->list[i]));
		else
			print_row(&rows->list[i], w_stack, w_service);
	}
	if (as_json)
		cli_print_json(out);
	else
		json_decref(out);
}

/* One stack when it is named or ./stack.conf is there; otherwise all of the host. */
static int ps_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_STRV struct strv stacks = STRV_INIT;
	struct rows rows = { NULL, 0 };
	struct stack_host *h = NULL;
	bool one = a->operands.n || c->name || access("stack.conf", F_OK) == 0;
	int r = cli_host(c, &h, e);

	if (r == 0 && one && !args_flag(a, "all")) {
		AUTO_FREE char *stack = NULL;

		r = cli_stack(c, a, a->operands.n ? a->operands.v[0] : NULL, &stack, e);
		if (r == 0)
			r = gather(c, stack, &rows, e);
		if (r == STACK_E_ABSENT && a->operands.n)
			r = cli_no_service(e, stack, NULL);
		else if (r == STACK_E_ABSENT)
			r = 0;
	} else if (r == 0) {
		r = stack_list(h, &stacks, e);
		strv_foreach (i, &stacks)
			if (r == 0 &&
			    (r = gather(c, stacks.v[i], &rows, e)) == STACK_E_ABSENT)
				r = 0; /* it went just now */
	}
	if (r == 0)
		print_rows(&rows, args_flag(a, "json"));
	stack_ps_free(rows.list, rows.n);
	return r;
}

static const struct cli_opt ps_opts[] = {
	{ 'a', "all", NULL, "every stack of the host" },
	{ 0, "json", NULL, "an array of objects" },
	{ 'f', "file", "FILE", "the stack file" },
};

const struct cli_command cmd_ps = {
	.name = "ps",
	.operands = "[STACK]",
	.summary = "List services and their state",
	.max_operands = 1,
	.opts = ps_opts,
	.n_opts = ARRAY_LEN(ps_opts),
	.run = ps_run,
};

/* The config is not parsed again in a process of root's: it is what the confined parser
 * has taken for JSON, and goes out as it stands. */
static int inspect_image(struct cli *c, const char *ref, struct buf *ret, struct err *e)
{
	struct image_store *store = NULL;
	struct image *img = NULL;
	AUTO_FREE char *config = NULL, *head = NULL;
	int r = cli_store(c, &store, e);

	if (r == 0)
		r = image_find(store, ref, &img, e);
	if (r == 0)
		r = image_config_json(store, img->id, &config, e);
	if (r == 0) {
		AUTO_JSON json_t *j =
			json_pack("{s:s,s:o,s:o,s:o,s:I}", "id", img->id, "names",
				  json_from_strv(&img->names), "layers",
				  json_from_strv(&img->layers), "diff_ids",
				  json_from_strv(&img->diff_ids), "size_bytes",
				  (json_int_t)img->size_bytes);

		head = json_dumps(j, JSON_INDENT(2));
		if (head)
			buf_addf(ret, "%.*s,\n  \"config\": %s\n}", (int)strlen(head) - 2,
				 head, config);
	}
	image_free(img);
	return r;
}

static int inspect_service(struct stack_host *h, const char *stack, const char *service,
			   struct buf *ret, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	AUTO_FREE char *text = NULL;
	int r = stack_inspect(h, stack, service, &j, e);

	if (r == 0) {
		text = json_dumps(j, JSON_INDENT(2));
		buf_adds(ret, text ? text : "null");
	}
	return r;
}

/* A service when there is one of that name, otherwise an image. */
static int inspect_one(struct cli *c, const struct cli_args *a, const char *what,
		       struct buf *ret, struct err *e)
{
	AUTO_FREE char *stack = NULL, *service = NULL;
	const char *slash = strchr(what, '/');
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r == 0 && (slash || c->name || access("stack.conf", F_OK) == 0))
		r = cli_service(c, a, what, &stack, &service, e);
	if (r < 0)
		return r;
	if (stack) {
		r = inspect_service(h, stack, service, ret, e);
		if (r != STACK_E_ABSENT)
			return r;
	}
	r = inspect_image(c, what, ret, e);
	if (r == IMAGE_E_NOT_FOUND)
		r = err_msg(e, ENOENT, "there is neither a service nor an image '%s'",
			    what);
	return r;
}

static int inspect_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->operands.n; i++) {
		buf_adds(&out, i ? ",\n" : "[\n");
		r = inspect_one(c, a, a->operands.v[i], &out, e);
	}
	if (r == 0)
		printf("%s\n]\n", out.data);
	return r;
}

static const struct cli_opt inspect_opts[] = {
	{ 0, "json", NULL, "as JSON (always done)" },
	{ 'f', "file", "FILE", "the stack file" },
};

const struct cli_command cmd_inspect = {
	.name = "inspect",
	.operands = "SERVICE|IMAGE...",
	.summary = "Print all that is known of services or images, as JSON",
	.more = "Values of environment variables are masked.",
	.min_operands = 1,
	.max_operands = -1,
	.opts = inspect_opts,
	.n_opts = ARRAY_LEN(inspect_opts),
	.run = inspect_run,
};
