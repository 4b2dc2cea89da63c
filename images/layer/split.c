/*
 * images/layer/split.c - see split.h: the writer.
 *
 * Pieces are gathered as long as they are of one kind, then packed; moves are rare and
 * wait in memory for the end.
 */
#include "images/layer/split.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "images/layer/split_format.h"
#include "images/layer/sum64.h"
#include "runtime/base/fd.h"

enum {
	LEVEL = 1, /* headers shrink to a twentieth at any level */
	OUT_SIZE = 128 << 10,
};

struct split_writer {
	int layer_dir, fd, replaced;
	ZSTD_CCtx *z;
	uint64_t bytes, written; /* of the stream; of the file */
	uint64_t n_data, n_moves;
	struct buf moves, path;
	uint64_t data_at, data_n; /* the piece of path that may still grow */
	struct sum64 sum;
	size_t raw_n, out_n;
	unsigned char raw[SPLIT_RAW_MAX], out[OUT_SIZE];
};

static int flush_out(struct split_writer *w, struct err *e)
{
	int r = fd_write_all(w->fd, w->out, w->out_n, SPLIT_FILE, e);

	w->written += w->out_n;
	w->out_n = 0;
	return r;
}

static int pack(struct split_writer *w, const void *data, size_t n, ZSTD_EndDirective how,
		struct err *e)
{
	ZSTD_inBuffer in = { data, n, 0 };
	size_t left;
	int r = 0;

	do {
		ZSTD_outBuffer out = { w->out, OUT_SIZE, w->out_n };

		left = ZSTD_compressStream2(w->z, &out, &in, how);
		if (ZSTD_isError(left))
			return err_msg(e, EIO, "pack '%s': %s", SPLIT_FILE,
				       ZSTD_getErrorName(left));
		w->out_n = out.pos;
		if (w->out_n == OUT_SIZE)
			r = flush_out(w, e);
	} while (r == 0 && (in.pos < n || (how == ZSTD_e_end && left)));
	return r;
}

static size_t put_number(unsigned char *to, uint64_t v)
{
	size_t n = 0;

	for (; v > 127; v >>= 7)
		to[n++] = (unsigned char)(v | 128);
	to[n++] = (unsigned char)v;
	return n;
}

static int pack_op(struct split_writer *w, char op, uint64_t a, struct err *e)
{
	unsigned char head[16] = { (unsigned char)op };

	return pack(w, head, 1 + put_number(head + 1, a), ZSTD_e_continue, e);
}

static int flush_raw(struct split_writer *w, struct err *e)
{
	size_t n = w->raw_n;
	int r = n ? pack_op(w, SPLIT_RAW, n, e) : 0;

	w->raw_n = 0;
	return r < 0 || !n ? r : pack(w, w->raw, n, ZSTD_e_continue, e);
}

static int flush_data(struct split_writer *w, struct err *e)
{
	unsigned char rest[32];
	uint64_t sum = htole64(sum64_get(&w->sum));
	size_t n;
	int r;

	if (!w->data_n)
		return 0;
	n = put_number(rest, w->data_n);
	memcpy(rest + n, &sum, sizeof(sum));
	r = pack_op(w, SPLIT_DATA, w->data_at, e);
	if (r == 0)
		r = pack(w, rest, n + sizeof(sum), ZSTD_e_continue, e);
	w->data_n = 0;
	w->n_data++;
	return r;
}

int split_create(int layer_dir, struct split_writer **ret, struct err *e)
{
	static const struct split_head none; /* without the magic it is no stream yet */
	struct split_writer *w = mem_new(1, sizeof(*w));
	int r = 0;

	w->layer_dir = layer_dir;
	w->replaced = -1;
	w->fd = openat(layer_dir, SPLIT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		       0600);
	w->z = ZSTD_createCCtx();
	if (w->fd < 0)
		r = err_set(e, errno, "create '%s'", SPLIT_FILE);
	else if (!w->z || ZSTD_isError(ZSTD_CCtx_setParameter(
				  w->z, ZSTD_c_compressionLevel, LEVEL)))
		r = err_set(e, ENOMEM, "start zstd");
	else
		r = fd_write_all(w->fd, &none, sizeof(none), SPLIT_FILE, e);
	w->written = sizeof(none);
	if (r < 0)
		split_free(w);
	else
		*ret = w;
	return r;
}

struct split_writer *split_free(struct split_writer *w)
{
	if (!w)
		return NULL;
	fd_auto_close(&w->fd);
	fd_auto_close(&w->replaced);
	ZSTD_freeCCtx(w->z);
	buf_free(&w->moves);
	buf_free(&w->path);
	free(w);
	return NULL;
}

