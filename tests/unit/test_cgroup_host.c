/* tests/unit/test_cgroup_host.c - which hierarchies a mountinfo text tells of. */
#include "runtime/cgroup/hier.h"
#include "tests/lib/test.h"

#define LINE(mount, type, options) "31 23 0:28 / " mount " rw - " type " x " options "\n"

static void parse(const char *text, struct cgroup_host *h)
{
	char *copy = str_dup(text);

	cgroup_host_parse(copy, h);
	free(copy);
}

TEST(host_finds_v1_hierarchies_alone_and_together)
{
	struct cgroup_host h;

	parse("22 27 0:21 / /proc rw - proc proc rw\n" LINE("/sys/fs/cgroup/cpu,cpuacct",
							    "cgroup", "rw,cpu,cpuacct")
		      LINE("/sys/fs/cgroup/memory", "cgroup", "rw,memory") LINE(
			      "/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd")
			      LINE("/sys/fs/cgroup/unified", "cgroup2", "rw"),
	      &h);
	CHECK_INT(h.n, 3);
	CHECK_INT(h.hier[0].controllers, CTL_CPU | CTL_CPUACCT);
	CHECK_STR(h.hier[1].mount, "/sys/fs/cgroup/memory");
	CHECK(h.hier[2].unified && !h.hier[1].unified);
	CHECK_INT(cgroup_host_version(&h), 1);
}

TEST(host_takes_the_first_of_several_mounts)
{
	struct cgroup_host h;

	parse(LINE("/a\\040b", "cgroup2", "rw") LINE("/second", "cgroup2", "rw")
		      LINE("/m", "cgroup", "rw,memory")
			      LINE("/m2", "cgroup", "rw,memory"),
	      &h);
	CHECK_INT(h.n, 2);
	CHECK_STR(h.hier[0].mount, "/a b");
	CHECK_STR(h.hier[1].mount, "/m");
}

TEST(host_skips_lines_that_are_cut_or_odd)
{
	struct cgroup_host h;

	parse("\n - \n1 2 3\nx - cgroup\n1 2 3 4 5 - cgroup2\n1 2 0:1 / /x - cgroup x "
	      "rw,perf_event\n",
	      &h);
	CHECK_INT(h.n, 0);
}

TEST(host_open_without_hierarchies_says_so)
{
	struct cgroup_host *h = NULL;
	struct err e = ERR_INIT;
	char text[] = "22 27 0:21 / /proc rw - proc proc rw\n";

	CHECK_INT(cgroup_host_find(text, "", &h, &e), -ENOENT);
	CHECK_STR(err_text(&e), "no cgroup hierarchy is mounted on '/sys/fs/cgroup'");
}

TEST(host_version_2_is_where_memory_and_pids_are_unified)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_FREE char *prefix = str_fmt("/proc/self/fd/%d", dir);
	struct cgroup_host *h = NULL;
	struct err e = ERR_INIT;
	char text[] = LINE("/u", "cgroup2", "rw");

	CHECK(mkdirat(dir, "u", 0755) == 0);
	CHECK_OK(fd_write_file(dir, "u/cgroup.controllers", "cpuset cpu io memory pids\n",
			       26, 0644, &e),
		 &e);
	CHECK_OK(cgroup_host_find(text, prefix, &h, &e), &e);
	CHECK_INT(cgroup_host_version(h), 2);
	cgroup_host_free(h);
}
