/* supervisor/spawn.c - see spawn.h. */
#include "runtime/supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/supervisor/text.h"

/* Runs on the parent's memory until execve: system calls only. */
static void become(const char *path, char **argv, char **env, int fd, int as_fd)
{
	sigset_t none;

	(void)setsid();
	/* A launcher that outlived the supervisor would start a container nobody knows
	 * of. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd == as_fd && fd >= 0)
		fcntl(fd, F_SETFD, 0);
	else if (fd >= 0 && dup2(fd, as_fd) < 0)
		_exit(125);
	if (chdir("/") == 0)
		execve(path, argv, env);
	_exit(125);
}

int spawn_helper(const struct supervisor *sup, const struct service *s, const char *verb,
		 int fd, int as_fd)
{
	char root[sizeof(sup->head.root_dir) + 16], run[sizeof(sup->head.run_dir) + 16];
	char *env[] = {
		root, run,
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	char *argv[] = { (char *)sup->head.minibox, (char *)verb, (char *)sup->head.stack,
			 (char *)s->spec.name, NULL };
	struct text t = text_over(root, sizeof(root));
	int pid;

	text_str(&t, "MINIBOX_ROOT=");
	text_str(&t, sup->head.root_dir);
	t = text_over(run, sizeof(run));
	text_str(&t, "MINIBOX_RUN=");
	text_str(&t, sup->head.run_dir);
	pid = vfork();
	if (pid == 0)
		become(sup->head.minibox, argv, env, fd, as_fd);
	return pid < 0 ? -errno : pid;
}

void spawn_kill(int pid)
{
	if (pid > 0 && kill(-pid, SIGKILL) < 0)
		kill(pid, SIGKILL); /* it has not come to its setsid yet */
}
