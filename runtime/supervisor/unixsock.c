/* supervisor/unixsock.c - see unixsock.h. */
#include "runtime/supervisor/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/supervisor/text.h"

enum { NAME = 40, OPEN_TRIES = 1000 };

static void proc_name(char *buf, const char *before, int n, const char *after)
{
	struct text t = text_over(buf, NAME);

	text_str(&t, before);
	text_num(&t, (uint64_t)n);
	text_str(&t, after);
}

static int open_socket_file(int root, const char *path, int *ret)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct stat st;
	int fd, tries = OPEN_TRIES;

	/* EAGAIN: something was renamed or mounted while a ".." was followed */
	do
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && --tries > 0);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		close(fd);
		return -ENOTSOCK;
	}
	*ret = fd;
	return 0;
}

static int connect_as(int type, const struct sockaddr_un *to)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return -errno;
	return 0;
}

int unixsock_try(int pid, int pidfd, const char *path)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO_CLOSE int root = -1, file = -1;
	char name[NAME];
	int r;

	proc_name(name, "/proc/", pid, "/root");
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	/* Alive now, so the number was not another's when its root was opened. */
	if (proc_kill(pidfd, 0) < 0)
		return -errno;
	r = open_socket_file(root, path, &file);
	if (r < 0)
		return r;
	/* By the fd: the path may be another one's by now, and longer than sun_path. */
	proc_name(to.sun_path, "/proc/self/fd/", file, "");
	r = -EPROTOTYPE;
	for (size_t i = 0; r == -EPROTOTYPE && i < ARRAY_LEN(types); i++)
		r = connect_as(types[i], &to);
	return r;
}
