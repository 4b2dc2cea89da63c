/* tests/unit/test_container_swap.c - a mount is exchanged under a reader that never
 * stops. */
#include <sys/utsname.h>

#include "tests/lib/container_fixture.h"

static bool has_beneath(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	CHECK(uname(&u) == 0 && sscanf(u.release, "%d.%d", &major, &minor) == 2);
	return major > 6 || (major == 6 && minor >= 5);
}

/* A detached read-only directory with one file. */
static int make_tree(int n)
{
	AUTO_CLOSE int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char text[16];
	int dir;

	CHECK(fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
	dir = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	CHECK(dir >= 0);
	snprintf(text, sizeof(text), "%d\n", n);
	fix_write(dir, "file", text, 0644);
	return dir;
}

static void swap_under_a_reader(bool stack, int times)
{
	struct fixture *f = fix_new();
	struct container_mount *m = container_spec_add_mount(&f->spec);
	AUTO_BUF struct buf text = BUF_INIT;
	struct container *c = NULL;
	struct err e = ERR_INIT;
	AUTO_FREE char *last = str_fmt("%d", times);
	int st;

	m->source_fd = fix_tmpfs();
	fix_write(m->source_fd, "file", "0\n", 0644);
	m->target = str_dup("/srv/static");
	/* in the shell itself: no fork between two opens */
	fix_script(f,
		   "n=0; v=; while [ \"$v\" != \"$(cat /data/last 2>/dev/null)\" ]; do"
		   " i=0; while [ $i -lt 200 ]; do read v < /srv/static/file || exit 3;"
		   " i=$((i+1)); done; n=$((n+i)); done; echo $n > /data/reads");
	fix_write(f->tree, "data/last", last, 0644);
	CHECK_OK(container_create(&f->spec, &c, &e), &e);
	CHECK_OK(container_start(c, &e), &e);
	for (int i = 1; i <= times; i++) {
		int tree = make_tree(i);

		CHECK_OK(container_mount_swap(container_pid(c), "/srv/static", tree,
					      stack, &e),
			 &e);
		CHECK(fcntl(tree, F_GETFD) < 0); /* consumed */
		usleep(1000);
	}
	CHECK_OK(container_wait(c, &st, &e), &e);
	CHECK_INT(st, 0);
	CHECK_OK(fd_read_file(f->tree, "data/reads", 64, &text, &e), &e);
	printf("# %d swaps, reads: %s", times, text.data);
	container_free(c);
}

TEST(swap_beneath_loses_no_open)
{
	swap_under_a_reader(false, 200);
}

TEST(swap_by_stacking_loses_no_open)
{
	swap_under_a_reader(true, 60);
}

TEST(swap_leaves_one_mount_and_stacking_keeps_all)
{
	struct fixture *f = fix_new();
	struct container_mount *m = container_spec_add_mount(&f->spec);
	struct err e = ERR_INIT;

	m->source_fd = fix_tmpfs();
	fix_write(m->source_fd, "file", "0\n", 0644);
	m->target = str_dup("/srv/static");
	fix_script(f, "exec sleep 60");
	for (int stack = 0; stack < 2; stack++) {
		struct container *c = NULL;
		AUTO_BUF struct buf text = BUF_INIT;
		char path[64];
		int n = 0;

		CHECK_OK(container_create(&f->spec, &c, &e), &e);
		CHECK_OK(container_start(c, &e), &e);
		for (int i = 1; i <= 3; i++)
			CHECK_OK(container_mount_swap(container_pid(c), "/srv/static",
						      make_tree(i), stack, &e),
				 &e);
		snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)container_pid(c));
		CHECK_OK(fd_read_file(AT_FDCWD, path, 1 << 20, &text, &e), &e);
		for (char *p = text.data; (p = strstr(p, " /srv/static ")); p++)
			n++;
		CHECK_INT(n, stack || !has_beneath() ? 4 : 1);
		container_abort(c);
	}
}

TEST(swap_names_a_target_that_is_not_there)
{
	struct fixture *f = fix_new();
	struct container *c = NULL;
	struct err e = ERR_INIT;
	int tree = make_tree(1);

	fix_script(f, "exec sleep 60");
	CHECK_OK(container_create(&f->spec, &c, &e), &e);
	CHECK_OK(container_start(c, &e), &e);
	CHECK_INT(container_mount_swap(container_pid(c), "/nowhere", tree, false, &e),
		  -ENOENT);
	CHECK_STR(err_text(&e),
		  "swap mount '/nowhere': open '/nowhere' in the container: No such "
		  "file or directory");
	CHECK(fcntl(tree, F_GETFD) >= 0);
	container_abort(c);
}
