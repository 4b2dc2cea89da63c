/* base/fd.c - see fd.h. */
#include "runtime/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { OPEN_TRIES = 1000 };

/* EAGAIN: there was a ".." on the way, and somewhere on the host something was renamed or
 * mounted meanwhile; openat2(2). */
int fd_open_in_root(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd, tries = OPEN_TRIES;

	do
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && --tries > 0);
	return fd;
}

int fd_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int fd_read_all(int fd, size_t max, struct buf *ret, const char *what, struct err *e)
{
	char chunk[16384];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "read '%s'", what);
		if (n == 0)
			break;
		if (ret->len + (size_t)n > max)
			return err_msg(e, EFBIG, "'%s' is larger than %zu bytes", what,
				       max);
		buf_add(ret, chunk, (size_t)n);
	}
	buf_add(ret, "", 0); /* an empty file gives "", not NULL */
	return 0;
}

int fd_read_file(int dir, const char *name, size_t max, struct buf *ret, struct err *e)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open '%s'", name);
	return fd_read_all(fd, max, ret, name, e);
}

int fd_write_all(int fd, const void *data, size_t n, const char *what, struct err *e)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_set(e, errno, "write '%s'", what);
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int fd_write_str(int dir, const char *name, const char *text, struct err *e)
{
	AUTO_CLOSE int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_set(e, errno, "open '%s'", name);
	if (write(fd, text, strlen(text)) < 0)
		return err_set(e, errno, "write '%s' to '%s'", text, name);
	return 0;
}

int fd_write_file(int dir, const char *name, const void *data, size_t n, mode_t mode,
		  struct err *e)
{
	AUTO_FREE char *tmp = str_fmt("%s.%d.tmp", name, (int)getpid());
	AUTO_CLOSE int fd = -1;
	int r;

	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    mode);
	if (fd < 0)
		return err_set(e, errno, "create '%s'", tmp);
	r = fd_write_all(fd, data, n, name, e);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = err_set(e, errno, "chmod '%s'", tmp);
	if (r == 0 && fsync(fd) < 0)
		r = err_set(e, errno, "fsync '%s'", tmp);
	if (r == 0 && renameat(dir, tmp, dir, name) < 0)
		r = err_set(e, errno, "rename '%s' to '%s'", tmp, name);
	if (r < 0)
		(void)unlinkat(dir, tmp, 0);
	return r;
}

int fd_mkdir(int dir, const char *name, mode_t mode, int *ret_fd, struct err *e)
{
	int fd;

	if (mkdirat(dir, name, mode) < 0 && errno != EEXIST)
		return err_set(e, errno, "mkdir '%s'", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "open directory '%s'", name);
	*ret_fd = fd;
	return 0;
}

int fd_mkdirs(int dir, const char *path, mode_t mode, int *ret_fd, struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_CLOSE int at =
		openat(dir, *path == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return err_set(e, errno, "open directory for '%s'", path);
	strv_split(&parts, path, "/");
	strv_foreach (i, &parts) {
		int next = -1;

		if (mkdirat(at, parts.v[i], mode) < 0 && errno != EEXIST)
			return err_set(e, errno, "mkdir '%s'", path);
		next = openat(at, parts.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (next < 0)
			return err_set(e, errno, "open directory '%s'", path);
		close(at);
		at = next;
	}
	*ret_fd = fd_take(&at);
	return 0;
}

/* A tree being removed. What lies deeper than RM_DEPTH is moved up to the tree's root and
 * removed from there: a container can make a tree deeper than we may open files. */
struct rm {
	int top;
	dev_t dev; /* of the root: mounts are not entered */
	unsigned depth;
	unsigned long moved;
};
enum { RM_DEPTH = 64 };

static int rm_children(struct rm *rm, int fd, struct err *e);

static int rm_move_up(struct rm *rm, int dir, const char *name, struct err *e)
{
	char to[32];
	int r;

	do {
		snprintf(to, sizeof(to), ".removed-%lu", rm->moved++);
		r = renameat(dir, name, rm->top, to);
	} while (r < 0 && (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR));
	return r < 0 && errno != ENOENT ? err_set(e, errno, "move '%s' up", name) : 0;
}

/* Remove one name below @dir. */
static int rm_entry(struct rm *rm, int dir, const char *name, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set(e, errno, "remove '%s'", name);
	if (rm->depth >= RM_DEPTH)
		return rm_move_up(rm, dir, name, e);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open directory '%s'", name);
	if (st.st_dev != rm->dev)
		return err_set(e, EBUSY, "remove '%s'", name);
	rm->depth++;
	r = rm_children(rm, fd, e);
	rm->depth--;
	if (r < 0)
		return err_ctx(e, "in '%s'", name);
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_set(e, errno, "rmdir '%s'", name);
	return 0;
}

static int rm_children(struct rm *rm, int fd, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(fd, ".", &names, e);

	strv_foreach (i, &names) {
		if (r < 0)
			break;
		r = rm_entry(rm, fd, names.v[i], e);
	}
	return r;
}

int fd_rm_rf(int dir, const char *name, struct err *e)
{
	AUTO_CLOSE int top = -1;
	unsigned long moved;
	struct rm rm = { 0 };
	struct stat st;
	int r;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set(e, errno, "remove '%s'", name);
	top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top < 0 || fstat(top, &st) < 0)
		return err_set(e, errno, "open directory '%s'", name);
	rm.top = top;
	rm.dev = st.st_dev;
	do {
		moved = rm.moved;
		r = rm_children(&rm, top, e);
	} while (r == 0 && rm.moved != moved);
	if (r < 0)
		return err_ctx(e, "in '%s'", name);
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_set(e, errno, "rmdir '%s'", name);
	return 0;
}

int fd_list(int dir, const char *name, struct strv *ret, struct err *e)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *d;
	DIR *dp;

	if (fd < 0)
		return err_set(e, errno, "open directory '%s'", name);
	dp = fdopendir(fd);
	if (!dp) {
		close(fd);
		return err_set(e, errno, "read directory '%s'", name);
	}
	while ((d = readdir(dp)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			strv_add(ret, d->d_name);
	closedir(dp);
	strv_sort(ret);
	return 0;
}

int fd_lock(int dir, const char *name, bool exclusive, bool wait, int *ret_fd,
	    struct err *e)
{
	AUTO_CLOSE int fd =
		openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int op = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);

	if (fd < 0 && errno == EROFS) { /* it may have been made before */
		fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		errno = EROFS;
	}
	if (fd < 0)
		return err_set(e, errno, "open lock '%s'", name);
	while (flock(fd, op) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "lock '%s'", name);
	*ret_fd = fd_take(&fd);
	return 0;
}

int fd_send(int sock, const void *data, size_t n, int fd, struct err *e)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	while (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "send on socket");
	return 0;
}

int fd_recv(int sock, void *data, size_t n, int *ret_fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = data, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t r;

	if (ret_fd)
		*ret_fd = -1;
	do
		r = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		int fd;

		memcpy(&fd, CMSG_DATA(c), sizeof(int));
		if (ret_fd)
			*ret_fd = fd;
		else
			close(fd);
	}
	return (int)r;
}
