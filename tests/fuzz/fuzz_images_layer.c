/* A layer's tar stream: parsed, sent as messages, applied to a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "images/layer/entry.h"
#include "images/layer/messages.h"
#include "images/parse/job.h"
#include "runtime/base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct layer {
	const uint8_t *data;
	size_t size;
	int fd; /* what the parser said */
	size_t said;
	struct messages *in;
	struct wire_data block;
	struct tree tree;
	struct entry_totals totals;
};

static ssize_t on_read(void *arg, uint64_t at, const void **ret)
{
	struct layer *l = arg;
	size_t n = at < l->size ? l->size - (size_t)at : 0;

	*ret = l->data + (n ? at : 0);
	return (ssize_t)(n > 4096 ? 4096 : n); /* in pieces, so that headers are cut */
}

static int on_emit(void *arg, const void *message, size_t n)
{
	struct layer *l = arg;
	struct err e = ERR_INIT;

	l->said += n;
	return l->said > (32 << 20) || fd_write_all(l->fd, message, n, "memfd", &e) < 0
		       ? -1
		       : 0;
}

static ssize_t on_data(void *arg, const void **ret, uint64_t *ret_offset, struct err *e)
{
	struct layer *l = arg;

	do {
		int r = messages_data(l->in, &l->block, e);

		if (r <= 0)
			return r;
		if (l->block.h.at > l->size || l->block.length > l->size - l->block.h.at)
			abort(); /* it was handed out, so it is there */
	} while (l->block.length == 0);
	*ret = l->data + l->block.h.at;
	*ret_offset = l->block.offset;
	return (ssize_t)l->block.length;
}

static int on_placed(void *arg, const char *path, uint64_t offset, const void *data,
		     size_t n, struct err *e)
{
	(void)arg, (void)offset, (void)data, (void)e;
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

static void apply_all(struct layer *l)
{
	const struct entry_io io = { l, on_data, on_placed, on_displace, on_room, false };
	struct wire_entry w;
	int r = 0;

	while (r == 0) {
		struct err e = ERR_INIT;

		r = messages_next(l->in, &w, &e);
		if (r == 0 && w.m->h.kind == WIRE_ENTRY)
			r = entry_apply(&l->tree, &w, &io, &l->totals, &e);
		if ((r < 0) != (e.code != 0))
			abort();
	}
}

static void unpack(struct layer *l)
{
	struct job_stream s = { l, on_read, on_emit };

	l->fd = memfd_create("messages", MFD_CLOEXEC);
	(void)!job_entries(&s);
	if (l->fd < 0 || lseek(l->fd, 0, SEEK_SET) < 0)
		abort();
	l->in = messages_new(l->fd);
	apply_all(l);
	messages_free(l->in);
	tree_finish(&l->tree);
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
