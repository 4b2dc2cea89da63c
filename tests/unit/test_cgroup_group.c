/* tests/unit/test_cgroup_group.c - real groups of this machine, and rules on a fake tree.
 */
#include <signal.h>

#include "runtime/base/proc.h"
#include "runtime/cgroup/hier.h"
#include "tests/lib/test.h"

static struct cgroup_host *host(void)
{
	struct cgroup_host *h = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	return h;
}

static char *top(void)
{
	return str_fmt("minibox-test-%d", (int)getpid());
}

static char *name(const char *rest)
{
	AUTO_FREE char *t = top();

	return str_fmt("%s/%s", t, rest);
}

static bool is_there(const struct cgroup_host *h, const char *path)
{
	for (size_t i = 0; i < h->n; i++)
		if (faccessat(h->hier[i].fd, path, F_OK, 0) == 0)
			return true;
	return false;
}

/* A child in the group that sleeps, or forks for ever. */
static pid_t child_in(const struct cgroup *g, bool forks)
{
	int p[2];
	char c;
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;

		c = cgroup_join(g, &e) == 0 ? 'y' : 'n';
		if (write(p[1], &c, 1) != 1)
			_exit(1);
		for (;;) {
			if (forks)
				(void)fork();
			usleep(1000);
		}
	}
	CHECK(read(p[0], &c, 1) == 1 && c == 'y');
	close(p[0]);
	close(p[1]);
	return pid;
}

TEST(group_takes_limits_and_gives_them_back)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("shop/db"), *t = top();
	struct cgroup_limits lim = { .memory_bytes = 64 << 20,
				     .cpu_millis = 500,
				     .pids = 32,
				     .devices = true,
				     .cpu_shares = 512 };
	struct cgroup_limits got;
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK_OK(cgroup_limits(g, &got, &e), &e);
	CHECK_INT(got.memory_bytes, 64 << 20);
	CHECK_INT(got.cpu_millis, 500);
	CHECK_INT(got.pids, 32);
	cgroup_free(g);
	/* adopted: what is not limited any more is lifted, memory grows past the old swap
	 * limit */
	lim = (struct cgroup_limits){ .memory_bytes = 256 << 20 };
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK_OK(cgroup_limits(g, &got, &e), &e);
	CHECK_INT(got.memory_bytes, 256 << 20);
	CHECK_INT(got.cpu_millis, 0);
	CHECK_INT(got.pids, 0);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
	CHECK(!is_there(h, t));
	CHECK_OK(cgroup_destroy(h, path, &e), &e); /* absent is done */
}

TEST(nested_processes_are_killed_alone_and_what_joins_the_group_is_nested)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("shop/db"), *below = name("shop/db/some");
	struct cgroup_limits lim = { .pids = 32 };
	struct cgroup *g = NULL, *again = NULL, *n = NULL;
	struct err e = ERR_INIT;
	pid_t main_pid, forks;
	int st;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	main_pid = child_in(g, false);
	CHECK_OK(cgroup_nest(g, "some", &n, &e), &e);
	CHECK(is_there(h, below) && cgroup_is_empty(n));
	forks = child_in(g, true);
	CHECK(!cgroup_is_empty(n));
	CHECK_OK(cgroup_unnest(n, &e), &e);
	CHECK(!is_there(h, below));
	CHECK(waitpid(forks, &st, 0) == forks && WTERMSIG(st) == SIGKILL);
	CHECK_INT(waitpid(main_pid, &st, WNOHANG), 0);
	cgroup_free(g);
	/* a second one, that nothing has joined; and one name is one group */
	CHECK_OK(cgroup_open(h, path, &g, &e), &e);
	CHECK_OK(cgroup_nest(g, "some", &n, &e), &e);
	CHECK_OK(cgroup_open(h, path, &again, &e), &e);
	CHECK_INT(cgroup_nest(again, "some", &n, &e), -EEXIST);
	cgroup_free(again);
	err_clear(&e);
	CHECK_OK(cgroup_unnest(n, &e), &e);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
	CHECK(waitpid(main_pid, &st, 0) == main_pid);
}

TEST(without_the_unified_hierarchy_processes_are_nested_in_another)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("old"), *below = name("old/some");
	struct cgroup_limits lim = { .pids = 32 };
	struct cgroup *g = NULL, *n = NULL;
	struct err e = ERR_INIT;
	size_t kept = 0;
	pid_t pid;
	int st;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	for (size_t i = 0; i < g->n; i++)
		if (!g->in[i].unified)
			g->in[kept++] = g->in[i];
	g->n = kept;
	if (kept > 0) { /* else a machine of v2 alone */
		CHECK_OK(cgroup_nest(g, "some", &n, &e), &e);
		pid = child_in(g, false);
		CHECK(is_there(h, below) && !cgroup_is_empty(n));
		CHECK_OK(cgroup_unnest(n, &e), &e);
		CHECK(waitpid(pid, &st, 0) == pid && WTERMSIG(st) == SIGKILL);
		CHECK(!is_there(h, below));
	}
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
}

