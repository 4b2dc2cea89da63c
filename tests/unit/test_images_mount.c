/* The overlay of an image: writable, read-only, idmapped, by fds and by path. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "tests/lib/image_test.h"

enum { MOVE_EMPTY_PATH = 4 /* MOVE_MOUNT_F_EMPTY_PATH */, ID_BASE = 1879048192 };

/* A user namespace that maps 0…65535 to ID_BASE…, made by a child that ends here. */
static int userns_open(void)
{
	char path[64];
	int p[2], fd;
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER) == 0 && write(p[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(p[1]);
	CHECK(read(p[0], path, 1) == 1);
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *map = str_fmt("0 %d 65536", ID_BASE);
		struct err e = ERR_INIT;

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid,
			 i ? "gid_map" : "uid_map");
		CHECK_OK(fd_write_str(AT_FDCWD, path, map, &e), &e);
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(fd >= 0);
	return fd;
}

static void make_image(const struct fixture *f)
{
	python(f, "save('a.tar', [Tar().add('./', 'd', mode=0o711, uid=7).add('etc', 'd')"
		  ".add('etc/a', data='a', uid=1000, mode=0o600).add('gone', "
		  "data='g').data(),"
		  " Tar().add('./', 'd', mode=0o710, uid=7).add('etc', 'd').add('etc/b', "
		  "data='b').data()])\n");
}

/* What every writable mount must do. */
static void check_writable(const struct fixture *f, const struct image *img,
			   struct image_mount_opts *o, unsigned base)
{
	AUTO_FREE char *upper = str_fmt("%s/c/upper-%d", f->path, o->by_path);
	struct err e = ERR_INIT;
	AUTO_CLOSE int root = -1, fd = -1;
	struct stat st;

	o->upper_dir = upper;
	CHECK_OK(image_mount(f->s, img, o, &root, &e), &e);
	check_text(root, "etc/a", "a");
	check_text(root, "etc/b", "b");
	check_mode(root, ".", 0710, base + 7, base);
	check_mode(root, "etc/a", 0600, base + 1000, base);
	CHECK(unlinkat(root, "gone", 0) == 0);
	CHECK_STR(type_of(root, "gone"), "");
	fd = openat(root, "etc/a",
		    O_WRONLY | O_APPEND); /* copied up, still its owner's */
	CHECK(fd >= 0 && write(fd, "+", 1) == 1);
	check_text(root, "etc/a", "a+");
	check_mode(root, "etc/a", 0600, base + 1000, base);
	CHECK(fstatat(f->dir,
		      o->by_path ? "c/upper-1/upper/etc/a" : "c/upper-0/upper/etc/a", &st,
		      0) == 0);
	CHECK_INT(st.st_uid, 1000); /* on disk as the image has it */
	close(fd_take(&root));
	CHECK_OK(image_mount(f->s, img, o, &root, &e), &e);
	check_text(root, "etc/a", "a+");
	CHECK_STR(type_of(root, "gone"), "");
}

TEST(a_writable_mount_keeps_changes_in_its_upper)
{
	struct fixture f = fixture_open();
	struct image_mount_opts o = { .userns_fd = -1, .scratch = f.path };
	struct image *img;

	make_image(&f);
	img = load(&f, "a.tar");
	check_writable(&f, img, &o, 0);
	check_text(merged(&f, img), "etc/a", "a");
	image_free(img);
}

TEST(a_mount_is_idmapped_by_the_user_namespace)
{
	struct fixture f = fixture_open();
	struct image_mount_opts o = { .userns_fd = userns_open(), .scratch = f.path };
	struct image *img;

	make_image(&f);
	img = load(&f, "a.tar");
	check_writable(&f, img, &o, ID_BASE);
	image_free(img);
}

