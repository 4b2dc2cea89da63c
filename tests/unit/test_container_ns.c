/* tests/unit/test_container_ns.c - namespaces that are made, pinned and let go. */
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

#include "tests/lib/container_fixture.h"

TEST(ns_userns_maps_65536_ids_and_keeps_no_process)
{
	struct err e = ERR_INIT;
	int fd = -1, st;
	pid_t pid;

	CHECK_OK(container_userns_create(FIX_HOST_BASE, &fd, &e), &e);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	pid = fork();
	if (pid == 0) {
		AUTO_BUF struct buf map = BUF_INIT;

		if (setns(fd, CLONE_NEWUSER) < 0 ||
		    fd_read_file(AT_FDCWD, "/proc/self/gid_map", 256, &map, &e) < 0)
			_exit(1);
		_exit(strstr(map.data, " 65536\n") && setresuid(65535, 0, 0) == 0 ? 0
										  : 2);
	}
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
}

TEST(ns_netns_belongs_to_the_user_namespace)
{
	struct err e = ERR_INIT;
	int userns, netns, owner;
	struct stat a, b;

	CHECK_OK(container_userns_create(FIX_HOST_BASE, &userns, &e), &e);
	CHECK_OK(container_netns_create(userns, &netns, &e), &e);
	owner = ioctl(netns, NS_GET_USERNS);
	CHECK(owner >= 0 && fstat(owner, &a) == 0 && fstat(userns, &b) == 0);
	CHECK(a.st_ino == b.st_ino);
	CHECK(stat("/proc/self/ns/user", &b) == 0 && a.st_ino != b.st_ino);
	CHECK_OK(container_netns_create(-1, &netns, &e), &e);
	owner = ioctl(netns, NS_GET_USERNS);
	CHECK(owner >= 0 && fstat(owner, &a) == 0 && a.st_ino == b.st_ino);
}

TEST(ns_pin_keeps_and_remove_lets_go)
{
	AUTO_CLOSE int dir = scratch_dir();
	struct err e = ERR_INIT;
	struct stat pin, ns;
	int fd;

	CHECK_OK(container_netns_create(-1, &fd, &e), &e);
	CHECK(fstat(fd, &ns) == 0);
	CHECK_OK(container_ns_pin(fd, dir, "net", &e), &e);
	close(fd);
	CHECK(fstatat(dir, "net", &pin, 0) == 0 && pin.st_ino == ns.st_ino);
	CHECK_INT(container_ns_pin(dir, dir, "net", &e), -EEXIST);
	err_clear(&e);
	CHECK_OK(container_pin_remove(dir, "net", &e), &e);
	CHECK(faccessat(dir, "net", F_OK, 0) < 0);
	CHECK_OK(container_pin_remove(dir, "net", &e), &e);
	/* a crash between the file and its bind */
	fix_write(dir, "net", "", 0600);
	CHECK_OK(container_pin_remove(dir, "net", &e), &e);
	CHECK(faccessat(dir, "net", F_OK, 0) < 0);
}

TEST(ns_can_idmap_tells_file_systems_apart)
{
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;
	struct statfs fs;
	int userns;

	CHECK_OK(container_userns_create(FIX_HOST_BASE, &userns, &e), &e);
	CHECK(fstatfs(dir, &fs) == 0);
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		SKIP("a file system below /tmp that can be idmapped");
	CHECK_INT(container_can_idmap(dir, userns, &e), 0);
	CHECK_INT(container_can_idmap(proc, userns, &e), 1);
	CHECK(e.code == 0);
}
