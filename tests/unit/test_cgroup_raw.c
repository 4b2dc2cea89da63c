/* tests/unit/test_cgroup_raw.c - files and processes of a real group of this machine. */
#include <signal.h>

#include "runtime/cgroup/cgroup.h"
#include "tests/lib/test.h"

static bool holds(const struct cgroup_pids *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == pid)
			return true;
	return false;
}

static pid_t sleeper_in(const struct cgroup *g)
{
	int p[2];
	char c = 'n';
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;

		c = cgroup_join(g, &e) == 0 ? 'y' : 'n';
		if (write(p[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	CHECK(read(p[0], &c, 1) == 1 && c == 'y');
	close(p[0]);
	close(p[1]);
	return pid;
}

TEST(files_are_found_in_whichever_hierarchy_has_them)
{
	AUTO_FREE char *path = str_fmt("minibox-test-%d/a", (int)getpid());
	const struct cgroup_limits all = { .everywhere = true };
	struct cgroup_host *h = NULL;
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	CHECK_OK(cgroup_create(h, path, &all, &g, &e), &e);
	CHECK(cgroup_has_file(g, "pids.max") && cgroup_has_file(g, "cpuset.cpus"));
	CHECK(!cgroup_has_file(g, "pids.nothing"));
	CHECK_OK(cgroup_write_file(g, "pids.max", "77", &e), &e);
	CHECK_INT(cgroup_write_file(g, "pids.nothing", "1", &e), CGROUP_E_ABSENT);
	CHECK_INT(cgroup_write_file(g, "pids.max", "x", &e), -EINVAL);
	CHECK(strstr(err_text(&e), path) != NULL);
	err_clear(&e);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
	cgroup_host_free(h);
}

TEST(processes_are_listed_with_those_of_groups_below)
{
	AUTO_FREE char *path = str_fmt("minibox-test-%d", (int)getpid());
	AUTO_FREE char *below = str_fmt("%s/sub", path);
	const struct cgroup_limits none = { 0 };
	struct cgroup *g = NULL, *sub = NULL;
	struct cgroup_host *h = NULL;
	struct cgroup_pids pids;
	struct err e = ERR_INIT;
	pid_t pid;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	CHECK_OK(cgroup_create(h, below, &none, &sub, &e), &e);
	CHECK_OK(cgroup_open(h, path, &g, &e), &e);
	cgroup_pids(g, &pids);
	CHECK_INT(pids.n, 0);
	free(pids.v);
	pid = sleeper_in(sub);
	cgroup_pids(g, &pids);
	CHECK(pids.n == 1 && holds(&pids, pid));
	free(pids.v);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
	cgroup_free(g);
	cgroup_free(sub);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
	cgroup_host_free(h);
}
