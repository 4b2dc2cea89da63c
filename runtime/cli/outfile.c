/*
 * cli/outfile.c - see outfile.h.
 *
 * The file has no name at all while it is written, where the file system can do that, so
 * that not even SIGKILL leaves something behind.
 */
#include "runtime/cli/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"

static int open_stdout(struct outfile *o, struct err *e)
{
	if (isatty(STDOUT_FILENO))
		return err_msg(e, EINVAL,
			       "standard output is a terminal: name a file by -o");
	o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	o->what = "standard output";
	return o->fd < 0 ? err_set(e, errno, "open standard output") : 0;
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return str_dup(".");
	return slash == path ? str_dup("/") : str_ndup(path, (size_t)(slash - path));
}

static int open_new(struct outfile *o, const char *path, struct err *e)
{
	AUTO_FREE char *dir = dir_of(path);

	o->path = str_dup(path);
	o->tmp = str_fmt("%s.%d.tmp", path, (int)getpid());
	o->fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
	if (o->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		o->fd = open(o->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return o->fd < 0 ? err_set(e, errno, "create '%s'", path) : 0;
}

int outfile_open(const char *path, struct outfile *ret, struct err *e)
{
	struct stat st;

	if (!path || str_eq(path, "-"))
		return open_stdout(ret, e);
	if (!*path)
		return err_msg(e, ENOENT, "'' names no file to write");
	ret->what = path;
	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return open_new(ret, path, e);
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "write '%s'", path);
	ret->fd = open(path, O_WRONLY | O_CLOEXEC);
	return ret->fd < 0 ? err_set(e, errno, "open '%s'", path) : 0;
}

int outfile_finish(struct outfile *o, struct err *e)
{
	char link[32];
	struct stat st;

	if (!o->tmp)
		return 0;
	if (fsync(o->fd) < 0 || fstat(o->fd, &st) < 0)
		return err_set(e, errno, "write '%s'", o->path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", o->fd);
	if (st.st_nlink == 0 &&
	    linkat(AT_FDCWD, link, AT_FDCWD, o->tmp, AT_SYMLINK_FOLLOW) < 0)
		return err_set(e, errno, "create '%s'", o->tmp);
	if (rename(o->tmp, o->path) < 0)
		return err_set(e, errno, "rename '%s' to '%s'", o->tmp, o->path);
	free(TAKE(o->tmp));
	return 0;
}

void outfile_close(struct outfile *o)
{
	fd_auto_close(&o->fd);
	if (o->tmp)
		(void)unlink(o->tmp);
	free(o->tmp);
	free(o->path);
	*o = (struct outfile)OUTFILE_INIT;
}
