/* images/archive/source.c - see source.h. */
#include "images/archive/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/jail.h"
#include "images/parse/magic.h"
#include "images/layer/stream.h"
#include "images/layer/tarname.h"
#include "runtime/base/fd.h"

enum { LINKS_MAX = 8, SPACE_STEP = 16 << 20 };

struct member {
	char *name, *link; /* clean; link: another member's name, else NULL */
	size_t order;      /* the last of equal names counts, as in tar */
	uint64_t offset, size;
};

struct source {
	struct image_store *store;
	int fd; /* tarball or directory */
	bool is_dir;
	struct member *members; /* tarball: sorted by name, then order */
	size_t n;
	int *opened; /* directory: files handed out */
	size_t n_opened;
};

struct source *source_free(struct source *src)
{
	if (!src)
		return NULL;
	for (size_t i = 0; i < src->n; i++) {
		free(src->members[i].name);
		free(src->members[i].link);
	}
	for (size_t i = 0; i < src->n_opened; i++)
		close(src->opened[i]);
	free(src->members);
	free(src->opened);
	fd_auto_close(&src->fd);
	free(src);
	return NULL;
}

static void free_source(struct source **src)
{
	source_free(*src);
}

/* A link's target as a member name: symlinks are relative to their own directory. What
 * leads nowhere is "": looking it up says "absent". */
static char *link_target(const char *name, bool hard, const char *target)
{
	AUTO_FREE char *dir = tarname_dir(name), *text = NULL;
	AUTO_BUF struct buf clean = BUF_INIT;
	struct err ignored = ERR_INIT;

	if (hard)
		text = str_dup(target);
	else if (*target && *target != '/')
		text = str_fmt("%s/%s", dir, target);
	else
		return str_dup("");
	return tarname_clean(text, &clean, &ignored) == 0 ? buf_take(&clean)
							  : str_dup("");
}

static int add_member(struct source *src, const char *raw, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT;

	if (tarname_clean(raw, &name, e) < 0)
		return err_ctx(e, "'%s'", raw);
	if ((src->n & (src->n - 1)) == 0)
		src->members = mem_grow(src->members, src->n ? 2 * src->n : 1,
					sizeof(*src->members));
	src->members[src->n] =
		(struct member){ .name = buf_take(&name), .order = src->n };
	src->n++;
	return 0;
}

/* One line of the parser's list; what it says of a file comes after the file's name. */
static int take_member(struct source *src, const char *key, const char *value,
		       struct err *e)
{
	struct member *m = src->n ? &src->members[src->n - 1] : NULL;
	unsigned long long number = 0;

	if (str_eq(key, "name"))
		return add_member(src, value, e);
	if (!m)
		return 0;
	if (str_eq(key, "hard") || str_eq(key, "symbolic")) {
		m->link = link_target(m->name, str_eq(key, "hard"), value);
		return 0;
	}
	if (!str_u64(value, INT64_MAX, &number))
		return err_msg(e, EPROTO, "the %s of '%s' is no number", key, m->name);
	if (str_eq(key, "offset"))
		m->offset = number;
	else
		m->size = number;
	return 0;
}

