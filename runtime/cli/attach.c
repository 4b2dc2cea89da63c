/* cli/attach.c - see attach.h. */
#include "runtime/cli/attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/cli/signals.h"
#include "runtime/container/container.h"

enum { POLL_PID, POLL_SIGNAL, POLL_TTY, POLL_STDIN, POLL_N };

int attach_start_status(int exec_errno)
{
	return !exec_errno ? 125 : exec_errno == ENOENT ? 127 : 126;
}

static void copy_size(int tty)
{
	struct winsize w;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &w) == 0)
		(void)ioctl(tty, TIOCSWINSZ, &w);
}

static bool make_raw(struct termios *saved)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, saved) < 0)
		return false;
	raw = *saved;
	cfmakeraw(&raw);
	return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* Copy what is there; false at the end of the stream. */
static bool relay(int from, int to)
{
	struct err ignored = ERR_INIT;
	char chunk[4096];
	ssize_t n = read(from, chunk, sizeof(chunk));

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	return fd_write_all(to, chunk, (size_t)n, "terminal", &ignored) == 0;
}

static void on_signal(struct container *c, int sig, int tty)
{
	if (sig == SIGWINCH)
		copy_size(tty);
	else if (sig)
		(void)proc_kill(container_pidfd(c), sig);
}

static void loop(struct container *c, int sigfd)
{
	int tty = container_tty(c);
	struct pollfd p[POLL_N] = {
		[POLL_PID] = { .fd = container_pidfd(c), .events = POLLIN },
		[POLL_SIGNAL] = { .fd = sigfd, .events = POLLIN },
		[POLL_TTY] = { .fd = tty, .events = POLLIN },
		[POLL_STDIN] = { .fd = tty >= 0 ? STDIN_FILENO : -1, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, POLL_N, -1) < 0 && errno != EINTR)
			return;
		if (p[POLL_SIGNAL].revents)
			on_signal(c, signals_read(sigfd), tty);
		if (p[POLL_STDIN].revents && !relay(STDIN_FILENO, tty))
			p[POLL_STDIN].fd = -1;
		if (p[POLL_TTY].revents && !relay(tty, STDOUT_FILENO))
			p[POLL_TTY].fd = -1; /* EIO: the last process closed its end */
		else if (p[POLL_TTY].revents)
			continue; /* its last words come before its end */
		if (p[POLL_PID].revents)
			return;
	}
}

int attach(struct container *c, struct err *e)
{
	AUTO_CLOSE int sigfd = -1;
	struct termios saved;
	bool raw = false;
	int status = 0, r = signals_open(&sigfd, e);

	if (r < 0)
		return r;
	if (container_tty(c) >= 0) {
		copy_size(container_tty(c));
		raw = make_raw(&saved);
	}
	loop(c, sigfd);
	if (raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	r = container_wait(c, &status, e);
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
