/*
 * Stack files of any bytes: never a crash, and what is taken is printed and read back the
 * same.
 *
 * The input's parts, split at bytes 0xff: stack.conf, a second -f file, an env_file,
 * .env.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tests/lib/conf_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	const char *path;
	const char *data;
	size_t n;
};

static struct part *find(void *ctx, const char *path)
{
	for (struct part *p = ctx; p->path; p++)
		if (strcmp(p->path, path) == 0)
			return p;
	return NULL;
}

static int read_part(void *ctx, const char *path, struct buf *ret, struct err *e)
{
	struct part *p = find(ctx, path);

	if (!p)
		return err_set(e, ENOENT, "open '%s'", path);
	buf_add(ret, p->data, p->n); /* NUL bytes too */
	return 0;
}

static enum model_kind kind_of_part(void *ctx, const char *path)
{
	return find(ctx, path) ? MODEL_FILE : MODEL_ABSENT;
}

static struct stack_model *load(struct part *parts, size_t n_files, struct buf *diag)
{
	struct model_io io = { parts, "/p", read_part, kind_of_part };
	struct model_opts o = { .loose = true };
	AUTO_STRV struct strv unset = STRV_INIT;
	struct stack_model *m = NULL;
	struct err e = ERR_INIT;

	strv_add(&o.profiles, "*");
	strv_add(&o.env, "A=value");
	strv_add(&o.env, "EMPTY=");
	for (size_t i = 0; i < n_files; i++)
		strv_add(&o.files, parts[i].path);
	if (model_load_io(&o, &io, &m, diag, &unset, &e) < 0 && diag->len == 0)
		abort(); /* in memory every failure has a place */
	memory_opts_free(&o);
	return m;
}

static void must(bool so)
{
	if (!so)
		abort();
}

static void read_back(const struct stack_model *m)
{
	AUTO_BUF struct buf first = BUF_INIT, second = BUF_INIT, diag = BUF_INIT;
	struct part parts[2] = { { "/p/stack.conf", NULL, 0 }, { NULL, NULL, 0 } };
	AUTO_JSON json_t *before = model_format_json(m, true), *after = NULL;
	struct stack_model *again;

	model_format_conf(m, true, &first);
	parts[0].data = first.data;
	parts[0].n = first.len;
	again = load(parts, 1, &diag);
	if (!again)
		fprintf(stderr, "%s\n%s", first.data, diag.data);
	must(again);
	model_format_conf(again, true, &second);
	must(strcmp(first.data, second.data) == 0);
	after = model_format_json(again, true);
	must(json_equal(before, after));
	model_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part parts[] = { { "/p/stack.conf", "", 0 },
				{ "/p/b.conf", "", 0 },
				{ "/p/e", "", 0 },
				{ "/p/.env", "", 0 },
				{ NULL, NULL, 0 } };
	AUTO_BUF struct buf diag = BUF_INIT;
	const char *p = (const char *)data, *stop = p + size;
	struct stack_model *m;
	size_t n = 0;

	for (; n < 4 && p < stop; n++) {
		const char *end = memchr(p, 0xff, (size_t)(stop - p));

		parts[n].data = p;
		parts[n].n = (size_t)((end ? end : stop) - p);
		p = end ? end + 1 : stop;
	}
	m = load(parts, n > 1 && parts[1].n > 0 ? 2 : 1, &diag);
	if (m && diag.len == 0)
		read_back(m);
	model_free(m);
	return 0;
}
