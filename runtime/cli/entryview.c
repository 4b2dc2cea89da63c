/* cli/entryview.c - see entryview.h. */
#include "runtime/cli/entryview.h"

#include <sys/wait.h>

struct entryview {
	struct sup_entry_reader *reader;
	struct sup_entry *list; /* read, and not yet given from @at on */
	size_t at, n;
};

int entryview_open(int logs_fd, struct entryview **ret, struct err *e)
{
	struct entryview *v = mem_new(1, sizeof(*v));
	int r = sup_entry_open(logs_fd, &v->reader, e);

	if (r < 0) {
		free(v);
		return r;
	}
	*ret = v;
	return 0;
}

struct entryview *entryview_free(struct entryview *v)
{
	if (v) {
		sup_entry_free(v->reader);
		free(v->list);
	}
	free(v);
	return NULL;
}

static int by_time(const void *a, const void *b)
{
	const struct sup_entry *x = a, *y = b;

	if (x->wall_ns != y->wall_ns)
		return x->wall_ns < y->wall_ns ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void fill(struct entryview *v)
{
	struct sup_entry n;

	v->at = v->n = 0;
	while (v->n < SUP_ENTRIES && sup_entry_next(v->reader, &n) == 1) {
		v->list = mem_grow(v->list, v->n + 1, sizeof(n));
		v->list[v->n++] = n;
	}
	if (v->n > 1)
		qsort(v->list, v->n, sizeof(n), by_time);
}

const struct sup_entry *entryview_next(struct entryview *v)
{
	if (v->at == v->n)
		fill(v);
	return v->at < v->n ? &v->list[v->at++] : NULL;
}

static void set(json_t *j, const char *key, long long value)
{
	json_object_set_new(j, key, json_integer(value));
}

static void set_exit(json_t *j, int status)
{
	set(j, "exit_code",
	    WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		set(j, "signal", WTERMSIG(status));
}

static void add_details(json_t *j, const struct sup_entry *n)
{
	if (n->pid)
		set(j, "pid", n->pid);
	switch (n->kind) {
	case SUP_ENTRY_EXIT:
	case SUP_ENTRY_REFRESH:
		set_exit(j, n->value);
		break;
	case SUP_ENTRY_RESTART:
		set(j, "delay_ms", n->value);
		set(j, "restarts", n->count);
		break;
	case SUP_ENTRY_FAILED:
		set(j, "exit_code", n->value);
		break;
	case SUP_ENTRY_OOM:
		set(j, "killed", n->count);
		break;
	case SUP_ENTRY_UNHEALTHY:
		set(j, "failures", n->count);
		break;
	case SUP_ENTRY_STOP:
		set(j, "signal", n->value);
		set(j, "grace_ms", n->count);
		break;
	case SUP_ENTRY_DROPPED:
		set(j, "lines", n->count);
		break;
	case SUP_ENTRY_ADOPT:
		set(j, "services", n->count);
		break;
	default:
		break;
	}
}

json_t *entryview_json(const char *stack, const struct sup_entry *n)
{
	AUTO_FREE char *text = sup_entry_text(n);
	char when[32];
	json_t *j = json_pack("{s:s,s:s,s:o,s:s}", "time", cli_time(n->wall_ns, when),
			      "stack", stack, "service",
			      *n->service ? json_text(n->service) : json_null(), "event",
			      sup_entry_name(n->kind));

	add_details(j, n);
	json_object_set_new(j, "text", json_text(text));
	return j;
}
