/* The store's directory: who may open it, what is cleared. */
#include <sys/file.h>

#include "images/store.h"
#include "tests/lib/image_test.h"

TEST(a_store_open_to_others_is_refused)
{
	struct fixture f = fixture_open();
	AUTO_FREE char *path = str_fmt("%s/store", f.path);
	struct err e = ERR_INIT;
	struct image_store *s;

	image_store_free(f.s);
	CHECK(chmod(path, 0750) == 0);
	CHECK_INT(image_store_open(path, &s, &e), -EPERM);
	CHECK(strstr(err_text(&e), "must be 0700") != NULL);
	err_clear(&e);
	CHECK(chmod(path, 0700) == 0 && chown(path, 1000, 0) == 0);
	CHECK_INT(image_store_open(path, &s, &e), -EPERM);
	CHECK(chown(path, 0, 0) == 0);
}

TEST(left_overs_go_when_nobody_else_has_the_store_open)
{
	struct fixture f = fixture_open();
	AUTO_FREE char *path = str_fmt("%s/store", f.path);
	struct err e = ERR_INIT;
	struct image_store *s;
	int fd = -1;

	CHECK_OK(fd_mkdirs(f.dir, "store/tmp/layer.1/fs/a", 0700, &fd, &e), &e);
	CHECK_OK(image_store_open(path, &s, &e), &e);
	CHECK_INT(count_names(&f, "tmp"), 1); /* f.s may still be at work in it */
	image_store_free(s);
	image_store_free(f.s);
	CHECK_OK(image_store_open(path, &s, &e), &e);
	CHECK_INT(count_names(&f, "tmp"), 0);
	image_store_free(s);
}

TEST(space_is_asked_for_before_it_is_gone)
{
	struct fixture f = fixture_open();
	struct err e = ERR_INIT;

	CHECK_OK(store_space(f.dir, 1 << 20, &e), &e);
	CHECK_INT(store_space(f.dir, UINT64_MAX, &e), -ENOSPC);
	err_clear(&e);
	CHECK_OK(store_holds(f.dir, 1 << 20, &e), &e);
	CHECK_INT(store_holds(f.dir, UINT64_MAX, &e), -EFBIG);
}

TEST(layers_are_not_collected_during_a_load)
{
	struct fixture f = fixture_open();
	struct err e = ERR_INIT;
	int fd = -1, lock = -1;

	CHECK_OK(fd_mkdirs(f.dir, "store/layers/abc/fs", 0700, &fd, &e), &e);
	CHECK_OK(fd_lock(f.dir, "store/load.lock", false, true, &lock, &e), &e);
	CHECK_OK(store_collect(f.s, &e), &e);
	CHECK_INT(count_names(&f, "layers"), 1);
	close(lock);
	CHECK_OK(store_collect(f.s, &e), &e);
	CHECK_INT(count_names(&f, "layers"), 0);
}