static int check_members(const struct source *src, uint64_t file_size, struct err *e)
{
	for (size_t i = 0; i < src->n; i++) {
		const struct member *m = &src->members[i];

		if (m->offset > file_size || m->size > file_size - m->offset)
			return err_msg(e, EINVAL, "it is cut short in '%s'", m->name);
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static int index_tar(struct image_store *s, struct source *src, struct err *e)
{
	AUTO_BUF struct buf answer = BUF_INIT;
	const char *key, *value;
	struct wire_list list;
	struct stat st;
	int r;

	if (fstat(src->fd, &st) < 0)
		return err_set(e, errno, "stat it");
	r = jail_list(s, WIRE_MEMBERS, src->fd, &answer, e);
	if (r == 0)
		r = wire_list(&answer, &list, e);
	while (r == 0 && wire_next(&list, &key, &value))
		r = take_member(src, key, value, e);
	if (r == 0)
		r = check_members(src, (uint64_t)st.st_size, e);
	if (r == 0 && src->n)
		qsort(src->members, src->n, sizeof(*src->members), by_name);
	return r;
}

/* Whatever else comes by a pipe may never end, so it is looked at before the disk is
 * filled. */
static int check_first_block(struct stream *st, struct err *e)
{
	const void *last;
	ssize_t n = stream_get(st, MAGIC_TAR_SIZE - 1, &last, e);

	if (n <= 0) /* what is shorter is judged as a whole */
		return (int)n;
	return magic_is_tar((const unsigned char *)last - (MAGIC_TAR_SIZE - 1))
		       ? 0
		       : err_msg(e, EINVAL, "it is not a tar archive");
}

/* What cannot be read in place goes, decompressed, into a file that has no name. */
static int spool_stream(struct image_store *s, struct stream *st, int to, struct err *e)
{
	uint64_t at = 0, checked = 0;
	const void *data;
	ssize_t n;

	if (check_first_block(st, e) < 0)
		return -e->code;
	while ((n = stream_get(st, at, &data, e)) > 0) {
		if (at - checked > SPACE_STEP && store_space(to, SPACE_STEP, e) < 0)
			return -e->code;
		if (at - checked > SPACE_STEP)
			checked = at;
		if (store_take(s, (uint64_t)n, e) < 0 ||
		    fd_write_all(to, data, (size_t)n, "tmp", e) < 0)
			return -e->code;
		at += (uint64_t)n;
		stream_release(st, at);
	}
	return (int)n;
}

static int spool(struct image_store *s, struct source *src, bool is_pipe, struct err *e)
{
	struct blob all = { src->fd, 0, BLOB_PIPE };
	AUTO_CLOSE int to = openat(s->tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct stream *st = NULL;
	struct stat sb;
	int r;

	if (!is_pipe && fstat(src->fd, &sb) == 0)
		all.size = (uint64_t)sb.st_size;
	if (to < 0)
		return err_set(e, errno, "make a file in the store's 'tmp'");
	r = stream_open(s, &all, NULL, DIGEST_SHA256, &st, e);
	if (r < 0)
		return r;
	stream_parser_has_them(st); /* there is none */
	image_store_set_limit(s,
			      s->unpacked_max); /* begins anew, as it does after this */
	r = spool_stream(s, st, to, e);
	stream_close(st);
	if (r < 0)
		return r;
	close(src->fd);
	src->fd = fd_take(&to);
	return 0;
}

static bool is_compressed(int fd)
{
	unsigned char magic[MAGIC_SIZE];
	ssize_t n = pread(fd, magic, sizeof(magic), 0);

	return n > 0 && magic_form(magic, (size_t)n) != MAGIC_PLAIN;
}

static int open_file(struct image_store *s, struct source *src, int dir, const char *path,
		     struct err *e)
{
	bool std_in = str_eq(path, "-");
	struct stat st;
	int r = 0;

	src->fd = std_in ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			 : openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (src->fd < 0 || fstat(src->fd, &st) < 0)
		return err_set(e, errno, "open it");
	src->is_dir = S_ISDIR(st.st_mode);
	if (src->is_dir)
		return 0;
	if (std_in || !S_ISREG(st.st_mode))
		r = spool(s, src, true, e);
	else if (is_compressed(src->fd))
		r = spool(s, src, false, e);
	return r < 0 ? r : index_tar(s, src, e);
}

int source_open(struct image_store *s, int dir, const char *path, struct source **ret,
		struct err *e)
{
	AUTO(free_source) struct source *src = mem_new(1, sizeof(*src));
	int r;

	src->store = s;
	src->fd = -1;
	r = open_file(s, src, dir, path, e);
	if (r < 0)
		return r;
	*ret = TAKE(src);
	return 0;
}

/* The last member of that name. */
static const struct member *lookup(const struct source *src, const char *name)
{
	size_t lo = 0, hi = src->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(src->members[mid].name, name) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && strcmp(src->members[lo - 1].name, name) == 0
		       ? &src->members[lo - 1]
		       : NULL;
}

static int find_in_dir(struct source *src, const char *name, struct blob *ret,
		       struct err *e)
{
	/* O_NONBLOCK: a FIFO must not make us wait for a writer */
	AUTO_CLOSE int fd =
		fd_open_in_root(src->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return SOURCE_E_ABSENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_msg(e, EINVAL, "'%s' is not a file", name);
	src->opened = mem_grow(src->opened, src->n_opened + 1, sizeof(*src->opened));
	*ret = (struct blob){ fd, 0, (uint64_t)st.st_size };
	src->opened[src->n_opened++] = fd_take(&fd);
	return 0;
}

int source_find(struct source *src, const char *name, struct blob *ret, struct err *e)
{
	AUTO_BUF struct buf clean = BUF_INIT;
	const struct member *m;
	int r = tarname_clean(name, &clean, e);

	if (r < 0)
		return err_ctx(e, "'%s'", name);
	if (src->is_dir)
		return find_in_dir(src, clean.data, ret, e);
	m = lookup(src, clean.data);
	for (int i = 0; m && m->link && i < LINKS_MAX; i++)
		m = lookup(src, m->link);
	if (!m || m->link)
		return SOURCE_E_ABSENT;
	*ret = (struct blob){ src->fd, m->offset, m->size };
	return 0;
}

int source_read_blob(const struct blob *from, const char *what, size_t max,
		     struct buf *ret, struct err *e)
{
	struct blob b = *from;

	if (b.size > max)
		return err_msg(e, EFBIG, "'%s' is larger than %zu bytes", what, max);
	while (b.size > 0) {
		char chunk[16 << 10];
		size_t want = b.size < sizeof(chunk) ? (size_t)b.size : sizeof(chunk);
		ssize_t n = pread(b.fd, chunk, want, (off_t)b.offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_set(e, errno, "read '%s'", what)
				     : err_msg(e, EINVAL, "it is cut short in '%s'",
					       what);
		buf_add(ret, chunk, (size_t)n);
		b.offset += (uint64_t)n;
		b.size -= (uint64_t)n;
	}
	buf_add(ret, "", 0);
	return 0;
}

int source_read(struct source *src, const char *name, size_t max, struct buf *ret,
		struct err *e)
{
	struct blob b;
	int r = source_find(src, name, &b, e);

	return r != 0 ? r : source_read_blob(&b, name, max, ret, e);
}

int source_document(struct source *src, const char *job, const struct buf *text,
		    struct buf *ret, struct wire_list *ret_list, struct err *e)
{
	return jail_document(src->store, job, text->data, text->len, ret, ret_list, e);
}
