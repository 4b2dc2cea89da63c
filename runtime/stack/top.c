/*
 * stack/top.c - the processes of a service, as the host and as the container see them.
 *
 * Knows /proc. What it shows comes from the container: names and commands are foreign
 * bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/host.h"

enum { FILE_MOST = 1 << 20, COMMAND_MOST = 4096 };

static char *read_proc(int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	AUTO_BUF struct buf b = BUF_INIT;
	char chunk[4096];
	ssize_t n;

	while (fd >= 0 && b.len < FILE_MOST && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&b, chunk, (size_t)n);
	return buf_take(&b);
}

/* Arguments are parted by NUL; a process without any (a zombie) has its name only. */
static char *command_of(int dir)
{
	AUTO_CLOSE int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	char text[COMMAND_MOST];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (n <= 0) {
		AUTO_FREE char *name = read_proc(dir, "comm");

		name[strcspn(name, "\n")] = '\0';
		return str_fmt("[%s]", name);
	}
	while (n > 1 && text[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return str_ndup(text, (size_t)n);
}

static unsigned long long status_number(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The last number of "NSpid:\t1234\t7": 7 inside, when there is more than one. */
static pid_t inside_pid(const char *status)
{
	const char *at = strstr(status, "\nNSpid:");
	size_t len = at ? strcspn(at + 1, "\n") : 0;
	AUTO_FREE char *line = at ? str_ndup(at + 1, len) : NULL;
	char *last = line ? strrchr(line, '\t') : NULL;

	return last && strchr(line, '\t') != last ? (pid_t)strtol(last + 1, NULL, 10) : 0;
}

/* As the container counts its users: uid_map has lines "INSIDE OUTSIDE COUNT". */
static uid_t inside_uid(int dir, uid_t host)
{
	AUTO_FREE char *map = read_proc(dir, "uid_map");
	unsigned inside, outside, count;
	const char *at = map;
	int used = 0;

	while (sscanf(at, " %u %u %u%n", &inside, &outside, &count, &used) == 3) {
		if (host >= outside && host - outside < count)
			return inside + (host - outside);
		at += used;
	}
	return host;
}

/* From the container's own /etc/passwd, looked for inside its root. */
static char *user_name(int dir, uid_t uid)
{
	AUTO_CLOSE int root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd =
		root < 0 ? -1
			 : fd_open_in_root(root, "/etc/passwd", O_RDONLY | O_NONBLOCK);
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;

	if (fd >= 0 && fd_read_all(fd, FILE_MOST, &text, "passwd", &ignored) == 0 &&
	    text.data)
		for (char *save = NULL, *l = strtok_r(text.data, "\n", &save); l;
		     l = strtok_r(NULL, "\n", &save)) {
			size_t name = strcspn(l, ":");
			const char *id = l[name] ? strchr(l + name + 1, ':') : NULL;

			if (name > 0 && name < 33 && id && id[1] >= '0' && id[1] <= '9' &&
			    strtoull(id + 1, NULL, 10) == uid)
				return str_ndup(l, name);
		}
	return str_fmt("%u", uid);
}

/* utime, stime and starttime are fields 14, 15 and 22, in ticks; see proc_pid_stat(5) */
static void read_times(int dir, struct stack_process *p)
{
	AUTO_FREE char *stat = read_proc(dir, "stat");
	uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK), now;
	unsigned long long user = 0, sys = 0, start = 0;
	const char *at = strrchr(stat, ')'); /* the name may hold anything */
	struct timespec ts;

	if (!at ||
	    sscanf(at + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d "
		   "%*d %*d %*d %*d %llu",
		   &user, &sys, &start) != 3)
		return;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	p->cpu_ms = (user + sys) * 1000 / tick;
	p->age_ms = now > start * 1000 / tick ? now - start * 1000 / tick : 0;
}

static bool read_process(pid_t pid, struct stack_process *ret)
{
	AUTO_FREE char *path = str_fmt("/proc/%d", (int)pid);
	AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *status = NULL;
	uid_t uid;

	if (dir < 0)
		return false;
	status = read_proc(dir, "status");
	if (!*status)
		return false; /* it has ended */
	uid = (uid_t)status_number(status, "\nUid:\t");
	*ret = (struct stack_process){
		.pid = pid,
		.inside = inside_pid(status),
		.user = user_name(dir, inside_uid(dir, uid)),
		.command = command_of(dir),
		.rss_bytes = status_number(status, "\nVmRSS:") * 1024,
	};
	read_times(dir, ret);
	return true;
}

int stack_top(struct stack_host *h, const char *stack, const char *service,
	      struct stack_process **ret, size_t *n, struct err *e)
{
	AUTO_FREE char *path = host_cgroup(h, stack, service);
	AUTO_CLOSE int service_fd = -1;
	struct cgroup_pids pids = { 0 };
	struct cgroup_host *cg = NULL;
	struct cgroup *g = NULL;
	int r = host_service_fd(h, stack, service, &service_fd, e);

	if (r == 0)
		r = host_cgroups(h, &cg, e);
	if (r == 0)
		r = cgroup_open(cg, path, &g, e);
	if (r != 0)
		return r;
	cgroup_pids(g, &pids);
	*ret = mem_new(pids.n + 1, sizeof(**ret));
	*n = 0;
	for (size_t i = 0; i < pids.n; i++)
		*n += read_process(pids.v[i], &(*ret)[*n]);
	free(pids.v);
	cgroup_free(g);
	return 0;
}

void stack_top_free(struct stack_process *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].user);
		free(list[i].command);
	}
	free(list);
}
