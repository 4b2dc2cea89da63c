/* tests for runtime/base/fd.c */
#include "tests/lib/test.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

TEST(fd_write_file_replaces_whole_and_leaves_no_temporary)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_BUF struct buf b = BUF_INIT;
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = ERR_INIT;

	CHECK_OK(fd_write_file(dir, "f", "old", 3, 0600, &e), &e);
	CHECK_OK(fd_write_file(dir, "f", "newer", 5, 0644, &e), &e);
	CHECK_OK(fd_read_file(dir, "f", 100, &b, &e), &e);
	CHECK_STR(b.data, "newer");
	CHECK_OK(fd_list(dir, ".", &names, &e), &e);
	CHECK_INT(names.n, 1);
}

TEST(fd_read_file_refuses_more_than_its_bound)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_BUF struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK_OK(fd_write_file(dir, "f", "12345", 5, 0600, &e), &e);
	CHECK_INT(fd_read_file(dir, "f", 4, &b, &e), -EFBIG);
	CHECK_STR(err_text(&e), "'f' is larger than 4 bytes");
}

/* As a container can make it: deeper than files may be open, and than a path may be long;
 * with the names in it that the removal itself would take. */
TEST(fd_rm_rf_removes_a_tree_of_any_depth)
{
	AUTO_CLOSE int dir = scratch_dir(), at = -1;
	struct rlimit few = { 200, 200 };
	struct err e = ERR_INIT;

	CHECK_OK(fd_mkdir(dir, "t", 0755, &at, &e), &e);
	CHECK_OK(fd_write_file(at, ".removed-0", "x", 1, 0600, &e), &e);
	CHECK(mkdirat(at, ".removed-1", 0755) == 0 &&
	      mkdirat(at, ".removed-1/full", 0755) == 0);
	for (int i = 0; i < 3000; i++) {
		int next = -1;

		CHECK(mknodat(at, "f", S_IFREG | 0600, 0) == 0);
		CHECK_OK(fd_mkdir(at, "d", 0755, &next, &e), &e);
		close(at);
		at = next;
	}
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	CHECK_OK(fd_rm_rf(dir, "t", &e), &e);
	CHECK(faccessat(dir, "t", F_OK, 0) < 0);
}

TEST(fd_rm_rf_removes_a_tree_and_follows_no_link)
{
	AUTO_CLOSE int dir = scratch_dir(), sub = -1;
	struct err e = ERR_INIT;

	CHECK_OK(fd_write_file(dir, "keep", "x", 1, 0600, &e), &e);
	CHECK_OK(fd_mkdirs(dir, "t/a/b", 0700, &sub, &e), &e);
	CHECK_INT(symlinkat("../../../keep", sub, "link"), 0);
	CHECK_OK(fd_rm_rf(dir, "t", &e), &e);
	CHECK(faccessat(dir, "t", F_OK, 0) < 0);
	CHECK(faccessat(dir, "keep", F_OK, 0) == 0);
	CHECK_OK(fd_rm_rf(dir, "t", &e), &e);
}

TEST(fd_open_in_root_keeps_absolute_links_inside)
{
	AUTO_CLOSE int dir = scratch_dir(), sub = -1, fd = -1;
	struct err e = ERR_INIT;
	char c = 0;

	CHECK_OK(fd_mkdirs(dir, "etc", 0700, &sub, &e), &e);
	CHECK_OK(fd_write_file(sub, "passwd", "i", 1, 0600, &e), &e);
	CHECK_INT(symlinkat("/etc/passwd", dir, "l"), 0);
	fd = fd_open_in_root(dir, "l", O_RDONLY);
	CHECK(fd >= 0 && read(fd, &c, 1) == 1 && c == 'i');
	CHECK(fd_open_beneath(dir, "l", O_RDONLY, 0) < 0);
}

TEST(fd_open_in_root_follows_dots_while_others_rename)
{
	AUTO_CLOSE int dir = scratch_dir(), sub = -1;
	struct err e = ERR_INIT;
	int failed = 0;
	pid_t pid;

	CHECK_OK(fd_mkdirs(dir, "etc/x", 0700, &sub, &e), &e);
	CHECK_INT(symlinkat("../../../etc/x/../x", dir, "l"), 0);
	pid = fork();
	while (pid == 0) {
		(void)renameat(dir, "etc/x", dir, "etc/x");
		(void)mkdirat(dir, "a", 0700);
		(void)renameat(dir, "a", dir, "b");
		(void)unlinkat(dir, "b", AT_REMOVEDIR);
	}
	for (int i = 0; i < 20000; i++) {
		AUTO_CLOSE int fd = fd_open_in_root(dir, "l", O_RDONLY | O_DIRECTORY);

		failed += fd < 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_INT(failed, 0);
}

TEST(fd_lock_excludes_and_does_not_wait_when_told)
{
	AUTO_CLOSE int dir = scratch_dir(), one = -1;
	struct err e = ERR_INIT;
	int two = -1;

	CHECK_OK(fd_lock(dir, "l", true, true, &one, &e), &e);
	CHECK_INT(fd_lock(dir, "l", true, false, &two, &e), -EWOULDBLOCK);
	CHECK(two == -1);
}
