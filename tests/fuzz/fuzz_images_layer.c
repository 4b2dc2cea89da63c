/* A layer's tar stream: parsed, sent as messages, applied to a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "images/entry.h"
#include "images/parse/job.h"
#include "runtime/base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct layer {
	const uint8_t *data;
	size_t size;
	uint64_t cursor;
	struct tree tree;
	struct entry_totals totals;
	bool failed;
};

static ssize_t on_read(void *arg, uint64_t at, const void **ret)
{
	struct layer *l = arg;
	size_t n = at < l->size ? l->size - (size_t)at : 0;

	*ret = l->data + (n ? at : 0);
	return (ssize_t)(n > 4096 ? 4096 : n); /* in pieces, so that headers are cut */
}

static ssize_t on_data(void *arg, size_t max, const void **ret, struct err *e)
{
	struct layer *l = arg;
	size_t n = l->cursor < l->size ? l->size - (size_t)l->cursor : 0;

	(void)e;
	n = n > max ? max : n;
	*ret = l->data + (n ? l->cursor : 0);
	l->cursor += n;
	return (ssize_t)n;
}

static int on_placed(void *arg, const char *path, uint64_t offset, uint64_t n,
		     struct err *e)
{
	(void)arg, (void)offset, (void)e;
	if (!*path || *path == '/' || n == 0)
		abort();
	return 0;
}

static int on_displace(void *arg, int dir, const char *base, const char *path,
		       struct err *e)
{
	(void)arg, (void)path;
	return fd_rm_rf(dir, base, e);
}

static int on_room(void *arg, uint64_t bytes, struct err *e)
{
	(void)arg;
	return bytes > (64 << 20) ? err_msg(e, EFBIG, "too much") : 0;
}

static int on_emit(void *arg, const void *message, size_t n)
{
	struct layer *l = arg;
	const struct entry_io io = { l, on_data, on_placed, on_displace, on_room };
	const struct wire_message *m = message;
	struct wire_entry w;
	struct err e = ERR_INIT;
	int r;

	if (m->kind != WIRE_ENTRY || l->failed)
		return l->failed ? -1 : 0;
	if (m->at < l->cursor || wire_split(message, n, &w, &e) < 0)
		abort();
	l->cursor = m->at;
	r = entry_apply(&l->tree, &w, &io, &l->totals, &e);
	if ((r < 0) != (e.code != 0))
		abort();
	l->failed = r != 0;
	return r ? -1 : 0;
}

static void unpack(struct layer *l)
{
	struct job_stream s = { l, on_read, on_emit };

	(void)!job_entries(&s);
	tree_set_mtimes(&l->tree);
	tree_free(&l->tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tree_mode modes[] = { TREE_ALONE, TREE_BOTTOM };
	char dir[] = "/tmp/minibox-fuzz.XXXXXX";
	struct err e = ERR_INIT;
	int root;

	if (!mkdtemp(dir))
		abort();
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct layer l = { .data = data, .size = size };

		tree_init(&l.tree, root, -1, modes[i]);
		unpack(&l);
	}
	close(root);
	if (fd_rm_rf(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
