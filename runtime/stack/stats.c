/*
 * stack/stats.c - what containers use now. Changes nothing, takes no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "netns/netns.h"
#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/stack/host.h"

/* v1 counts blocks only where blkio is in use. A process that was waited for is counted
 * with its parent (kernel/exit.c), so little is lost. */
static void add_process_io(pid_t pid, struct cgroup_stats *use)
{
	AUTO_FREE char *path = str_fmt("/proc/%d/io", (int)pid);
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	const char *in, *out;

	if (fd_read_file(AT_FDCWD, path, 4096, &text, &ignored) < 0)
		return;
	in = strstr(text.data, "\nread_bytes: ");
	out = strstr(text.data, "\nwrite_bytes: ");
	use->read_bytes += in ? strtoull(in + 13, NULL, 10) : 0;
	use->write_bytes += out ? strtoull(out + 14, NULL, 10) : 0;
}

static void limits_of(const struct cgroup_host *cg, const char *path,
		      struct stack_stats *s)
{
	struct cgroup_limits lim = { 0 };
	struct err ignored = ERR_INIT;
	struct cgroup *g = NULL;

	if (cgroup_open(cg, path, &g, &ignored) != 0)
		return;
	if (cgroup_limits(g, &lim, &ignored) == 0) {
		s->memory_limit = s->memory_limit ? s->memory_limit : lim.memory_bytes;
		s->pids_limit = s->pids_limit ? s->pids_limit : lim.pids;
	}
	cgroup_free(g);
}

/* 1: it runs, and @ret is filled; 0: it does not */
static int read_stats(struct stack_host *h, const struct cgroup_host *cg,
		      const char *stack, const char *service, struct stack_stats *ret)
{
	AUTO_FREE char *path = host_cgroup(h, stack, service);
	AUTO_FREE char *above = host_cgroup(h, stack, NULL);
	struct netns_counters net = { 0 };
	struct cgroup_pids pids = { 0 };
	struct err ignored = ERR_INIT;
	struct cgroup *g = NULL;

	if (cgroup_open(cg, path, &g, &ignored) != 0)
		return 0;
	cgroup_pids(g, &pids);
	if (pids.n > 0 && cgroup_stats(g, &ret->use, &ignored) == 0) {
		ret->at_ns = proc_now_ns();
		limits_of(cg, path, ret);
		limits_of(cg, above, ret);
		(void)!netns_counters(pids.v[0], &net, &ignored);
		ret->rx_bytes = net.rx_bytes;
		ret->tx_bytes = net.tx_bytes;
		for (size_t i = 0; i < pids.n && !ret->use.has_io; i++)
			add_process_io(pids.v[i], &ret->use);
	}
	cgroup_free(g);
	free(pids.v);
	return ret->at_ns != 0;
}

int stack_stats(struct stack_host *h, const char *stack, struct stack_stats **list,
		size_t *n, struct err *e)
{
	AUTO_CLOSE int stack_fd = -1;
	struct cgroup_host *cg = NULL;
	struct record *rec = NULL;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r == 0)
		r = host_cgroups(h, &cg, e);
	for (size_t i = 0; r == 0 && i < rec->n_services; i++) {
		struct stack_stats one = { 0 };

		if (!read_stats(h, cg, stack, rec->services[i].name, &one))
			continue;
		one.stack = str_dup(stack);
		one.service = str_dup(rec->services[i].name);
		*list = mem_grow(*list, *n + 1, sizeof(one));
		(*list)[(*n)++] = one;
	}
	record_free(rec);
	return r;
}

void stack_stats_free(struct stack_stats *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].stack);
		free(list[i].service);
	}
	free(list);
}
