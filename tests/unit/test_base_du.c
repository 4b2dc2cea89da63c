/* tests for runtime/base/du.c: against du(1) */
#include "runtime/base/du.h"

#include "tests/lib/test.h"

/* What `du -s --block-size=1` says of @name below @dir. */
static uint64_t du_says(int dir, const char *name)
{
	AUTO_BUF struct buf got = BUF_INIT;
	struct err e = ERR_INIT;
	int out[2], st;
	pid_t pid;

	CHECK(pipe(out) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		if (fchdir(dir) == 0)
			execlp("du", "du", "-s", "--block-size=1", name, NULL);
		_exit(127);
	}
	close(out[1]);
	CHECK_OK(fd_read_all(out[0], 65536, &got, "du", &e), &e);
	waitpid(pid, &st, 0);
	CHECK_INT(st, 0);
	return strtoull(got.data, NULL, 10);
}

static void make(int dir, const char *name, size_t n)
{
	AUTO_FREE char *data = mem_new(n + 1, 1);
	struct err e = ERR_INIT;

	CHECK_OK(fd_write_file(dir, name, data, n, 0600, &e), &e);
}

TEST(du_tree_agrees_with_du)
{
	AUTO_CLOSE int dir = scratch_dir(), a = -1, sparse = -1;
	AUTO_DU struct du d = DU_INIT;
	struct err e = ERR_INIT;
	uint64_t n = 0, half = 0;
	char name[16], link[16];

	CHECK_OK(fd_mkdirs(dir, "t/a/b", 0755, &a, &e), &e);
	make(a, "big", 1000000);
	make(a, "small", 1);
	for (int i = 0; i < 600; i++) { /* enough to grow the table */
		snprintf(name, sizeof(name), "f%d", i);
		make(a, name, 5000);
		snprintf(link, sizeof(link), "t/l%d", i);
		CHECK(linkat(a, name, dir, link, 0) == 0);
	}
	sparse = openat(a, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(ftruncate(sparse, 1 << 30) == 0 && write(sparse, "x", 1) == 1);
	CHECK(symlinkat("/", a, "link") == 0);
	CHECK_OK(du_tree(&d, dir, "t", &n, &e), &e);
	CHECK_INT(n, du_says(dir, "t"));
	CHECK(n > 3000000 && n < 100000000);
	/* what has been counted is not counted again */
	CHECK_OK(du_tree(&d, dir, "t/a", &half, &e), &e);
	CHECK(half < n / 2);
	CHECK_OK(du_tree(&d, dir, "absent", &n, &e), &e);
}

TEST(du_tree_goes_deeper_than_files_may_be_open)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_DU struct du d = DU_INIT;
	struct err e = ERR_INIT;
	uint64_t n = 0;
	int at = dup(dir);

	for (int i = 0; i < 3000; i++) {
		int next = -1;

		CHECK_OK(fd_mkdir(at, "directory", 0755, &next, &e), &e);
		close(at);
		at = next;
	}
	make(at, "f", 10000);
	close(at);
	CHECK_OK(du_tree(&d, dir, "directory", &n, &e), &e);
	CHECK_INT(n, du_says(dir, "directory"));
}
