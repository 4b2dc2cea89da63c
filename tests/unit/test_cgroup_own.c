/* tests/unit/test_cgroup_own.c - the caller's own group, and going into another. */
#include <sys/wait.h>

#include "runtime/cgroup/hier.h"
#include "tests/lib/test.h"

static char *own(const char *text)
{
	AUTO_FREE char *copy = str_dup(text);

	return cgroup_own_parse(copy);
}

TEST(own_group_is_that_of_the_unified_hierarchy)
{
	AUTO_FREE char *v2 = own("0::/system.slice/minibox-a.service\n");
	AUTO_FREE char *hybrid =
		own("4:memory:/x\n1:name=systemd:/y\n0::/z/with:colon\n");

	CHECK_STR(v2, "system.slice/minibox-a.service");
	CHECK_STR(hybrid, "z/with:colon");
	CHECK(own("0::/\n") == NULL);
	CHECK(own("4:memory:/x\n") == NULL);
	CHECK(own("0::/gone (deleted)\n") == NULL);
	CHECK(own("") == NULL);
}

TEST(own_group_that_nobody_gave_away_is_not_ours)
{
	struct cgroup_host *h = NULL;
	struct err e = ERR_INIT;
	char *path = NULL;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	CHECK_INT(cgroup_delegated(h, &path, &e), CGROUP_E_ABSENT);
	CHECK(path == NULL);
	cgroup_host_free(h);
}

TEST(own_process_enters_a_group_with_all_above_it)
{
	AUTO_FREE char *path = str_fmt("minibox-test-%d/a/b", (int)getpid());
	struct cgroup_host *h = NULL;
	struct err e = ERR_INIT;
	int status = -1;
	pid_t pid;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	CHECK(!cgroup_exists(h, path));
	pid = fork();
	if (pid == 0) {
		AUTO_BUF struct buf text = BUF_INIT;
		AUTO_FREE char *is = NULL;

		if (cgroup_enter(h, path, &e) < 0 ||
		    fd_read_file(AT_FDCWD, "/proc/self/cgroup", 65536, &text, &e) < 0)
			_exit(1);
		is = cgroup_own_parse(text.data);
		_exit(str_eq(is, path) ? 0 : 2);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	CHECK(cgroup_exists(h, path));
	CHECK(cgroup_enter(h, "../up", &e) == -EINVAL);
	err_clear(&e);
	CHECK_OK(cgroup_destroy(h, path, &e), &e);
	CHECK(!cgroup_exists(h, path));
	cgroup_host_free(h);
}
