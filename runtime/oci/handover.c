/* oci/handover.c - what a caller is handed, or hands: terminal, pid, fds. See command.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "runtime/base/fd.h"
#include "runtime/oci/command.h"

enum { KEPT_MAX = 1024 };

int oci_console_connect(const char *path, int *ret, struct err *e)
{
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_CLOSE int file = open(path, O_PATH | O_CLOEXEC);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (sock < 0 || file < 0)
		return err_set(e, errno, "open console socket '%s'", path);
	/* a path may be longer than sun_path */
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d", file);
	if (connect(sock, (struct sockaddr *)&at, sizeof(at)) < 0)
		return err_set(e, errno, "connect to console socket '%s'", path);
	*ret = fd_take(&sock);
	return 0;
}

int oci_pid_file(const char *path, pid_t pid, struct err *e)
{
	AUTO_FREE char *dir = str_dup(path);
	char *slash = strrchr(dir, '/'), text[16];
	AUTO_CLOSE int at = -1;
	int n = snprintf(text, sizeof(text), "%d", (int)pid);

	if (slash)
		*slash = '\0';
	at = open(!slash ? "." : *dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return err_set(e, errno, "open directory of pid file '%s'", path);
	return fd_write_file(at, slash ? slash + 1 : path, text, (size_t)n, 0644, e);
}

/* sd_listen_fds(3): the fds stand from 3 on; LISTEN_PID is to be the receiver's, which is
 * PID 1 in a pid namespace of its own. */
int oci_preserve_fds(const struct oci_args *a, struct oci_config *c, struct err *e)
{
	const char *text = oci_args_value(a, "preserve-fds");
	const char *listen_fds = getenv("LISTEN_FDS");
	unsigned long long n = 0, more = 0;

	if (text && !str_u64(text, KEPT_MAX, &n))
		return err_msg(e, EINVAL,
			       "option 'preserve-fds': '%s' is no number up "
			       "to %d",
			       text, KEPT_MAX);
	if (listen_fds && str_u64(listen_fds, KEPT_MAX, &more) && more > 0) {
		AUTO_FREE char *pair = str_fmt("LISTEN_FDS=%llu", more);

		strv_set_env(&c->spec.env, pair);
		strv_set_env(&c->spec.env, "LISTEN_PID=1");
	}
	c->exact.preserve_fds = (unsigned)(n + more);
	return 0;
}
