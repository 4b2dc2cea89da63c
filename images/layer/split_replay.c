/*
 * images/layer/split_replay.c - see split.h: the reader.
 *
 * The names in the file came from an archive: each is opened below fs/ or replaced/ by
 * one openat2 that follows no symlink.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "images/layer/split.h"
#include "images/layer/split_format.h"
#include "images/layer/sum64.h"
#include "runtime/base/fd.h"

enum { BUF_SIZE = 256 << 10 };

struct move {
	const char *path;
	uint64_t before; /* it means the 'D' pieces with a lower number */
	uint64_t n;      /* replaced/n */
};

struct replay {
	int layer_dir, fd;
	struct split_head head;
	ZSTD_DCtx *z;
	uint64_t in_left; /* bytes of the file not read yet */
	size_t in_at, in_n, out_at, out_n;
	struct buf moves_text; /* paths, NUL-terminated */
	struct move *moves;    /* sorted by path, then number */
	size_t n_moves;
	char path[SPLIT_PATH_MAX + 1]; /* below fs/ */
	struct buf open_path;          /* of the file at hand */
	int file;
	uint64_t n_data, bytes;
	const struct split_reader *to;
	unsigned char in[BUF_SIZE / 2], out[BUF_SIZE], data[BUF_SIZE];
};

static int damaged(struct err *e)
{
	return err_msg(e, EINVAL, "'%s' is damaged", SPLIT_FILE);
}

static int read_head(int layer_dir, int *ret_fd, struct split_head *ret, struct err *e)
{
	AUTO_CLOSE int fd =
		openat(layer_dir, SPLIT_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? SPLIT_E_NONE
				       : err_set(e, errno, "open '%s'", SPLIT_FILE);
	n = read(fd, ret, sizeof(*ret));
	if (n < 0)
		return err_set(e, errno, "read '%s'", SPLIT_FILE);
	if (n != (ssize_t)sizeof(*ret) || memcmp(ret->magic, SPLIT_MAGIC, 8) != 0)
		return damaged(e);
	ret->bytes = le64toh(ret->bytes);
	ret->moves_at = le64toh(ret->moves_at);
	ret->moves_len = le64toh(ret->moves_len);
	*ret_fd = fd_take(&fd);
	return 0;
}

int split_bytes(int layer_dir, uint64_t *ret, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct split_head head;
	int r = read_head(layer_dir, &fd, &head, e);

	if (r == 0)
		*ret = head.bytes;
	return r;
}

/* Start reading one frame, from @at to before @end. */
static int frame_open(struct replay *p, uint64_t at, uint64_t end, struct err *e)
{
	if (end < at || lseek(p->fd, (off_t)at, SEEK_SET) < 0)
		return damaged(e);
	p->in_left = end - at;
	p->in_at = p->in_n = p->out_at = p->out_n = 0;
	ZSTD_DCtx_reset(p->z, ZSTD_reset_session_only);
	return 0;
}

static int frame_fill(struct replay *p, struct err *e)
{
	size_t want = p->in_left < sizeof(p->in) ? (size_t)p->in_left : sizeof(p->in);
	ssize_t n;

	do
		n = read(p->fd, p->in, want);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "read '%s'", SPLIT_FILE);
	if (n == 0)
		return damaged(e);
	p->in_left -= (uint64_t)n;
	p->in_at = 0;
	p->in_n = (size_t)n;
	return 0;
}

/* At least one unpacked byte at out_at; the end of the frame is an error. */
static int frame_more(struct replay *p, struct err *e)
{
	p->out_at = p->out_n = 0;
	while (p->out_n == 0) {
		ZSTD_outBuffer out = { p->out, sizeof(p->out), 0 };
		ZSTD_inBuffer in = { p->in, p->in_n, p->in_at };
		size_t r = ZSTD_decompressStream(p->z, &out, &in);
		bool stuck = in.pos == p->in_n && out.pos == 0;

		if (ZSTD_isError(r) || (r == 0 && out.pos == 0))
			return damaged(e);
		p->in_at = in.pos;
		p->out_n = out.pos;
		if (stuck && frame_fill(p, e) < 0)
			return -e->code;
	}
	return 0;
}

static int get_byte(struct replay *p, unsigned char *ret, struct err *e)
{
	int r = p->out_at < p->out_n ? 0 : frame_more(p, e);

	if (r == 0)
		*ret = p->out[p->out_at++];
	return r;
}

static int get_number(struct replay *p, uint64_t max, uint64_t *ret, struct err *e)
{
	unsigned char c = 128;
	uint64_t v = 0;
	int r = 0;

	for (unsigned shift = 0; r == 0 && c > 127; shift += 7) {
		if (shift > 56)
			return damaged(e);
		r = get_byte(p, &c, e);
		v |= (uint64_t)(c & 127) << shift;
	}
	if (r == 0 && v > max)
		return damaged(e);
	*ret = v;
	return r;
}

