/* images/layer/unpack.c - see unpack.h. */
#include "images/layer/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "images/jail.h"
#include "images/layer/messages.h"
#include "images/layer/split.h"
#include "images/layer/stream.h"
#include "runtime/base/fd.h"

enum {
	ENTRIES_MAX = 4 << 20, /* inodes run out unnoticed by byte limits; real layers
				  have 10^5 */
	PROGRESS_STEP = 1 << 20,
	SPACE_STEP = 16 << 20, /* ask the disk again after that many bytes */
	ENTRY_COST = 4096      /* a name and an inode are not free either */
};

/* Bomb: past the first bytes, no honest layer shrinks by more than that. */
enum { RATIO_MAX = 300 };
#define RATIO_FREE (1ULL << 30)

struct unpack {
	struct image_store *store;
	const struct unpack_job *job;
	struct unpack_result *res;
	struct stream *st;
	struct jail parser;
	struct messages *in;
	struct tree tree;
	struct split_writer *split;
	struct wire_data block; /* what is left of the present one */
	uint64_t cursor;        /* what is before it has been dealt with */
	uint64_t told;          /* bytes of the last progress report */
	uint64_t unchecked;     /* bytes written since the disk was last asked */
};

/* ---- the bytes ---- */

static int check_ratio(struct unpack *u, struct err *e)
{
	uint64_t in = stream_raw_done(u->st);

	if (u->cursor > RATIO_FREE && u->cursor / RATIO_MAX > in)
		return err_msg(e, EFBIG,
			       "it grows to more than %d times its compressed size",
			       RATIO_MAX);
	return 0;
}

/* The next piece at the cursor, at most @max; 0 at the end of the stream. */
static ssize_t next_piece(struct unpack *u, uint64_t max, const void **ret, struct err *e)
{
	ssize_t n;

	stream_release(u->st, u->cursor); /* what was handed out last time */
	n = stream_get(u->st, u->cursor, ret, e);
	if (n > 0 && (uint64_t)n > max)
		n = (ssize_t)max;
	if (n > 0)
		u->cursor += (uint64_t)n;
	return n;
}

static int on_room(void *arg, uint64_t bytes, struct err *e)
{
	struct unpack *u = arg;
	int r;

	if (u->job->hollow)
		return 0;
	r = store_take(u->store, bytes, e);
	if (r == 0)
		r = check_ratio(u, e);
	u->unchecked += bytes + ENTRY_COST;
	if (r < 0 || u->unchecked < SPACE_STEP)
		return r;
	bytes = u->unchecked;
	u->unchecked = 0;
	return store_space(u->job->root, bytes, e);
}

/* Bytes that are no file's content: headers, padding, what was left out. They are kept
 * beside the tree. */
static int pass_over(struct unpack *u, uint64_t upto, struct err *e)
{
	const void *data;
	ssize_t n = 0;

	while (u->cursor < upto) {
		n = next_piece(u, upto - u->cursor, &data, e);
		if (n > 0 && (on_room(u, (uint64_t)n, e) < 0 ||
			      split_raw(u->split, data, (size_t)n, e) < 0))
			return -e->code;
		if (n <= 0)
			break;
	}
	stream_release(u->st, u->cursor);
	return n < 0 ? (int)n : 0;
}

/* The next block that the parser says belongs to this entry, or what it has to say before
 * that: then the block is empty. Return: 0 if neither comes. */
static int next_block(struct unpack *u, struct err *e)
{
	int r = messages_data(u->in, &u->block, e);

	if (r <= 0)
		return r;
	if (u->block.h.at < u->cursor && u->block.h.kind == WIRE_DATA)
		return err_msg(e, EPROTO, "its parser went backwards");
	return pass_over(u, u->block.h.at, e) < 0 ? -e->code : 1;
}

static ssize_t on_data(void *arg, const void **ret, uint64_t *ret_offset, struct err *e)
{
	struct unpack *u = arg;
	ssize_t n;
	int r;

	while (u->block.length == 0) {
		r = next_block(u, e);
		if (r <= 0)
			return r;
	}
	n = next_piece(u, u->block.length, ret, e);
	if (n == 0)
		return err_msg(e, EINVAL, "its data is cut short");
	if (n < 0)
		return n;
	*ret_offset = u->block.offset;
	u->block.offset += (uint64_t)n;
	u->block.length -= (uint64_t)n;
	return n;
}

static int on_placed(void *arg, const char *path, uint64_t offset, const void *data,
		     size_t n, struct err *e)
{
	struct unpack *u = arg;

	return split_data(u->split, path, offset, data, n, e);
}

/* A file with other names is not moved: they would count a link too many. Where it is the
 * name that its content came under, that is copied. */
static int displace_linked(struct unpack *u, int dir, const char *base, const char *path,
			   uint64_t size, struct err *e)
{
	static const char copy[] = "displaced";
	int r = 0;

	if (!tree_forget_link(&u->tree, path)) {
		r = on_room(u, size, e);
		if (r == 0)
			r = tree_copy_content(dir, base, u->job->dir, copy, e);
		if (r == 0)
			r = split_moved(u->split, u->job->dir, copy, path, e);
	}
	if (r == 0 && unlinkat(dir, base, 0) < 0)
		r = err_set(e, errno, "replace what is there");
	return r;
}