TEST(group_takes_the_finer_limits_and_lifts_them)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("fine");
	struct cgroup_limits lim = { .memory_bytes = 64 << 20,
				     .memswap_bytes = 64 << 20,
				     .memory_reserve_bytes = 16 << 20,
				     .cpu_period_usec = 50000,
				     .cpu_quota_usec = 20000,
				     .cpuset = "0" };
	struct cgroup_limits got;
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;
	uint64_t n = 0;
	bool v2;
	int dir;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK_OK(cgroup_limits(g, &got, &e), &e);
	CHECK_INT(got.cpu_millis, 400);
	dir = cgroup_dir_of(g, CTL_MEMORY, &v2);
	CHECK_OK(cgroup_read_u64(dir, v2 ? "memory.low" : "memory.soft_limit_in_bytes",
				 &n, &e),
		 &e);
	CHECK_INT(n, 16 << 20);
	cgroup_free(g);
	lim = (struct cgroup_limits){ .cpu_quota_usec = 300000 };
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK_OK(cgroup_limits(g, &got, &e), &e);
	CHECK_INT(got.cpu_millis, 3000);
	CHECK_INT(got.memory_bytes, 0);
	CHECK_OK(cgroup_read_u64(dir = cgroup_dir_of(g, CTL_MEMORY, &v2),
				 v2 ? "memory.low" : "memory.soft_limit_in_bytes", &n,
				 &e),
		 &e);
	CHECK_INT(n, 0);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
}

TEST(group_names_the_limit_that_the_kernel_does_not_take)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("odd");
	struct cgroup_limits lim = { .cpuset = "4000" };
	struct cgroup_io io = { .major = 1, .minor = 1, .rate = { 4096 } };
	struct err e = ERR_INIT;

	CHECK(cgroup_create(h, path, &lim, NULL, &e) < 0);
	CHECK(strstr(err_text(&e), "'cpuset' '4000': "));
	err_clear(&e);
	lim = (struct cgroup_limits){ .io = &io, .n_io = 1 };
	CHECK(cgroup_create(h, path, &lim, NULL, &e) < 0);
	CHECK(strstr(err_text(&e), "'blkio_config': ") &&
	      strstr(err_text(&e), "device 1:1"));
}

TEST(group_tolerates_page_rounding)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("odd");
	struct cgroup_limits lim = { .memory_bytes = (64 << 20) + 1234 };
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_create(h, path, &lim, NULL, &e), &e);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
}

TEST(group_that_fails_is_undone)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("shop/bad"), *t = top();
	AUTO_FREE char *want = str_fmt("cgroup '%s': 'cpu_shares' 1: not from "
				       "2 to 262144",
				       path);
	struct cgroup_limits lim = { .memory_bytes = 64 << 20, .cpu_shares = 1 };
	struct err e = ERR_INIT;

	CHECK_INT(cgroup_create(h, path, &lim, NULL, &e), -EINVAL);
	CHECK_STR(err_text(&e), want);
	CHECK(!is_there(h, t));
}

TEST(group_refuses_odd_paths)
{
	static const char *const paths[] = {
		"", "/", "/abs", "a/../b", ".", "a/.hidden"
	};
	struct cgroup_host *h = host();
	struct cgroup_limits lim = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct err e = ERR_INIT;

		CHECK_INT(cgroup_create(h, paths[i], &lim, NULL, &e), -EINVAL);
		err_clear(&e);
		CHECK_INT(cgroup_destroy(h, paths[i], &e), -EINVAL);
	}
}

TEST(group_open_tells_absent_from_failed)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("none");
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	CHECK_INT(cgroup_open(h, path, &g, &e), CGROUP_E_ABSENT);
	CHECK(!g && e.code == 0);
}

TEST(group_lists_children_once_and_sorted)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *b = name("b"), *a = name("a"), *t = top();
	struct cgroup_limits lim = { 0 };
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = ERR_INIT;

	CHECK_OK(cgroup_create(h, b, &lim, NULL, &e), &e);
	CHECK_OK(cgroup_create(h, a, &lim, NULL, &e), &e);
	CHECK_OK(cgroup_children(h, t, &names, &e), &e);
	CHECK_INT(names.n, 2);
	CHECK_STR(names.v[0], "a");
	CHECK_OK(cgroup_destroy(h, a, &e), &e);
	CHECK(is_there(h, t)); /* its parent has another child */
	CHECK_OK(cgroup_destroy(h, t, &e), &e);
	CHECK(!is_there(h, t));
}

TEST(group_counts_what_it_uses_and_limits_processes)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("use");
	struct cgroup_limits lim = { .pids = 5 };
	struct cgroup_usage u = { 0 };
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;
	pid_t pid;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK(cgroup_is_empty(g));
	pid = child_in(g, true);
	usleep(100000);
	CHECK(!cgroup_is_empty(g));
	CHECK_OK(cgroup_usage(g, &u, &e), &e);
	CHECK_INT(u.pids, 5);
	CHECK(u.memory_bytes > 0 && u.memory_peak_bytes >= u.memory_bytes &&
	      u.cpu_usec > 0);
	CHECK_OK(cgroup_kill(g, &e), &e);
	waitpid(pid, NULL, 0);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
}

