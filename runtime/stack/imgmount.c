/*
 * stack/imgmount.c - see imgmount.h.
 *
 * The mounts live in RUN, which is root's alone: nobody else reaches the set-uid programs
 * of an image through them.
 */
#include "runtime/stack/imgmount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/host.h"

#define DIR_NAME ".images"

static const char *hex_of(const struct image *img)
{
	return img->id + strlen("sha256:");
}

static char *path_of(const struct stack_host *h, const struct image *img)
{
	return str_fmt("%s/" DIR_NAME "/%s", h->run, hex_of(img));
}

/* A directory that a killed command left is no mount. */
static bool is_mounted(const struct stack_host *h, const char *hex)
{
	AUTO_FREE char *name = str_fmt(DIR_NAME "/%s", hex);
	struct stat st, run;

	return h->run_fd >= 0 && fstat(h->run_fd, &run) == 0 &&
	       fstatat(h->run_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev != run.st_dev;
}

int imgmount_list(const struct stack_host *h, struct strv *ret, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (h->run_fd < 0 || faccessat(h->run_fd, DIR_NAME, F_OK, 0) < 0)
		return 0;
	r = fd_list(h->run_fd, DIR_NAME, &names, e);
	strv_foreach (i, &names)
		if (is_mounted(h, names.v[i]))
			strv_take(ret, str_fmt("sha256:%s", names.v[i]));
	return r;
}

static int attach(struct stack_host *h, struct image_store *s, const struct image *img,
		  struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					       MOUNT_ATTR_NODEV };
	struct image_mount_opts o = { .userns_fd = -1, .scratch = h->run };
	AUTO_FREE char *name = str_fmt(DIR_NAME "/%s", hex_of(img));
	AUTO_CLOSE int tree = -1, at = -1;
	int r;

	o.by_path = getenv("MINIBOX_LAYERS_BY_PATH") != NULL;
	r = image_mount(s, img, &o, &tree, e);
	if (r == 0 && mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		r = err_set(e, errno, "make the mount of image '%s' read-only", img->id);
	if (r == 0)
		r = fd_mkdirs(h->run_fd, name, 0700, &at, e);
	if (r == 0 && move_mount(tree, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = err_set(e, errno, "mount image '%s'", img->id);
	return r;
}

/* After the last one the host is as before. */
static int tidy(struct stack_host *h, const char *hex, struct err *e)
{
	AUTO_FREE char *name = str_fmt(DIR_NAME "/%s", hex);

	(void)unlinkat(h->run_fd, name, AT_REMOVEDIR);
	(void)unlinkat(h->run_fd, DIR_NAME, AT_REMOVEDIR); /* goes when it is empty */
	return host_release(h, e);
}

int stack_mount_image(struct stack_host *h, struct image_store *s,
		      const struct image *img, char **ret_path, struct err *e)
{
	AUTO_CLOSE int images = -1, lock = -1;
	struct err ignored = ERR_INIT;
	int r = host_lock_images(h, false, &images, e);

	if (r == 0)
		r = host_lock(h, &lock, e);
	if (r == 0)
		r = host_run(h, e);
	if (r == 0 && !is_mounted(h, hex_of(img))) {
		r = attach(h, s, img, e);
		if (r < 0)
			(void)!tidy(h, hex_of(img), &ignored);
	}
	if (r == 0)
		*ret_path = path_of(h, img);
	return r;
}

int stack_umount_image(struct stack_host *h, const struct image *img, struct err *e)
{
	AUTO_FREE char *path = path_of(h, img);
	AUTO_CLOSE int lock = -1;
	int r = host_lock(h, &lock, e);

	if (r < 0)
		return r;
	if (!is_mounted(h, hex_of(img)))
		return STACK_E_ABSENT;
	if (umount2(path, UMOUNT_NOFOLLOW) < 0)
		return err_set(e, errno, "unmount '%s'", path);
	return tidy(h, hex_of(img), e);
}
