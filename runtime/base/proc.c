/* base/proc.c - see proc.h. Raw system calls: musl 1.2.3 has no pidfd wrappers. */
#include "runtime/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t proc_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t proc_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t proc_start_time(pid_t pid)
{
	char path[32], line[1024], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	p = strrchr(line, ')'); /* the command name may hold anything, also ')' */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

int proc_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int proc_pidfd_as(pid_t pid, uint64_t start_time)
{
	int fd = pid > 0 ? proc_pidfd(pid) : -1;

	/* Checked after the open: the pidfd then pins whatever process was looked at. */
	if (fd >= 0 && proc_start_time(pid) == start_time)
		return fd;
	if (fd >= 0)
		close(fd);
	errno = ESRCH;
	return -1;
}

int proc_kill(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

int proc_wait_exit(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	uint64_t end = proc_now_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000u;
	int left = timeout_ms, r;

	for (;;) {
		r = poll(&p, 1, left);
		if (r >= 0 || errno != EINTR)
			return r > 0;
		if (timeout_ms >= 0) {
			uint64_t now = proc_now_ns();

			left = now >= end ? 0 : (int)((end - now) / 1000000u);
		}
	}
}

int proc_self_dir(char *ret, size_t n, struct err *e)
{
	ssize_t len = readlink("/proc/self/exe", ret, n - 1);
	char *slash;

	if (len < 0)
		return err_set(e, errno, "readlink '/proc/self/exe'");
	ret[len] = '\0';
	slash = strrchr(ret, '/');
	if (slash)
		*slash = '\0';
	return 0;
}
