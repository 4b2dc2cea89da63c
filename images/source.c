/* images/source.c - see source.h. */
#include "images/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/inflate.h"
#include "images/tarname.h"
#include "runtime/base/fd.h"

enum {
	ENTRIES_MAX = 100000, /* a real archive has three files a layer */
	LINKS_MAX = 8,
	READ_SIZE = 64 << 10
};

struct member {
	char *name, *link; /* clean; link: another member's name, else NULL */
	size_t order;      /* the last of equal names counts, as in tar */
	uint64_t offset, size;
};

struct source {
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

static void free_archive(struct archive **a)
{
	archive_read_free(*a);
}

/* A link's target as a member name: symlinks are relative to their own directory. */
static char *link_target(const char *name, struct archive_entry *ae)
{
	const char *hard = archive_entry_hardlink(ae), *sym = archive_entry_symlink(ae);
	AUTO_FREE char *dir = tarname_dir(name), *text = NULL;
	AUTO_BUF struct buf clean = BUF_INIT;
	struct err ignored = ERR_INIT;

	if (hard)
		text = str_dup(hard);
	else if (sym && *sym != '/')
		text = str_fmt("%s/%s", dir, sym);
	else
		return str_dup(""); /* nothing: looking it up says "absent" */
	return tarname_clean(text, &clean, &ignored) == 0 ? buf_take(&clean)
							  : str_dup("");
}

static int add_member(struct source *src, struct archive *a, struct archive_entry *ae,
		      uint64_t file_size, struct err *e)
{
	const char *raw = archive_entry_pathname(ae);
	AUTO_BUF struct buf name = BUF_INIT;
	bool is_file =
		archive_entry_filetype(ae) == AE_IFREG && !archive_entry_hardlink(ae);
	struct member *m;

	if (archive_entry_filetype(ae) == AE_IFDIR)
		return 0;
	if (!raw || tarname_clean(raw, &name, e) < 0)
		return raw ? err_ctx(e, "'%s'", raw)
			   : err_msg(e, EINVAL, "a file has no name");
	if (src->n >= ENTRIES_MAX)
		return err_msg(e, E2BIG, "it holds more than %d files", ENTRIES_MAX);
	src->members = mem_grow(src->members, src->n + 1, sizeof(*src->members));
	m = &src->members[src->n];
	*m = (struct member){ .name = buf_take(&name), .order = src->n };
	src->n++;
	if (!is_file) {
		m->link = link_target(m->name, ae);
		return 0;
	}
	/* Right after a header nothing is buffered past it: this is where the data
	 * begins. */
	m->offset = (uint64_t)archive_filter_bytes(a, 0);
	m->size = (uint64_t)archive_entry_size(ae);
	if (archive_entry_sparse_count(ae) > 0)
		return err_msg(e, EINVAL, "'%s' is stored sparse", m->name);
	if (m->offset > file_size || m->size > file_size - m->offset)
		return err_msg(e, EINVAL, "it is cut short in '%s'", m->name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static int index_tar(struct source *src, struct err *e)
{
	AUTO(free_archive) struct archive *a = archive_read_new();
	struct archive_entry *ae;
	struct stat st;
	int r = ARCHIVE_FATAL;

	if (fstat(src->fd, &st) < 0)
		return err_set(e, errno, "stat it");
	if (a && archive_read_support_format_tar(a) == ARCHIVE_OK &&
	    lseek(src->fd, 0, SEEK_SET) == 0)
		r = archive_read_open_fd(a, src->fd, READ_SIZE);
	while (r >= ARCHIVE_WARN) {
		r = archive_read_next_header(a, &ae);
		if (r == ARCHIVE_EOF)
			break;
		if (r >= ARCHIVE_WARN &&
		    add_member(src, a, ae, (uint64_t)st.st_size, e) < 0)
			return -e->code;
	}
	if (r < ARCHIVE_WARN)
		return err_msg(e, EINVAL,
			       "it is not a tar archive, or a damaged one (%s)",
			       a ? archive_error_string(a) : "out of memory");
	if (src->n)
		qsort(src->members, src->n, sizeof(*src->members), by_name);
	return 0;
}

/* What cannot be read in place goes, decompressed, into a file that has no name. */
static int spool(struct image_store *s, struct source *src, bool is_pipe, struct err *e)
{
	uint64_t size = UINT64_MAX, since = 0;
	struct inflate *in = NULL;
	AUTO_CLOSE int to = -1;
	const void *data;
	struct stat st;
	ssize_t n;

	if (!is_pipe && fstat(src->fd, &st) == 0)
		size = (uint64_t)st.st_size;
	to = openat(s->tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (to < 0)
		return err_set(e, errno, "make a file in the store's 'tmp'");
	if (inflate_open(src->fd, 0, size, NULL, &in, e) < 0)
		return -e->code;
	while ((n = inflate_next(in, &data, e)) > 0) {
		since += (uint64_t)n;
		if (since > (16 << 20)) {
			since = 0;
			if ((n = store_space(to, 0, e)) < 0)
				break;
		}
		if ((n = fd_write_all(to, data, (size_t)n, "tmp", e)) < 0)
			break;
	}
	inflate_free(in);
	if (n < 0)
		return -e->code;
	close(src->fd);
	src->fd = fd_take(&to);
	return 0;
}

static bool is_compressed(int fd)
{
	unsigned char magic[INFLATE_MAGIC];
	ssize_t n = pread(fd, magic, sizeof(magic), 0);

	return n > 0 && inflate_form(magic, (size_t)n) != INFLATE_PLAIN;
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
	return r < 0 ? r : index_tar(src, e);
}

int source_open(struct image_store *s, int dir, const char *path, struct source **ret,
		struct err *e)
{
	AUTO(free_source) struct source *src = mem_new(1, sizeof(*src));
	int r;

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

int source_read(struct source *src, const char *name, size_t max, struct buf *ret,
		struct err *e)
{
	struct blob b;
	int r = source_find(src, name, &b, e);

	if (r != 0)
		return r;
	if (b.size > max)
		return err_msg(e, EFBIG, "'%s' is larger than %zu bytes", name, max);
	while (b.size > 0) {
		char chunk[16 << 10];
		size_t want = b.size < sizeof(chunk) ? (size_t)b.size : sizeof(chunk);
		ssize_t n = pread(b.fd, chunk, want, (off_t)b.offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_set(e, errno, "read '%s'", name)
				     : err_msg(e, EINVAL, "it is cut short in '%s'",
					       name);
		buf_add(ret, chunk, (size_t)n);
		b.offset += (uint64_t)n;
		b.size -= (uint64_t)n;
	}
	buf_add(ret, "", 0);
	return 0;
}