static size_t count_mounts(void)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	size_t n = 0;

	CHECK_OK(fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 8 << 20, &b, &e), &e);
	for (const char *p = b.data; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

TEST(old_kernels_mount_by_path_with_the_same_result)
{
	struct fixture f = fixture_open();
	size_t before = count_mounts();
	AUTO_STRV struct strv left = STRV_INIT;
	struct err e = ERR_INIT;
	struct image *img;

	make_image(&f);
	CHECK(mkdirat(f.dir, "scratch", 0700) == 0);
	img = load(&f, "a.tar");
	for (int mapped = 0; mapped < 2; mapped++) {
		AUTO_FREE char *scratch = str_fmt("%s/scratch", f.path);
		struct image_mount_opts o = { .userns_fd = mapped ? userns_open() : -1,
					      .by_path = true,
					      .scratch = scratch };

		check_writable(&f, img, &o, mapped ? ID_BASE : 0);
		CHECK_OK(fd_rm_rf(f.dir, "c", &e), &e);
	}
	image_free(img);
	CHECK_OK(fd_list(f.dir, "scratch", &left, &e), &e);
	CHECK_INT(left.n, 0);
	CHECK_INT(count_mounts(), before);
}

TEST(five_hundred_layers_fit_either_way)
{
	struct fixture f = fixture_open();
	AUTO_FREE char *scratch = NULL;
	struct image *img;

	python(&f, "save('a.tar', [Tar().add('l%d' % i, data=str(i)).data() for i in "
		   "range(500)],"
		   " how='none')\n");
	img = load(&f, "a.tar");
	scratch = str_fmt("%s/s", f.path);
	CHECK(mkdir(scratch, 0700) == 0);
	for (int i = 0; i < 2; i++) {
		struct image_mount_opts o = { -1, NULL, i == 1, scratch };
		struct err e = ERR_INIT;
		AUTO_CLOSE int root = -1;

		CHECK_OK(image_mount(f.s, img, &o, &root, &e), &e);
		check_text(root, "l0", "0");
		check_text(root, "l499", "499");
	}
	image_free(img);
}

/* overlayfs alone would refuse these: it wants two lowers, and none of them twice. */
TEST(images_with_few_or_equal_layers_mount_too)
{
	struct fixture f = fixture_open();
	struct err e = ERR_INIT;
	AUTO_FREE char *upper = str_fmt("%s/u", f.path);
	struct image_mount_opts o = { .userns_fd = -1,
				      .upper_dir = upper,
				      .scratch = f.path };
	struct image *img;
	int root;

	python(&f,
	       "a = Tar().add('f', data='1').data()\n"
	       "save('none.tar', []); save('one.tar', [a])\n"
	       "save('twice.tar', [base().data(), a, Tar().add('.wh.f').data(), a])\n");
	img = load(&f, "none.tar");
	check_mode(merged(&f, img), ".", 0755, 0, 0);
	CHECK_OK(image_mount(f.s, img, &o, &root, &e), &e);
	check_mode(root, ".", 0755, 0, 0);
	image_free(img);
	check_text(root_of(&f, "one.tar"), "f", "1");
	root = root_of(&f, "twice.tar");
	check_text(root, "f", "1");
	check_text(root, "etc/a", "a");
}

/* A mount namespace of our own, so that the test leaves no mount; the store belongs to
 * one. */
static void enter_mount_namespace(struct fixture *f)
{
	AUTO_FREE char *store = str_fmt("%s/store", f->path);
	struct err e = ERR_INIT;

	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	image_store_free(f->s);
	CHECK_OK(open_store(store, &f->s, &e), &e);
}

TEST(an_upper_the_kernel_refuses_is_explained)
{
	struct fixture f = fixture_open();
	AUTO_FREE char *at = str_fmt("%s/m", f.path), *upper = str_fmt("%s/m/up", f.path);
	AUTO_FREE char *first = str_fmt("%s/first", f.path);
	struct image_mount_opts o = { .userns_fd = -1,
				      .upper_dir = first,
				      .scratch = f.path };
	struct err e = ERR_INIT;
	struct image *img;
	int root = -1;

	enter_mount_namespace(&f);
	make_image(&f);
	img = load(&f, "a.tar");
	CHECK_OK(image_mount(f.s, img, &o, &root, &e), &e);
	CHECK(mkdir(at, 0700) == 0);
	CHECK(syscall(SYS_move_mount, root, "", AT_FDCWD, at, MOVE_EMPTY_PATH) == 0);
	o.upper_dir = upper;
	CHECK_INT(image_mount(f.s, img, &o, &root, &e), -EINVAL);
	CHECK(strstr(err_text(&e), "/m/up'") != NULL &&
	      strstr(err_text(&e), "--root") != NULL);
	CHECK(umount2(at, MNT_DETACH) == 0);
	image_free(img);
}

TEST(a_store_that_cannot_be_idmapped_is_an_outcome)
{
	struct fixture f = fixture_open();
	AUTO_FREE char *at = str_fmt("%s/m", f.path),
		       *store = str_fmt("%s/m/store", f.path);
	AUTO_FREE char *first = str_fmt("%s/first", f.path);
	struct image_mount_opts o = { .userns_fd = -1,
				      .upper_dir = first,
				      .scratch = f.path };
	struct err e = ERR_INIT;
	struct image *img;
	int root = -1;

	/* an overlay cannot be idmapped itself, so a store on one is a store without
	 * idmapping */
	enter_mount_namespace(&f);
	make_image(&f);
	img = load(&f, "a.tar");
	CHECK_OK(image_mount(f.s, img, &o, &root, &e), &e);
	CHECK(mkdir(at, 0700) == 0);
	CHECK(syscall(SYS_move_mount, root, "", AT_FDCWD, at, MOVE_EMPTY_PATH) == 0);
	image_free(img);
	f.s = image_store_free(f.s);
	CHECK_OK(open_store(store, &f.s, &e), &e);
	o = (struct image_mount_opts){ .userns_fd = userns_open(), .scratch = f.path };
	python(&f, "save('b.tar', [])\n");
	img = load(&f, "b.tar");
	CHECK_INT(image_mount(f.s, img, &o, &root, &e), IMAGE_E_NO_IDMAP);
	CHECK_STR(err_text(&e), "");
	image_free(img);
	image_store_free(f.s);
	CHECK(umount2(at, MNT_DETACH) == 0);
}

TEST(a_missing_layer_is_named)
{
	struct fixture f = fixture_open();
	struct image_mount_opts o = { .userns_fd = -1 };
	struct err e = ERR_INIT;
	struct image *img;
	int root;

	make_image(&f);
	img = load(&f, "a.tar");
	CHECK_OK(fd_rm_rf(f.dir, "store/layers", &e), &e);
	CHECK_INT(image_mount(f.s, img, &o, &root, &e) < 0, 1);
	image_free(img);
}