TEST(group_freezes_and_is_killed_frozen)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("ice");
	struct cgroup_limits lim = { 0 };
	struct cgroup_usage a, b;
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;
	pid_t pid;
	int st;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	pid = child_in(g, false);
	CHECK_OK(cgroup_freeze(g, true, &e), &e);
	CHECK_OK(cgroup_usage(g, &a, &e), &e);
	usleep(50000);
	CHECK_OK(cgroup_usage(g, &b, &e), &e);
	CHECK_INT(a.cpu_usec, b.cpu_usec);
	CHECK_OK(cgroup_freeze(g, false, &e), &e);
	for (int i = 0; i < 100 && b.cpu_usec == a.cpu_usec; i++) { /* others are busy */
		usleep(50000);
		CHECK_OK(cgroup_usage(g, &b, &e), &e);
	}
	CHECK(b.cpu_usec > a.cpu_usec);
	CHECK_OK(cgroup_freeze(g, true, &e), &e);
	CHECK_OK(cgroup_kill(g, &e), &e);
	CHECK(waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
}

TEST(group_destroy_kills_a_fork_bomb_below_it)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("bomb/inner"), *outer = name("bomb"), *t = top();
	struct cgroup_limits lim = { .pids = 50 };
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;
	pid_t pid;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	signal(SIGCHLD, SIG_IGN);
	pid = child_in(g, true);
	usleep(50000);
	CHECK_OK(cgroup_destroy(h, outer, &e), &e);
	CHECK(!is_there(h, t));
	CHECK(kill(pid, 0) < 0 && errno == ESRCH);
	cgroup_free(g);
}

TEST(group_kills_one_by_one_where_v2_is_not_mounted)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("old");
	struct cgroup_limits lim = { .pids = 50 };
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;

	/* the same machine, seen without its unified hierarchy */
	for (size_t i = 0; i < h->n; i++)
		if (h->hier[i].unified && h->n > 1) {
			close(h->hier[i].fd);
			free(h->hier[i].mount);
			h->hier[i] = h->hier[--h->n];
		}
	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	signal(SIGCHLD, SIG_IGN);
	(void)child_in(g, true);
	usleep(50000);
	CHECK(!cgroup_is_empty(g));
	CHECK_OK(cgroup_kill(g, &e), &e);
	for (int i = 0; i < 2000 && !cgroup_is_empty(g); i++)
		usleep(1000);
	CHECK(cgroup_is_empty(g));
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
}

/* A fake v2 tree of plain directories: what is written where. */
TEST(group_enables_controllers_on_the_way_down_on_v2)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_FREE char *prefix = str_fmt("/proc/self/fd/%d", dir);
	struct cgroup_host *h = NULL;
	struct cgroup_limits lim = { .pids = 3 };
	AUTO_BUF struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	char info[] = "31 23 0:28 / /u rw - cgroup2 x rw\n";

	CHECK(mkdirat(dir, "u", 0755) == 0);
	CHECK_OK(
		fd_write_file(dir, "u/cgroup.controllers", "memory pids\n", 12, 0644, &e),
		&e);
	CHECK_OK(fd_write_file(dir, "u/cgroup.subtree_control", "memory\n", 7, 0644, &e),
		 &e);
	CHECK_OK(cgroup_host_find(info, prefix, &h, &e), &e);
	/* a plain directory has no cgroup.procs: the whole is undone, and says what was
	 * missing */
	CHECK_INT(cgroup_create(h, "a/b", &lim, NULL, &e), -ENOENT);
	CHECK_STR(err_text(&e),
		  "cgroup 'a/b': open 'cgroup.procs': No such file or directory");
	CHECK(faccessat(dir, "u/a", F_OK, 0) < 0);
	CHECK_OK(fd_read_file(dir, "u/cgroup.subtree_control", 64, &text, &e), &e);
	CHECK_STR(text.data,
		  "+pidsy\n"); /* memory was on; a plain file is overwritten in place */
	cgroup_host_free(h);
}

TEST(group_waits_for_a_kill_that_never_came_no_longer_than_it_lives)
{
	struct cgroup_host *h = host();
	AUTO_FREE char *path = name("oom");
	struct cgroup_limits lim = { .memory_bytes = 64 << 20, .oom_group = true };
	struct cgroup *g = NULL;
	struct err e = ERR_INIT;
	bool unified = false;

	CHECK_OK(cgroup_create(h, path, &lim, &g, &e), &e);
	CHECK(cgroup_dir_of(g, CTL_MEMORY, &unified) >= 0);
	if (unified)
		CHECK_INT(cgroup_oom_wait(g, 0, &e), -ENOTSUP);
	else
		CHECK_INT(cgroup_oom_wait(g, 0, &e), CGROUP_E_ABSENT);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
}
