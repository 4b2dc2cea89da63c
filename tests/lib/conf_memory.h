/*
 * tests/lib/conf_memory.h - stack files from memory, for tests and fuzzing of
 * runtime/stack.
 *
 * Include after test.h or alone; everything is static.
 */
#ifndef CONF_MEMORY_H
#define CONF_MEMORY_H

#include <errno.h>
#include <string.h>

#include "runtime/stack/conf/model_load.h"

struct memory_file {
	const char *path; /* absolute */
	const char *text;
};

static inline const struct memory_file *memory_find(void *ctx, const char *path)
{
	const struct memory_file *f = ctx;

	while (f->path && strcmp(f->path, path) != 0)
		f++;
	return f->path ? f : NULL;
}

static inline int memory_read(void *ctx, const char *path, struct buf *ret, struct err *e)
{
	const struct memory_file *f = memory_find(ctx, path);

	if (!f)
		return err_set(e, ENOENT, "open '%s'", path);
	buf_adds(ret, f->text);
	return 0;
}

static inline enum model_kind memory_kind(void *ctx, const char *path)
{
	return memory_find(ctx, path) ? MODEL_FILE : MODEL_ABSENT;
}

/* Loads /p/stack.conf and the further files of @o out of @files (ended by a NULL path).
 */
static inline int memory_load(const struct memory_file *files, struct model_opts *o,
			      struct stack_model **ret, struct buf *diagnostics,
			      struct err *e)
{
	struct model_io io = { .ctx = (void *)(uintptr_t)files,
			       .cwd = "/p",
			       .read = memory_read,
			       .kind = memory_kind };
	AUTO_STRV struct strv unset = STRV_INIT;

	if (o->files.n == 0)
		strv_add(&o->files, "stack.conf");
	return model_load_io(o, &io, ret, diagnostics, &unset, e);
}

static inline void memory_opts_free(struct model_opts *o)
{
	strv_free(&o->files);
	strv_free(&o->profiles);
	strv_free(&o->services);
	strv_free(&o->env);
}

#endif
