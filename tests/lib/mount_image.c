/*
 * tests/lib/mount_image.c - STORE IMAGE DIR: mount the image's root file system on DIR,
 * read-only, with the ids that the archive gave.
 *
 * For tests that compare a whole tree: a container would have its own files in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <linux/mount.h>
#include <unistd.h>

#include "images/image.h"
#include "runtime/base/fd.h"

static int mount_on(struct image_store *s, const char *ref, const char *dir,
		    struct err *e)
{
	struct image_mount_opts o = { .userns_fd = -1, .scratch = dir };
	struct image *img = NULL;
	AUTO_CLOSE int fd = -1;
	int r = image_find(s, ref, &img, e);

	if (r == IMAGE_E_NOT_FOUND)
		return err_msg(e, ENOENT, "there is no image '%s'", ref);
	if (r == 0)
		r = image_mount(s, img, &o, &fd, e);
	image_free(img);
	if (r == 0 &&
	    syscall(SYS_move_mount, fd, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		r = err_set(e, errno, "mount on '%s'", dir);
	return r;
}

int main(int argc, char **argv)
{
	struct image_store *s = NULL;
	struct err e = ERR_INIT;
	int r;

	if (argc != 4) {
		fprintf(stderr, "usage: mount_image STORE IMAGE DIR\n");
		return 2;
	}
	r = image_store_open(argv[1], &s, &e);
	if (r == 0)
		r = mount_on(s, argv[2], argv[3], &e);
	image_store_free(s);
	if (r != 0)
		fprintf(stderr, "mount_image: %s\n", err_text(&e));
	return r != 0;
}