int split_raw(struct split_writer *w, const void *data, size_t n, struct err *e)
{
	const unsigned char *p = data;
	int r = flush_data(w, e);

	w->bytes += n;
	while (r == 0 && n > 0) {
		size_t room = SPLIT_RAW_MAX - w->raw_n, take = n < room ? n : room;

		memcpy(w->raw + w->raw_n, p, take);
		w->raw_n += take;
		p += take;
		n -= take;
		if (w->raw_n == SPLIT_RAW_MAX)
			r = flush_raw(w, e);
	}
	return r;
}

static int set_path(struct split_writer *w, const char *path, struct err *e)
{
	size_t n = strlen(path);
	int r;

	if (n == 0 || n > SPLIT_PATH_MAX)
		return err_msg(e, ENAMETOOLONG, "a path of %zu bytes", n);
	w->path.len = 0;
	buf_add(&w->path, path, n);
	r = pack_op(w, SPLIT_PATH, n, e);
	return r < 0 ? r : pack(w, path, n, ZSTD_e_continue, e);
}

/* A piece of @path begins at @offset. */
static int begin_data(struct split_writer *w, const char *path, uint64_t offset,
		      struct err *e)
{
	int r = flush_data(w, e);

	if (r == 0)
		r = flush_raw(w, e);
	if (r == 0 && !str_eq(w->path.data, path))
		r = set_path(w, path, e);
	w->data_at = offset;
	sum64_init(&w->sum);
	return r;
}

int split_data(struct split_writer *w, const char *path, uint64_t offset,
	       const void *data, size_t n, struct err *e)
{
	bool grows = w->data_n && offset == w->data_at + w->data_n &&
		     str_eq(w->path.data, path);
	int r = n && !grows ? begin_data(w, path, offset, e) : 0;

	if (r < 0 || n == 0)
		return r;
	sum64_add(&w->sum, data, n);
	w->data_n += n;
	w->bytes += n;
	return 0;
}

static int open_replaced(struct split_writer *w, struct err *e)
{
	return w->replaced >= 0
		       ? 0
		       : fd_mkdir(w->layer_dir, "replaced", 0700, &w->replaced, e);
}

int split_moved(struct split_writer *w, int dir, const char *base, const char *path,
		struct err *e)
{
	unsigned char head[32];
	char name[32];
	size_t n = strlen(path), head_n;
	int r = flush_data(w, e);

	if (r == 0)
		r = open_replaced(w, e);
	if (r < 0)
		return r;
	head_n = put_number(head, w->n_data);
	head_n += put_number(head + head_n, n);
	if (w->moves.len + head_n + n > SPLIT_MOVES_MAX)
		return err_msg(e, E2BIG,
			       "the layer replaces more than %llu of its own entries",
			       (unsigned long long)w->n_moves);
	snprintf(name, sizeof(name), "%llu", (unsigned long long)w->n_moves);
	if (renameat(dir, base, w->replaced, name) < 0)
		return err_set(e, errno, "move '%s' to 'replaced/%s'", path, name);
	w->n_moves++;
	buf_add(&w->moves, head, head_n);
	buf_add(&w->moves, path, n);
	return 0;
}

static int write_head(struct split_writer *w, uint64_t moves_at, struct err *e)
{
	struct split_head h = {
		.frame = htole32(SPLIT_SKIPPABLE),
		.frame_size = htole32(sizeof(h) - 2 * sizeof(uint32_t)),
		.bytes = htole64(w->bytes),
		.moves_at = htole64(moves_at),
		.moves_len = htole64(w->moves.len),
	};
	ssize_t n;

	memcpy(h.magic, SPLIT_MAGIC, sizeof(h.magic));
	n = pwrite(w->fd, &h, sizeof(h), 0);
	if (n != (ssize_t)sizeof(h))
		return err_set(e, n < 0 ? errno : EIO, "write '%s'", SPLIT_FILE);
	return 0;
}

int split_finish(struct split_writer *w, uint64_t *ret_bytes, struct err *e)
{
	static const char end = SPLIT_END;
	uint64_t moves_at = 0;
	int r = flush_data(w, e);

	if (r == 0)
		r = flush_raw(w, e);
	if (r == 0)
		r = pack(w, &end, 1, ZSTD_e_end, e);
	if (r == 0)
		r = flush_out(w, e);
	moves_at = w->written;
	if (r == 0)
		r = pack(w, w->moves.data, w->moves.len, ZSTD_e_end, e);
	if (r == 0)
		r = flush_out(w, e);
	if (r == 0)
		r = write_head(w, moves_at, e);
	if (r == 0 && ret_bytes)
		*ret_bytes = w->bytes;
	return r;
}
