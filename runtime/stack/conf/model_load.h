/*
 * stack/model_load.h - from files to the model, with the file system as a parameter.
 *
 * Knows the order of the passes. Does not know where bytes come from: tests and the
 * fuzzer hand in a file system of their own.
 */
#ifndef STACK_MODEL_LOAD_H
#define STACK_MODEL_LOAD_H

#include "runtime/stack/model.h"

enum {
	MODEL_FILE_MAX = 1024 * 1024, /* bytes of a stack file, .env or env_file */
	MODEL_INCLUDE_MAX = 8,        /* files within files */
};

enum model_kind { MODEL_ABSENT, MODEL_FILE, MODEL_DIR };
struct model_io {
	void *ctx;
	const char *
		cwd; /* absolute: what relative file names in model_opts are meant from */
	/** read() - a whole file, at most MODEL_FILE_MAX bytes; -ENOENT if absent */
	int (*read)(void *ctx, const char *path, struct buf *ret, struct err *e);
	/** kind() - what stands at an absolute path; anything but a directory is a file
	 */
	enum model_kind (*kind)(void *ctx, const char *path);
};

/** model_kind_on_disk() - what is at @path of this machine; a member of struct model_io
 */
enum model_kind model_kind_on_disk(void *ctx, const char *path);
/**
 * model_load_io() - as model_load(), on @io
 * @unset: names of ${} variables that had no value, for a warning; appended
 */
must_check int model_load_io(const struct model_opts *o, const struct model_io *io,
			     struct stack_model **ret, struct buf *diagnostics,
			     struct strv *unset, struct err *e);
/** model_drop_service() - take service @i out of the model */
void model_drop_service(struct stack_model *m, size_t i);

#endif
