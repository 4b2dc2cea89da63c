/*
 * stack/model_saved.c - services read back from where they are kept; see model.h.
 *
 * Knows which files such a text may name. Their bytes come from memory; only whether a
 * bind's source is there is asked of the disk.
 */
#include <errno.h>
#include <string.h>

#include "runtime/stack/conf/model_load.h"

#define SHOWN "the earlier model"

static int read_saved(void *ctx, const char *path, struct buf *ret, struct err *e)
{
	const struct model_saved *s = ctx;

	if (str_ends(path, "/" SHOWN)) {
		buf_adds(ret, s->text);
		return 0;
	}
	strv_foreach (i, s->paths)
		if (strcmp(s->paths->v[i], path) == 0) {
			buf_adds(ret, s->texts->v[i]);
			return 0;
		}
	return err_set(e, ENOENT, "open '%s'", path);
}

int model_load_saved(const struct model_saved *saved, struct stack_model **ret,
		     struct err *e)
{
	struct model_io io = { .ctx = (void *)(uintptr_t)saved,
			       .cwd = saved->dir,
			       .read = read_saved,
			       .kind = model_kind_on_disk };
	struct model_opts o = { .name = saved->name, .saved = true };
	AUTO_STRV struct strv unset = STRV_INIT;
	AUTO_BUF struct buf found = BUF_INIT;
	int r;

	strv_add(&o.files, SHOWN);
	r = model_load_io(&o, &io, ret, &found, &unset, e);
	strv_free(&o.files);
	if (r < 0 && found.len) {
		err_clear(e);
		r = err_msg(e, EINVAL, "%.*s", (int)strcspn(found.data, "\n"),
			    found.data);
	}
	return r;
}
