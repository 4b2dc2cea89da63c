/*
 * stack/oom.c - see oom.h.
 *
 * Knows the counters of a group and the kernel's log. Does not watch, as the supervisor
 * does: a counter is there whenever somebody asks.
 */
#include "runtime/stack/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/helper.h"

enum { RECORD_MOST = 8192 };

char *oom_victim(const char *record, const char *path)
{
	size_t n = 0;
	const char *name = sup_oom_victim(record, path, &n);

	return name ? str_ndup(name, n) : NULL;
}

bool oom_may_have_ended(const struct sup_status *st)
{
	return st->ended &&
	       ((WIFSIGNALED(st->exit_status) && WTERMSIG(st->exit_status) == SIGKILL) ||
		(WIFEXITED(st->exit_status) &&
		 WEXITSTATUS(st->exit_status) == 128 + SIGKILL));
}

/* Each read(2) gives one record; the last one of the group is wanted. */
static char *find_victim(const char *path)
{
	AUTO_CLOSE int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[RECORD_MOST + 1], *found = NULL;
	ssize_t n;

	while (fd >= 0) {
		char *one;

		n = read(fd, record, RECORD_MOST);
		if (n < 0 && errno == EPIPE) /* overwritten meanwhile: the next one */
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		one = oom_victim(record, path);
		if (one)
			free(found), found = one;
	}
	return found ? found : str_dup("unknown");
}

static char *mebibytes(uint64_t bytes)
{
	return bytes ? str_fmt("%llu MiB", (unsigned long long)((bytes + 524288) >> 20))
		     : str_dup("none of its own");
}

static char *describe(const char *path, const struct cgroup_usage *use,
		      const struct cgroup_limits *lim)
{
	AUTO_FREE char *victim = find_victim(path);
	AUTO_FREE char *peak = mebibytes(use->memory_peak_bytes);
	AUTO_FREE char *limit = mebibytes(lim->memory_bytes);

	return str_fmt("out of memory: %llu process%s killed, the last '%s', peak %s, "
		       "limit %s",
		       (unsigned long long)use->oom_kills,
		       use->oom_kills == 1 ? "" : "es", victim, peak, limit);
}

uint64_t oom_look(struct stack_host *h, const char *stack, const char *service,
		  char **ret_text)
{
	AUTO_FREE char *path = host_cgroup(h, stack, service);
	struct err ignored = ERR_INIT;
	struct cgroup_limits lim = { 0 };
	struct cgroup_usage use = { 0 };
	struct cgroup_host *cg = NULL;
	struct cgroup *g = NULL;

	*ret_text = NULL;
	if (host_cgroups(h, &cg, &ignored) == 0 &&
	    cgroup_open(cg, path, &g, &ignored) == 0 &&
	    cgroup_usage(g, &use, &ignored) == 0 && use.oom_kills > 0 &&
	    cgroup_limits(g, &lim, &ignored) == 0)
		*ret_text = describe(path, &use, &lim);
	cgroup_free(g);
	return use.oom_kills;
}

static int open_group(struct stack_host *h, const char *stack, const char *service,
		      struct cgroup **ret, struct err *e)
{
	AUTO_FREE char *path = host_cgroup(h, stack, service);
	struct cgroup_host *cg = NULL;
	int r = host_cgroups(h, &cg, e);

	return r < 0 ? r : cgroup_open(cg, path, ret, e);
}

/* The supervisor knows no cgroups: by this link it is told when memory runs out. */
static int link_group(struct stack_host *h, const struct cgroup_host *cg,
		      const char *stack, const char *service, struct err *e)
{
	AUTO_FREE char *path = host_cgroup(h, stack, service);
	AUTO_FREE char *target = cgroup_memory_dir(cg, path);
	AUTO_CLOSE int dir = -1;
	int r = host_service_fd(h, stack, service, &dir, e);

	if (r != 0 || !target)
		return r < 0 ? r : 0;
	if ((unlinkat(dir, "memory", 0) < 0 && errno != ENOENT) ||
	    symlinkat(target, dir, "memory") < 0)
		return err_set(e, errno, "link 'memory' of service '%s'", service);
	return 0;
}

int oom_guard(struct stack_host *h, const char *stack, const char *service,
	      const json_t *spec, struct err *e)
{
	struct cgroup_usage use = { 0 };
	struct cgroup_host *cg = NULL;
	struct cgroup *g = NULL;
	char known[24];
	int r = host_cgroups(h, &cg, e);

	if (r == 0)
		r = link_group(h, cg, stack, service, e);
	if (r < 0 || !json_bool(spec, "oom_group", false) || cgroup_host_version(cg) == 2)
		return r;
	r = open_group(h, stack, service, &g, e);
	if (r == 0)
		r = cgroup_usage(g, &use, e);
	cgroup_free(g);
	if (r != 0)
		return r < 0 ? r
			     : err_msg(e, ENOENT, "the cgroup of service '%s' is gone",
				       service);
	snprintf(known, sizeof(known), "%llu", (unsigned long long)use.oom_kills);
	return helper_spawn(h, "_oom", stack, service, known, e);
}

int stack_oom_watch(struct stack_host *h, const char *stack, const char *service,
		    uint64_t known, struct err *e)
{
	struct cgroup *g = NULL;
	int r = open_group(h, stack, service, &g, e);

	if (r == 0)
		r = cgroup_oom_wait(g, known, e);
	if (r == 0)
		r = cgroup_kill(g, e);
	cgroup_free(g);
	return r > 0 ? 0 : r; /* it ended as services do */
}
