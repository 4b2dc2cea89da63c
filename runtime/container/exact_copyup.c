/*
 * container/exact_copyup.c - a tmpfs that starts with what it hides ("tmpcopyup"). See
 * rootfs.h.
 *
 * Knows files, directories and links of an image: hostile, so every name is opened below
 * its directory and never followed. Devices, sockets and FIFOs are left out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/rootfs.h"

enum { DEPTH_MAX = 64 };

static int own(int dir, const char *name, const struct stat *st, struct err *e)
{
	if (fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "chown copy of '%s'", name);
	if (!S_ISLNK(st->st_mode) && fchmodat(dir, name, st->st_mode & 07777, 0) < 0)
		return err_set(e, errno, "chmod copy of '%s'", name);
	return 0;
}

static int copy_file(int from, int to, const char *name, struct err *e)
{
	AUTO_CLOSE int in =
		openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_CLOSE int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0 || out < 0)
		return err_set(e, errno, "copy file '%s'", name);
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	return n < 0 ? err_set(e, errno, "copy file '%s'", name) : 0;
}

static int copy_link(int from, int to, const char *name, struct err *e)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return err_set(e, errno, "read link '%s'", name);
	text[n] = '\0';
	if (symlinkat(text, to, name) < 0)
		return err_set(e, errno, "copy link '%s'", name);
	return 0;
}

static int copy_tree(int from, int to, int depth, struct err *e);

static int copy_directory(int from, int to, const char *name, int depth, struct err *e)
{
	AUTO_CLOSE int in =
		openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int out = -1;
	int r;

	if (in < 0)
		return err_set(e, errno, "open directory '%s'", name);
	r = fd_mkdir(to, name, 0700, &out, e);
	return r < 0 ? r : copy_tree(in, out, depth + 1, e);
}

static int copy_entry(int from, int to, const char *name, int depth, struct err *e)
{
	struct stat st;
	int r = 0;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "stat '%s'", name);
	if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name, e);
	else if (S_ISDIR(st.st_mode))
		r = copy_directory(from, to, name, depth, e);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(from, to, name, e);
	else
		return 0;
	return r < 0 ? r : own(to, name, &st, e);
}

static int copy_tree(int from, int to, int depth, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(from, ".", &names, e);

	if (r == 0 && depth > DEPTH_MAX)
		r = err_msg(e, ELOOP, "directories are more than '%d' deep", DEPTH_MAX);
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = copy_entry(from, to, names.v[i], depth, e);
	return r;
}

int container_exact_copy_up(int from, int to, struct err *e)
{
	AUTO_CLOSE int in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (in < 0)
		return err_set(e, errno, "open what is to be copied into a 'tmpfs'");
	r = copy_tree(in, to, 0, e);
	return r < 0 ? err_ctx(e, "copy into a 'tmpfs'") : 0;
}
