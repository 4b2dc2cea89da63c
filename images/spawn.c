/* images/spawn.c - see spawn.h. */
#include "images/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include "runtime/base/fd.h"

/* Far from the numbers they are moved to, so that no move hides another's source. */
enum { FD_FAR = 16 };

static int copy_far(const int *from, int *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (from[i] < 0)
			continue;
		to[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_FAR);
		if (to[i] < 0)
			return errno;
	}
	return 0;
}

static void set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Return: an errno, 0: done. */
static int spawn(const char *path, char *const argv[], char *const envp[], const int *fds,
		 size_t n, pid_t *ret)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int r;

	posix_spawn_file_actions_init(&acts);
	posix_spawnattr_init(&attr);
	set_signals(&attr);
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			posix_spawn_file_actions_adddup2(&acts, fds[i], (int)i);
	r = posix_spawn(ret, path, &acts, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&acts);
	posix_spawnattr_destroy(&attr);
	return r;
}

int spawn_program(const char *path, char *const argv[], char *const envp[],
		  const int *fds, size_t n, pid_t *ret, struct err *e)
{
	int far[SPAWN_FDS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	int r = copy_far(fds, far, n);

	if (r == 0)
		r = spawn(path, argv, envp, far, n, ret);
	for (size_t i = 0; i < n; i++)
		fd_auto_close(&far[i]);
	return r ? err_set(e, r, "start '%s'", path) : 0;
}
