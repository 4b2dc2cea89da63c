/*
 * tests/lib/image_test.h - for unit tests of images: a store in a scratch directory,
 * archives made by mkimage.py, and a look into the merged root.
 */
#ifndef IMAGE_TEST_H
#define IMAGE_TEST_H

#include <limits.h>

#include "images/image.h"
#include "runtime/base/proc.h"
#include "tests/lib/python.h"
#include "tests/lib/test.h"

struct fixture {
	int dir;             /* scratch; archives are made here */
	char path[PATH_MAX]; /* the same */
	struct image_store *s;
};

/* Open a store at @path; the parser is not beside a unit test but one up. */
__attribute__((unused)) static int open_store(const char *path, struct image_store **ret,
					      struct err *e)
{
	char dir[PATH_MAX], parser[PATH_MAX + 32];
	int r = proc_self_dir(dir, sizeof(dir), e);

	if (r == 0)
		r = image_store_open(path, ret, e);
	if (r == 0) {
		snprintf(parser, sizeof(parser), "%s/../minibox-parse", dir);
		image_store_set_parser(*ret, parser);
	}
	return r;
}

/* Root is needed for owners, whiteouts and overlayfs. */
__attribute__((unused)) static struct fixture fixture_open(void)
{
	struct fixture f = { .dir = scratch_dir() };
	struct err e = ERR_INIT;
	char link[64], store[PATH_MAX + 8];
	ssize_t n;

	if (geteuid() != 0)
		SKIP("root");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", f.dir);
	n = readlink(link, f.path, sizeof(f.path) - 1);
	CHECK(n > 0);
	f.path[n] = '\0';
	snprintf(store, sizeof(store), "%s/store", f.path);
	CHECK_OK(open_store(store, &f.s, &e), &e);
	return f;
}

__attribute__((unused)) static void python(const struct fixture *f, const char *code)
{
	run_python(f->dir, code);
}

/* Load an archive that holds one image. */
__attribute__((unused)) static struct image *load(const struct fixture *f,
						  const char *name)
{
	struct err e = ERR_INIT;
	struct image **v = NULL, *img;
	size_t n = 0;

	CHECK_OK(image_load(f->s, f->dir, name, NULL, &v, &n, &e), &e);
	CHECK_INT(n, 1);
	img = v[0];
	free(v);
	return img;
}

__attribute__((unused)) static size_t count_names(const struct fixture *f,
						  const char *below)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *path = str_fmt("store/%s", below);
	struct err e = ERR_INIT;
	size_t n = 0;

	CHECK_OK(fd_list(f->dir, path, &names, &e), &e);
	strv_foreach (i, &names)
		n += names.v[i][0] != '.' && !str_ends(names.v[i], ".lock");
	return n;
}

/* The load must fail, say @text, and leave nothing behind. */
__attribute__((unused)) static void refuse(const struct fixture *f, const char *name,
					   const char *text)
{
	size_t layers = count_names(f, "layers"), images = count_names(f, "images");
	struct err e = ERR_INIT;
	struct image **v = NULL;
	size_t n = 0;
	int r = image_load(f->s, f->dir, name, NULL, &v, &n, &e);

	if (r >= 0 || !strstr(err_text(&e), text))
		test_fail(__FILE__, __LINE__, "load of %s gave %d '%s', wanted '%s'",
			  name, r, err_text(&e), text);
	CHECK(strstr(err_text(&e), name) != NULL);
	CHECK_INT(count_names(f, "layers"), layers);
	CHECK_INT(count_names(f, "images"), images);
	CHECK_INT(count_names(f, "tmp"), 0);
}

/* The image's root, merged and read-only. */
__attribute__((unused)) static int merged(const struct fixture *f,
					  const struct image *img)
{
	struct image_mount_opts o = { .userns_fd = -1, .scratch = f->path };
	struct err e = ERR_INIT;
	int fd = -1;

	CHECK_OK(image_mount(f->s, img, &o, &fd, &e), &e);
	return fd;
}

/* Load and merge in one go. */
__attribute__((unused)) static int root_of(const struct fixture *f, const char *archive)
{
	struct image *img = load(f, archive);
	int fd = merged(f, img);

	image_free(img);
	return fd;
}

/* "d", "f", "l" … of a name; "" if there is none. */
__attribute__((unused)) static const char *type_of(int root, const char *name)
{
	struct stat st;

	if (fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return "";
	return S_ISDIR(st.st_mode)    ? "d"
	       : S_ISREG(st.st_mode)  ? "f"
	       : S_ISLNK(st.st_mode)  ? "l"
	       : S_ISFIFO(st.st_mode) ? "p"
				      : "?";
}

__attribute__((unused)) static void check_text(int root, const char *name,
					       const char *want)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	CHECK_OK(fd_read_file(root, name, 1 << 20, &b, &e), &e);
	CHECK_STR(b.data, want);
}

__attribute__((unused)) static void check_mode(int root, const char *name, unsigned mode,
					       unsigned uid, unsigned gid)
{
	struct stat st;

	CHECK(fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK_INT(st.st_mode & 07777, mode);
	CHECK_INT(st.st_uid, uid);
	CHECK_INT(st.st_gid, gid);
}

#endif
