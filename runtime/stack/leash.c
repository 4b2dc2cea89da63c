/* stack/leash.c - see leash.h. */
#include "runtime/stack/leash.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"

/* The watcher; it has nobody to tell a failure to. */
static void watch(struct cgroup *nested, int holder, int ready)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err ignored = ERR_INIT;

	/* The helper is killed by its process group, and its output ends with it. */
	(void)setsid();
	for (int fd = 0; fd < 3 && null > 2; fd++)
		(void)dup2(null, fd);
	if (write(ready, "r", 1) != 1)
		return;
	close(ready);
	(void)proc_wait_exit(holder, -1);
	(void)!cgroup_unnest(nested, &ignored);
}

static int start_watcher(struct cgroup *nested, struct err *e)
{
	AUTO_CLOSE int holder = proc_pidfd(getpid()), heard = -1, ready = -1;
	int fds[2];
	pid_t pid;
	char c;

	if (holder < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, errno, "watch over the command's processes");
	heard = fds[0];
	ready = fds[1];
	pid = fork();
	if (pid == 0) {
		watch(nested, holder, ready);
		_exit(0);
	}
	if (pid < 0)
		return err_set(e, errno, "watch over the command's processes");
	fd_auto_close(&ready);
	if (read(heard, &c, 1) != 1)
		return err_msg(e, ECHILD, "the watcher of the command ended");
	return 0;
}

int leash_put(struct cgroup *g, struct err *e)
{
	AUTO_FREE char *name = str_fmt("leash-%d", (int)getpid());
	struct cgroup *nested = NULL;
	int r = cgroup_nest(g, name, &nested, e);

	if (r < 0)
		return r;
	r = start_watcher(nested, e);
	if (r == 0) {
		cgroup_free(nested);
	} else {
		struct err ignored = ERR_INIT;

		(void)!cgroup_unnest(nested, &ignored);
	}
	return r;
}
