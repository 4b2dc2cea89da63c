/* supervisor/serve.c - see serve.h. */
#include "runtime/supervisor/serve.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LISTENER = 3, ANSWERING = 8 };

static void ignore(int signal)
{
	(void)signal; /* it is there to interrupt accept(2): somebody has ended */
}

static int reap(int running, int flags)
{
	while (running > 0 && waitpid(-1, NULL, flags) > 0) {
		running--;
		flags = WNOHANG;
	}
	return running;
}

static int answer(char *minibox, int connection)
{
	char *argv[] = { minibox, "_metrics", NULL };
	int pid = vfork();

	if (pid == 0) {
		/* runs on our memory until execve: system calls only */
		if (dup2(connection, 0) == 0 && dup2(connection, 1) == 1)
			execve(minibox, argv, environ);
		_exit(125);
	}
	close(connection);
	return pid > 0;
}

int serve(char *minibox)
{
	static const struct timespec pause = { .tv_nsec = 100000000 };
	struct sigaction on_child = { .sa_handler = ignore, .sa_flags = SA_NOCLDSTOP };
	int running = 0;

	prctl(PR_SET_NAME, "minibox-metrics", 0, 0, 0);
	sigaction(SIGCHLD, &on_child, NULL);
	for (;;) {
		int fd;

		running = reap(running, running < ANSWERING ? WNOHANG : 0);
		fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			running += answer(minibox, fd);
		else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)
			return 1;
		else if (errno != EINTR && errno != ECONNABORTED)
			nanosleep(&pause, NULL); /* out of descriptors or memory */
	}
}
