/* Counters as kernels write them. */
#include "runtime/cgroup/hier.h"
#include "tests/lib/test.h"

TEST(pressure_of_several_kernels)
{
	struct cgroup_pressure p;

	cgroup_parse_pressure("some avg10=1.50 avg60=0.10 avg300=0.00 total=123456\n"
			      "full avg10=0.25 avg60=0.00 avg300=0.00 total=456\n",
			      &p);
	CHECK(p.known && p.some_avg10 == 1.5 && p.full_avg10 == 0.25);
	CHECK_INT(p.some_usec, 123456);
	CHECK_INT(p.full_usec, 456);
	/* cpu.pressure before Linux 5.13 */
	cgroup_parse_pressure("some avg10=2.00 avg60=0.10 avg300=0.00 total=9\n", &p);
	CHECK(p.known && p.some_avg10 == 2 && p.full_avg10 == 0 && p.full_usec == 0);
	cgroup_parse_pressure("", &p);
	CHECK(!p.known);
}

TEST(blocks_of_all_devices_are_summed)
{
	uint64_t in, out;

	cgroup_parse_io("8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=7 dios=0\n"
			"253:1 rbytes=1 wbytes=2 rios=0 wios=0 dbytes=0 dios=0\n",
			true, &in, &out);
	CHECK_INT(in, 101);
	CHECK_INT(out, 22);
	cgroup_parse_io("8:0 Read 4096\n8:0 Write 512\n8:0 Sync 4608\n8:0 Total 4608\n"
			"8:16 Read 4\n8:16 Write 8\nTotal 4620\n",
			false, &in, &out);
	CHECK_INT(in, 4100);
	CHECK_INT(out, 520);
	cgroup_parse_io("", true, &in, &out);
	CHECK(in == 0 && out == 0);
}

TEST(a_real_group_tells_what_it_uses)
{
	AUTO_FREE char *name = str_fmt("minibox-test-%d", (int)getpid());
	struct cgroup_limits lim = { .memory_bytes = 64 << 20 };
	struct cgroup_stats before, after;
	struct cgroup_host *h = NULL;
	struct err e = ERR_INIT;
	struct cgroup *g = NULL;
	int status;
	pid_t pid;

	CHECK_OK(cgroup_host_open(&h, &e), &e);
	CHECK_OK(cgroup_create(h, name, &lim, &g, &e), &e);
	CHECK_OK(cgroup_stats(g, &before, &e), &e);
	CHECK_INT(before.pids, 0);
	pid = fork();
	if (pid == 0) {
		char *p;

		if (cgroup_join(g, &e) != 0)
			_exit(1);
		p = malloc(8 << 20);
		for (int turn = 0; turn < 20; turn++)
			for (size_t i = 0; i < 8 << 20; i += 4096)
				p[i] = (char)turn;
		_exit(cgroup_stats(g, &after, &e) != 0 || after.memory_bytes < 8 << 20 ||
		      after.pids != 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	CHECK_OK(cgroup_stats(g, &after, &e), &e);
	CHECK(after.cpu_usec > before.cpu_usec);
	cgroup_free(g);
	CHECK_OK(cgroup_destroy(h, name, &e), &e);
	cgroup_host_free(h);
}