/* Content is kept, since it is part of the stream; what is empty need not be. */
static int on_displace(void *arg, int dir, const char *base, const char *path,
		       struct err *e)
{
	struct unpack *u = arg;
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "look at what is there");
	if (S_ISREG(st.st_mode) && st.st_size == 0)
		return unlinkat(dir, base, 0) < 0
			       ? err_set(e, errno, "replace what is there")
			       : 0;
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		return displace_linked(u, dir, base, path, (uint64_t)st.st_size, e);
	return split_moved(u->split, dir, base, path, e);
}

static void report(struct unpack *u)
{
	uint64_t done = stream_raw_done(u->st);

	if (!u->job->progress || done - u->told < PROGRESS_STEP)
		return;
	u->told = done;
	u->job->progress(u->job->arg, done, u->job->blob.size);
}

/* ---- the messages ---- */

static int apply(struct unpack *u, const struct wire_entry *w, struct err *e)
{
	const struct entry_io io = { u,           on_data, on_placed,
				     on_displace, on_room, u->job->hollow };
	int r;

	if (++u->res->entries > ENTRIES_MAX)
		return err_msg(e, E2BIG, "it has more than %d entries", ENTRIES_MAX);
	r = pass_over(u, w->m->h.at, e);
	if (r == 0)
		r = entry_apply(&u->tree, w, &io, &u->res->totals, e);
	report(u);
	return r;
}

/* The parser only saw the effect of what went wrong before it. */
static int parser_failed(struct unpack *u, const char *why, struct err *e)
{
	return stream_failed(u->st, e) ? -e->code : err_msg(e, EINVAL, "%s", why);
}

/* Return: 1 when the parser is done, else as apply(). */
static int handle(struct unpack *u, const struct wire_entry *w, struct err *e)
{
	if (w->m->h.kind == WIRE_DONE)
		return 1;
	if (w->m->h.kind == WIRE_FAIL)
		return parser_failed(u, w->name, e);
	if (w->m->h.at < u->cursor)
		return w->m->h.kind == WIRE_NEED
			       ? 0
			       : err_msg(e, EPROTO, "its parser went backwards");
	return w->m->h.kind == WIRE_ENTRY ? apply(u, w, e) : pass_over(u, w->m->h.at, e);
}

/* Return: 0; TREE_E_DEPENDS; -errno. */
static int follow_parser(struct unpack *u, struct err *e)
{
	for (;;) {
		struct wire_entry w;
		int r = messages_next(u->in, &w, e);

		if (r < 0)
			return r;
		if (r == MESSAGES_E_END) /* it died in the middle of its work */
			return stream_failed(u->st, e) || jail_end(&u->parser, e) < 0
				       ? -e->code
				       : err_msg(e, EPROTO, "its parser ended early");
		r = handle(u, &w, e);
		if (w.m->h.kind == WIRE_DONE)
			return 0;
		if (r != 0)
			return r;
	}
}

static int verify(struct unpack *u, struct err *e)
{
	AUTO_FREE char *want = NULL, *got = NULL;
	struct digest raw;
	int r = stream_finish(u->st, &raw, &u->res->diff_id, e);

	if (r < 0)
		return r;
	if (u->job->digest && !digest_eq(&raw, u->job->digest)) {
		got = digest_text(&raw);
		return err_msg(e, EINVAL, "its blob has the digest '%s'", got);
	}
	if (!u->job->diff_id || u->job->hollow ||
	    digest_eq(&u->res->diff_id, u->job->diff_id))
		return 0;
	want = digest_text(u->job->diff_id);
	got = digest_text(&u->res->diff_id);
	return err_msg(e, EINVAL, "its content is '%s', the config says '%s'", got, want);
}

static int start_parser(struct unpack *u, struct image_store *s, struct err *e)
{
	int out[2], fds[3], r;

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_set(e, errno, "make a pipe");
	fds[1] = out[1];
	stream_fds(u->st, &fds[0], &fds[2]);
	r = jail_start(s, WIRE_ENTRIES, fds, STREAM_RING, &u->parser, e);
	close(out[1]);
	stream_parser_has_them(u->st);
	u->in = messages_new(out[0]);
	return r;
}

static int run(struct unpack *u, struct image_store *s, struct err *e)
{
	const enum digest_alg *raw = u->job->digest ? &u->job->digest->alg : NULL;
	enum digest_alg plain = u->job->diff_id ? u->job->diff_id->alg : DIGEST_SHA256;
	int r = split_create(u->job->dir, &u->split, e);

	if (r == 0)
		r = stream_open(s, &u->job->blob, raw, plain, &u->st, e);
	if (r == 0)
		r = start_parser(u, s, e);
	if (r == 0)
		r = follow_parser(u, e);
	jail_kill(&u->parser); /* it has said all; the ring is not to wait for it */
	if (r == 0) /* the digests cover what follows the end of the archive, too */
		r = pass_over(u, UINT64_MAX, e);
	if (r == 0)
		r = verify(u, e);
	if (r == 0)
		r = split_finish(u->split, NULL, e);
	if (r == 0)
		tree_finish(&u->tree);
	return r;
}

int unpack_layer(struct image_store *s, const struct unpack_job *job,
		 struct unpack_result *ret, struct err *e)
{
	struct unpack u = { .store = s, .job = job, .res = ret };
	int r;

	*ret = (struct unpack_result){ 0 };
	tree_init(&u.tree, job->root, job->below, job->mode);
	r = run(&u, s, e);
	if (u.st)
		stream_close(u.st);
	messages_free(u.in);
	split_free(u.split);
	ret->depends = u.tree.depends;
	ret->copied = u.tree.copied;
	u.tree.copied = (struct strv)STRV_INIT;
	tree_free(&u.tree);
	return r;
}
