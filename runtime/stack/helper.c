/* stack/helper.c - see helper.h. Knows how one is started; not what it does. */
#include "runtime/stack/helper.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

int helper_spawn(struct stack_host *h, const char *verb, const char *stack,
		 const char *service, const char *arg, struct err *e)
{
	AUTO_FREE char *program = str_fmt("%s/minibox", h->exe_dir);
	char *const argv[] = { program,
			       (char *)"--root",
			       h->root,
			       (char *)"--run",
			       h->run,
			       (char *)(uintptr_t)verb,
			       (char *)(uintptr_t)stack,
			       (char *)(uintptr_t)service,
			       (char *)(uintptr_t)(service ? arg : NULL),
			       NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid;
	int code;

	posix_spawn_file_actions_init(&files);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, 3);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	code = posix_spawn(&pid, program, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return code ? err_set(e, code, "start '%s'", program) : 0;
}