static int get_bytes(struct replay *p, char *to, size_t n, struct err *e)
{
	while (n > 0) {
		size_t have = p->out_n - p->out_at, take = n < have ? n : have;

		if (take == 0) {
			if (frame_more(p, e) < 0)
				return -e->code;
			continue;
		}
		memcpy(to, p->out + p->out_at, take);
		p->out_at += take;
		to += take;
		n -= take;
	}
	return 0;
}

static int get_path(struct replay *p, char *to, uint64_t *ret_n, struct err *e)
{
	int r = get_number(p, SPLIT_PATH_MAX, ret_n, e);

	if (r == 0)
		r = get_bytes(p, to, (size_t)*ret_n, e);
	if (r < 0)
		return r;
	to[*ret_n] = '\0';
	return strlen(to) == *ret_n && *ret_n ? 0 : damaged(e);
}

static size_t number_size(uint64_t v)
{
	size_t n = 1;

	for (; v > 127; v >>= 7)
		n++;
	return n;
}

static int by_path(const void *a, const void *b)
{
	const struct move *x = a, *y = b;
	int c = strcmp(x->path, y->path);

	return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* First all paths, since the text moves while it grows, then where each begins. */
static void index_moves(struct replay *p)
{
	const char *text = p->moves_text.data;

	for (size_t i = 0; i < p->n_moves; i++) {
		p->moves[i].path = text;
		text += strlen(text) + 1;
	}
	if (p->n_moves)
		qsort(p->moves, p->n_moves, sizeof(*p->moves), by_path);
}

static int read_moves(struct replay *p, uint64_t file_size, struct err *e)
{
	uint64_t left = p->head.moves_len, n = 0;
	int r = 0;

	if (left > SPLIT_MOVES_MAX)
		return damaged(e);
	if (left)
		r = frame_open(p, p->head.moves_at, file_size, e);
	while (r == 0 && left) {
		struct move m = { .n = p->n_moves };

		r = get_number(p, UINT64_MAX, &m.before, e);
		if (r == 0)
			r = get_path(p, p->path, &n, e);
		if (r < 0)
			break;
		n += number_size(n) + number_size(m.before);
		if (n > left)
			return damaged(e);
		left -= n;
		if ((p->n_moves & (p->n_moves - 1)) == 0)
			p->moves = mem_grow(p->moves, p->n_moves ? 2 * p->n_moves : 1,
					    sizeof(m));
		p->moves[p->n_moves++] = m;
		buf_add(&p->moves_text, p->path, strlen(p->path) + 1);
	}
	if (r == 0)
		index_moves(p);
	return r;
}

/* The first move of exactly @path that came after the piece at hand; NULL if none. */
static const struct move *move_of(const struct replay *p, const char *path)
{
	size_t lo = 0, hi = p->n_moves;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct move *m = &p->moves[mid];
		int c = strcmp(m->path, path);

		if (c < 0 || (c == 0 && m->before <= p->n_data))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n_moves && str_eq(p->moves[lo].path, path) ? &p->moves[lo] : NULL;
}

/* Where the piece at hand is now, below the layer's directory. */
static char *locate(const struct replay *p)
{
	AUTO_FREE char *prefix = str_dup(p->path);
	const struct move *first = NULL;
	size_t rest = 0;

	for (size_t n = p->n_moves ? strlen(prefix) : 0; n > 0; n--) {
		const struct move *m;

		if (p->path[n] != '\0' && p->path[n] != '/')
			continue;
		prefix[n] = '\0';
		m = move_of(p, prefix);
		if (m && (!first || m->n < first->n))
			first = m, rest = n;
	}
	return first ? str_fmt("replaced/%llu%s", (unsigned long long)first->n,
			       p->path + rest)
		     : str_fmt("fs/%s", p->path);
}

static int fault(struct replay *p, const char *what, struct err *e)
{
	if (!p->to->fault)
		return err_msg(e, EINVAL, "'%s' %s", p->open_path.data, what);
	p->to->fault(p->to->arg, p->open_path.data, what);
	return 0;
}

/* Afterwards p->file is -1 where there is none. */
static int open_file(struct replay *p, struct err *e)
{
	AUTO_FREE char *path = locate(p);
	struct stat st;

	if (p->file >= 0 && str_eq(p->open_path.data, path))
		return 0;
	fd_auto_close(&p->file);
	p->open_path.len = 0;
	buf_adds(&p->open_path, path);
	p->file = fd_open_beneath(p->layer_dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
				  0);
	if (p->file >= 0 && fstat(p->file, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	if (p->file < 0 && (errno == ENOENT || errno == ENOTDIR))
		return fault(p, "is missing", e);
	if (p->file < 0 && errno != ELOOP && errno != ENXIO)
		return err_set(e, errno, "open '%s'", path);
	fd_auto_close(&p->file);
	p->file = -1;
	return fault(p, "is no file any more", e);
}

static int give(struct replay *p, const void *data, size_t n, struct err *e)
{
	p->bytes += n;
	return p->to->sink(p->to->arg, data, n, e);
}

/* At most @want bytes of the file at @at, or zeros where it has none. */
static ssize_t read_file(struct replay *p, uint64_t at, size_t want, struct err *e)
{
	ssize_t n = 0;

	if (p->file >= 0)
		do
			n = pread(p->file, p->data, want, (off_t)at);
		while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "read '%s'", p->open_path.data);
	if (n > 0)
		return n;
	if (p->file >= 0 && fault(p, "is too short", e) < 0)
		return -e->code;
	fd_auto_close(&p->file);
	p->file = -1; /* said once */
	memset(p->data, 0, want);
	return (ssize_t)want;
}

static int get_piece(struct replay *p, uint64_t *at, uint64_t *n, uint64_t *sum,
		     struct err *e)
{
	char raw[sizeof(*sum)];
	int r = get_number(p, INT64_MAX, at, e);

	if (r == 0)
		r = get_number(p, INT64_MAX - *at, n, e);
	if (r == 0)
		r = get_bytes(p, raw, sizeof(raw), e);
	if (r == 0)
		r = *p->path ? open_file(p, e) : damaged(e);
	memcpy(sum, raw, sizeof(raw));
	*sum = le64toh(*sum);
	return r;
}

static int give_file(struct replay *p, struct err *e)
{
	uint64_t at = 0, left = 0, want = 0;
	struct sum64 sum;
	int r = get_piece(p, &at, &left, &want, e);

	sum64_init(&sum);
	while (r == 0 && left) {
		ssize_t n = read_file(
			p, at, left < sizeof(p->data) ? (size_t)left : sizeof(p->data),
			e);

		if (n < 0)
			return (int)n;
		sum64_add(&sum, p->data, (size_t)n);
		at += (uint64_t)n;
		left -= (uint64_t)n;
		r = give(p, p->data, (size_t)n, e);
	}
	p->n_data++;
	if (r == 0 && p->file >= 0 && sum64_get(&sum) != want)
		r = fault(p, "has changed", e);
	return r;
}

static int give_raw(struct replay *p, struct err *e)
{
	uint64_t left;
	int r = get_number(p, SPLIT_RAW_MAX, &left, e);

	while (r == 0 && left) {
		size_t have = p->out_n - p->out_at, n = left < have ? (size_t)left : have;

		if (n == 0) {
			r = frame_more(p, e);
			continue;
		}
		r = give(p, p->out + p->out_at, n, e);
		p->out_at += n;
		left -= n;
	}
	return r;
}

static int read_pieces(struct replay *p, struct err *e)
{
	unsigned char op = 0;
	uint64_t n;
	int r;

	while ((r = get_byte(p, &op, e)) == 0 && op != SPLIT_END) {
		if (op == SPLIT_RAW)
			r = give_raw(p, e);
		else if (op == SPLIT_PATH)
			r = get_path(p, p->path, &n, e);
		else if (op == SPLIT_DATA)
			r = give_file(p, e);
		else
			r = damaged(e);
		if (r != 0)
			return r;
	}
	return r == 0 && p->bytes != p->head.bytes ? damaged(e) : r;
}

static struct replay *replay_free(struct replay *p)
{
	ZSTD_freeDCtx(p->z);
	fd_auto_close(&p->fd);
	fd_auto_close(&p->file);
	buf_free(&p->moves_text);
	buf_free(&p->open_path);
	free(p->moves);
	free(p);
	return NULL;
}

static int replay_run(struct replay *p, struct err *e)
{
	struct stat st;
	int r;

	if (!p->z)
		return err_set(e, ENOMEM, "start zstd");
	if (fstat(p->fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", SPLIT_FILE);
	r = read_moves(p, (uint64_t)st.st_size, e);
	p->path[0] = '\0';
	if (r == 0)
		r = frame_open(p, sizeof(p->head), p->head.moves_at, e);
	return r < 0 ? r : read_pieces(p, e);
}

int split_replay(int layer_dir, const struct split_reader *to, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct split_head head;
	struct replay *p;
	int r = read_head(layer_dir, &fd, &head, e);

	if (r != 0)
		return r;
	p = mem_new(1, sizeof(*p));
	p->layer_dir = layer_dir;
	p->fd = fd_take(&fd);
	p->file = -1;
	p->head = head;
	p->z = ZSTD_createDCtx();
	p->to = to;
	r = replay_run(p, e);
	replay_free(p);
	return r;
}
