/*
 * tests/lib/container_fixture.h - a root file system of busybox and a way to run things
 * in it.
 *
 * Nothing is mounted on the host: each test has a mount namespace of its own. The root is
 * a tmpfs, idmapped to a user namespace as the program's overlay roots are; before
 * Linux 6.3, which cannot idmap a tmpfs, its files are owned by the user namespace's root
 * instead.
 */
#ifndef CONTAINER_FIXTURE_H
#define CONTAINER_FIXTURE_H

#include <dirent.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>

#include "runtime/base/proc.h"
#include "runtime/container/container.h"
#include "tests/lib/test.h"

enum { FIX_HOST_BASE = 1879048192 + (1 << 26) };

__attribute__((unused)) static void fix_write(int dir, const char *name, const char *text,
					      mode_t mode)
{
	struct err e = ERR_INIT;

	CHECK_OK(fd_write_file(dir, name, text, strlen(text), mode, &e), &e);
}

__attribute__((unused)) static void fix_copy(int dir, const char *from, const char *to,
					     mode_t mode)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = openat(dir, to, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	struct stat st;

	CHECK(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	while (st.st_size > 0) {
		ssize_t n = sendfile(out, in, NULL, (size_t)st.st_size);

		CHECK(n > 0);
		st.st_size -= n;
	}
	CHECK(fchmod(out, mode) == 0);
	close(in);
	close(out);
}

/* A fresh tmpfs, attached in this test's own mount namespace. */
__attribute__((unused)) static int fix_tmpfs(void)
{
	static bool unshared;
	char path[128];
	static int n;

	if (!unshared)
		CHECK(unshare(CLONE_NEWNS) == 0 &&
		      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	unshared = true;
	umask(022);
	snprintf(path, sizeof(path), "%s/%d-t%d", test_scratch_path, (int)getpid(), n++);
	CHECK(mkdir(path, 0755) == 0 && mount("tree", path, "tmpfs", 0, "mode=755") == 0);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A tmpfs with busybox in it, owned by the host's root. */
__attribute__((unused)) static int fix_tree(void)
{
	static const char *const dirs[] = { "bin",  "etc",      "tmp",
					    "home", "home/app", "data" };
	int dir = fix_tmpfs();

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		CHECK(mkdirat(dir, dirs[i], 0755) == 0);
	CHECK(fchmodat(dir, "tmp", 01777, 0) == 0);
	fix_copy(dir, "/bin/busybox", "bin/busybox", 0755);
	CHECK(symlinkat("busybox", dir, "bin/sh") == 0);
	fix_write(
		dir, "etc/passwd",
		"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n",
		0644);
	fix_write(dir, "etc/group", "root:x:0:\napp:x:1001:\nextra:x:2000:app\n", 0644);
	return dir;
}

static int fix_give_away(const char *path, const struct stat *st, int type,
			 struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return lchown(path, FIX_HOST_BASE, FIX_HOST_BASE);
}

/* The same tree with its ids shown as those of @userns. */
__attribute__((unused)) static int fix_idmapped(int tree, int userns)
{
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP,
				.userns_fd = (uint64_t)userns };
	int fd = open_tree(tree, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	char path[64];

	CHECK(fd >= 0);
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &a, sizeof(a)) == 0)
		return fd;
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", tree);
	CHECK(nftw(path, fix_give_away, 8, FTW_PHYS) == 0);
	return dup(tree);
}

struct fixture {
	struct container_spec spec;
	int tree, userns, netns, root;
	char out[65536]; /* what the last run printed */
};

__attribute__((unused)) static struct fixture *fix_new(void)
{
	struct fixture *f = mem_new(1, sizeof(*f));
	struct err e = ERR_INIT;

	CHECK_OK(container_userns_create(FIX_HOST_BASE, &f->userns, &e), &e);
	CHECK_OK(container_netns_create(f->userns, &f->netns, &e), &e);
	f->tree = fix_tree();
	f->root = fix_idmapped(f->tree, f->userns);
	container_spec_init(&f->spec);
	f->spec.rootfs_fd = f->root;
	f->spec.userns_fd = f->userns;
	f->spec.netns_fd = f->netns;
	f->spec.host_id_base = FIX_HOST_BASE;
	f->spec.hostname = str_dup("box");
	return f;
}

/* The path of the init that this build directory has, or that make will put there. */
__attribute__((unused)) static char *fix_init_path(void)
{
	char dir[4096];
	struct err e = ERR_INIT;

	CHECK_OK(proc_self_dir(dir, sizeof(dir), &e), &e);
	return str_fmt("%s/../minibox-init", dir);
}

__attribute__((unused)) static void fix_args(struct fixture *f, const char *first, ...)
{
	va_list ap;

	strv_free(&f->spec.args);
	va_start(ap, first);
	for (const char *a = first; a; a = va_arg(ap, const char *))
		strv_add(&f->spec.args, a);
	va_end(ap);
}

/* "sh -c SCRIPT" with all of busybox as commands. */
__attribute__((unused)) static void fix_script(struct fixture *f, const char *script)
{
	fix_args(f, "/bin/busybox", "sh", "-c", script, NULL);
}

__attribute__((unused)) static int fix_exit_code(int st)
{
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

__attribute__((unused)) static void fix_read_all(int fd, char *out, size_t n)
{
	size_t at = 0;
	ssize_t got;

	while (at + 1 < n && (got = read(fd, out + at, n - 1 - at)) > 0)
		at += (size_t)got;
	out[at] = '\0';
}

/* Runs the spec to its end; its output is in f->out. Return: exit code; -1 with @e. */
__attribute__((unused)) static int fix_run(struct fixture *f, struct err *e)
{
	struct container *c = NULL;
	int p[2], st = 0, r;

	CHECK(pipe2(p, O_CLOEXEC) == 0);
	f->spec.stdio[1] = f->spec.stdio[2] = p[1];
	r = container_create(&f->spec, &c, e);
	close(p[1]);
	f->spec.stdio[1] = f->spec.stdio[2] = -1;
	if (r == 0)
		r = container_start(c, e);
	if (r < 0) {
		container_free(c);
		close(p[0]);
		return -1;
	}
	fix_read_all(p[0], f->out, sizeof(f->out));
	close(p[0]);
	CHECK_OK(container_wait(c, &st, e), e);
	container_free(c);
	return fix_exit_code(st);
}

/* A script that must end with 0; prints what it said otherwise. */
__attribute__((unused)) static void fix_check(struct fixture *f, const char *script)
{
	struct err e = ERR_INIT;
	int code;

	fix_script(f, script);
	code = fix_run(f, &e);
	if (code != 0)
		test_fail(__FILE__, __LINE__, "exit %d of: %s\n%s%s", code, script,
			  f->out, err_text(&e));
}

__attribute__((unused)) static int fix_count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#endif
