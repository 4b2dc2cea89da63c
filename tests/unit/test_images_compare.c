/* tests/unit/test_images_compare.c - two trees that differ in one thing each. */
#include "images/layer/compare.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/lib/test.h"

struct lab {
	int root[2]; /* as it should be, as it is */
	struct buf faults;
};

static void note(void *arg, const char *path, const char *what)
{
	struct lab *l = arg;

	buf_addf(&l->faults, "%s %s; ", path, what);
}

static void check(struct lab *l, const char *want)
{
	struct strv content = STRV_INIT;
	struct compare c = { l->root[0], l->root[1], &content, note, l };
	struct err e = ERR_INIT;

	strv_add(&content, "d/copied");
	l->faults.len = 0;
	buf_adds(&l->faults, "");
	CHECK_OK(compare_trees(&c, &e), &e);
	CHECK_STR(l->faults.data, want);
	strv_free(&content);
}

static void stamp(int dir, const char *name)
{
	const struct timespec ts[2] = { { 1, 5 }, { 1, 5 } };

	CHECK(utimensat(dir, name, ts, AT_SYMLINK_NOFOLLOW) == 0);
}

static void fill(int root)
{
	AUTO_CLOSE int d = -1;
	struct err e = ERR_INIT;

	CHECK_OK(fd_mkdir(root, "d", 0755, &d, &e), &e);
	CHECK_OK(fd_write_file(d, "f", "abc", 3, 0644, &e), &e);
	CHECK_OK(fd_write_file(d, "copied", "same", 4, 0644, &e), &e);
	CHECK(symlinkat("to", d, "l") == 0);
	CHECK(mkfifoat(d, "p", 0600) == 0);
	CHECK(mknodat(d, "w", S_IFCHR, makedev(0, 0)) == 0);
	for (const char *const *n =
		     (const char *const[]){ "f", "copied", "l", "p", NULL };
	     *n; n++)
		stamp(d, *n);
	stamp(root, "d");
	stamp(root, ".");
}

static struct lab lab_open(void)
{
	struct lab l = { { scratch_dir(), scratch_dir() }, BUF_INIT };

	if (geteuid() != 0)
		SKIP("root");
	fill(l.root[0]);
	fill(l.root[1]);
	return l;
}

TEST(compare_trees_finds_no_fault_in_equal_trees)
{
	struct lab l = lab_open();

	check(&l, "");
	/* a whiteout's time, and the host's own labels, say nothing */
	stamp(l.root[1], "d/w");
	check(&l, "");
}

TEST(compare_trees_names_each_difference)
{
	struct lab l = lab_open();
	AUTO_CLOSE int d = openat(l.root[1], "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int f = openat(d, "f", O_RDWR | O_CLOEXEC);

	CHECK(fchmod(f, 0600) == 0);
	check(&l, "d/f has another mode; ");
	CHECK(fchmod(f, 0644) == 0 && fchown(f, 0, 9) == 0);
	check(&l, "d/f has another owner; ");
	CHECK(fchown(f, 0, 0) == 0 && pwrite(f, "xyz", 3, 0) == 3);
	stamp(d, "f");
	check(&l, ""); /* content is not looked at, unless it is asked for */
	CHECK(ftruncate(f, 4) == 0);
	stamp(d, "f");
	check(&l, "d/f has another size; ");
	CHECK(ftruncate(f, 3) == 0);
	check(&l, "d/f has another time; ");
	stamp(d, "f");
	CHECK(linkat(d, "f", l.root[1], "link", 0) == 0);
	stamp(l.root[1], ".");
	check(&l, "link should not be there; d/f has another number of links; ");
	CHECK(unlinkat(l.root[1], "link", 0) == 0);
	stamp(l.root[1], ".");
	if (fsetxattr(f, "user.a", "1", 1, 0) == 0) {
		check(&l, "d/f has another set of xattrs; ");
		CHECK(fremovexattr(f, "user.a") == 0);
	}
	CHECK(fsetxattr(d, "trusted.overlay.opaque", "y", 1, 0) == 0);
	check(&l, "d has another set of xattrs; ");
	CHECK(fremovexattr(d, "trusted.overlay.opaque") == 0);
	CHECK(fchmod(l.root[1], 0711) == 0);
	check(&l, " has another mode; ");
}

TEST(compare_trees_names_what_is_missing_or_of_another_kind)
{
	struct lab l = lab_open();
	AUTO_CLOSE int d = openat(l.root[1], "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;

	CHECK(unlinkat(d, "f", 0) == 0 && unlinkat(d, "p", 0) == 0);
	CHECK(unlinkat(d, "l", 0) == 0 && unlinkat(d, "w", 0) == 0);
	CHECK(symlinkat("from", d, "l") == 0 && mkdirat(d, "p", 0755) == 0);
	CHECK(mkdirat(d, "p/below", 0755) == 0);
	CHECK(mknodat(d, "w", S_IFCHR, makedev(0, 1)) == 0);
	CHECK_OK(fd_write_file(d, "copied", "tame", 4, 0644, &e), &e);
	stamp(d, "copied");
	stamp(d, "l");
	stamp(l.root[1], "d");
	check(&l, "d/copied has another content; d/f is missing; d/l has another target; "
		  "d/p is of another type; d/w has another device number; ");
	CHECK_OK(fd_rm_rf(l.root[1], "d", &e), &e);
	stamp(l.root[1], ".");
	check(&l, "d is missing; ");
}
