/* base/proc.c - see proc.h. Raw system calls: musl 1.2.3 has no pidfd wrappers. */
#include "runtime/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

/* By hand: printf and strtoull would be a fifth of the resident supervisor, which links
 * this. */
static void stat_path(pid_t pid, char *buf)
{
	char digits[16];
	int n = 0;

	do {
		digits[n++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0);
	memcpy(buf, "/proc/", 6);
	buf += 6;
	while (n > 0)
		*buf++ = digits[--n];
	memcpy(buf, "/stat", 6);
}

/* A decimal field of /proc/PID/stat, from the third on; 0 if the process is gone. */
static uint64_t stat_field(pid_t pid, int wanted)
{
	char path[32], line[1024], *p;
	uint64_t value = 0;
	ssize_t n;
	int fd;

	if (pid <= 0)
		return 0;
	stat_path(pid, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	p = strrchr(line, ')'); /* the command name may hold anything, also ')' */
	for (int field = 2; p && field < wanted; field++)
		p = strchr(p + 1, ' ');
	for (p = p ? p + 1 : line + n; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	return value;
}

uint64_t proc_start_time(pid_t pid)
{
	return stat_field(pid, 22);
}

pid_t proc_parent(pid_t pid)
{
	return (pid_t)stat_field(pid, 4);
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
	uint64_t end =
		proc_now_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000u;
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
