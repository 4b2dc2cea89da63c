/* images/parse/members.c - which files a tarball holds, and where. */
#include <errno.h>
#include <unistd.h>

#include "images/parse/job.h"

struct input {
	int fd;
	uint64_t at;
	char block[64 << 10];
};

static la_ssize_t on_read(struct archive *a, void *arg, const void **ret)
{
	struct input *in = arg;
	ssize_t n = pread(in->fd, in->block, sizeof(in->block), (off_t)in->at);

	if (n < 0) {
		archive_set_error(a, errno, "it cannot be read");
		return ARCHIVE_FATAL;
	}
	in->at += (uint64_t)n;
	*ret = in->block;
	return n;
}

static la_int64_t on_skip(struct archive *a, void *arg, la_int64_t n)
{
	struct input *in = arg;

	(void)a;
	in->at += (uint64_t)n;
	return n;
}

static void free_archive(struct archive **a)
{
	archive_read_free(*a);
}

static int add_member(struct archive *a, struct archive_entry *ae, struct buf *ret,
		      struct err *e)
{
	const char *name = archive_entry_pathname(ae);
	const char *hard = archive_entry_hardlink(ae), *sym = archive_entry_symlink(ae);

	if (archive_entry_filetype(ae) == AE_IFDIR)
		return 0;
	if (!name)
		return err_msg(e, EINVAL, "a file has no name");
	if (archive_entry_sparse_count(ae) > 0)
		return err_msg(e, EINVAL, "'%s' is stored sparse", name);
	wire_put(ret, "name", name);
	if (hard || sym) {
		wire_put(ret, hard ? "hard" : "symbolic", hard ? hard : sym);
		return 0;
	}
	if (archive_entry_filetype(ae) != AE_IFREG) {
		wire_put(ret, "symbolic", ""); /* leads nowhere */
		return 0;
	}
	/* Right after a header nothing is buffered past it: here the data begin. */
	wire_put_number(ret, "offset", (uint64_t)archive_filter_bytes(a, 0));
	wire_put_number(ret, "size", (uint64_t)archive_entry_size(ae));
	return 0;
}

int job_members(int fd, struct buf *ret, struct err *e)
{
	AUTO(free_archive) struct archive *a = archive_read_new();
	struct input in = { .fd = fd };
	struct archive_entry *ae;
	size_t n = 0;
	int r = ARCHIVE_FATAL;

	if (a && archive_read_support_format_tar(a) == ARCHIVE_OK &&
	    archive_read_set_skip_callback(a, on_skip) == ARCHIVE_OK)
		r = archive_read_open(a, &in, NULL, on_read, NULL);
	while (r >= ARCHIVE_WARN) {
		r = archive_read_next_header(a, &ae);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_WARN)
			break;
		if (++n > JOB_MEMBERS_MAX)
			return err_msg(e, E2BIG, "it holds more than %d files",
				       JOB_MEMBERS_MAX);
		if (add_member(a, ae, ret, e) < 0)
			return -e->code;
	}
	return err_msg(e, EINVAL, "it is not a tar archive, or a damaged one (%s)",
		       a ? archive_error_string(a) : "out of memory");
}
