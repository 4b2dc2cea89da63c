/* images/mount_path.c - see mount_path.h. */
#include "images/mount_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/fsid.h"

/* <sys/mount.h> and <linux/mount.h> exclude each other in this libc. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);
int umount2(const char *target, int flags);
enum {
	UMOUNT_DETACH = 2 /* MNT_DETACH */,
	OPTIONS_MAX = 4095 /* one page with its NUL */
};

static int move_here(int mnt, int dir, const char *name, struct err *e)
{
	if (syscall(SYS_move_mount, mnt, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, errno, "attach '%s'", name);
	return 0;
}

/* A tmpfs at @path which passes nothing on: names in it, mounts in it. */
static int mount_scratch(const char *path, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	struct mount_attr attr = { .propagation = 1 << 18 /* MS_PRIVATE */ };
	AUTO_CLOSE int fd = -1;

	if (fs < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, errno, "make a tmpfs");
	fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "make a tmpfs");
	if (move_here(fd, AT_FDCWD, path, e) < 0)
		return -e->code;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		int code = errno;

		(void)umount2(path, UMOUNT_DETACH);
		return err_set(e, code, "make '%s' private", path);
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

/* Short names make 500 layers fit into the one page of options: 0, 1, 2 … are symlinks.
 */
static int lay_out(struct mount_parts *p, int dir, struct buf *options, struct err *e)
{
	static const char *const dirs[] = { "l", "u", "m" };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (mkdirat(dir, dirs[i], 0700) < 0)
			return err_set(e, errno, "mkdir '%s'", dirs[i]);
	r = move_here(p->layers, dir, "l", e);
	if (r == 0 && p->upper >= 0)
		r = move_here(p->upper, dir, "u", e);
	buf_adds(options, "index=off,redirect_dir=off,metacopy=off,lowerdir=");
	for (size_t i = 0; r == 0 && i < p->names.n; i++) {
		AUTO_FREE char *target = str_fmt("l/%s", p->names.v[i]);
		char name[24];

		snprintf(name, sizeof(name), "%zu", i);
		if (symlinkat(target, dir, name) < 0)
			r = err_set(e, errno, "make the symlink '%s'", name);
		buf_addf(options, "%s%s", i ? ":" : "", name);
	}
	if (p->upper >= 0)
		buf_adds(options, ",upperdir=u/upper,workdir=u/work");
	if (r == 0 && options->len > OPTIONS_MAX)
		r = err_msg(e, E2BIG, "the names of %zu layers are too long", p->names.n);
	return r;
}

struct relative_mount {
	int dir, upper;
	const char *options;
	int code; /* errno, 0: done */
};

/* overlayfs resolves its options from the working directory; this thread gets one of its
 * own. */
static void *mount_in_dir(void *arg)
{
	struct relative_mount *m = arg;

	struct err e = ERR_INIT;

	if (fsid_as_owner(m->upper, &e) < 0)
		m->code = e.code;
	else if (unshare(CLONE_FS) < 0 || fchdir(m->dir) < 0 ||
		 mount("overlay", "m", "overlay", 0, m->options) < 0)
		m->code = errno;
	return NULL;
}

static int mount_overlay(int dir, int upper, const char *options, int *ret_fd,
			 struct err *e)
{
	struct relative_mount m = { .dir = dir, .upper = upper, .options = options };
	pthread_t thread;
	int fd, code = pthread_create(&thread, NULL, mount_in_dir, &m);

	if (code != 0)
		return err_set(e, code, "start a thread");
	pthread_join(thread, NULL);
	if (m.code)
		return err_set(e, m.code, "make the overlay by path");
	fd = (int)syscall(SYS_open_tree, dir, "m", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "clone the overlay");
	*ret_fd = fd;
	return 0;
}

int mount_by_path(struct mount_parts *p, const char *scratch, int *ret_fd, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/mount.XXXXXX", scratch ? scratch : "");
	AUTO_BUF struct buf options = BUF_INIT;
	AUTO_CLOSE int dir = -1;
	int r;

	if (!scratch)
		return err_msg(e, EINVAL,
			       "this kernel mounts layers by path only, and no scratch "
			       "directory was given");
	if (!mkdtemp(path))
		return err_set(e, errno, "make a directory in '%s'", scratch);
	r = mount_scratch(path, &dir, e);
	if (r == 0)
		r = lay_out(p, dir, &options, e);
	if (r == 0)
		r = mount_overlay(dir, p->upper, options.data, ret_fd, e);
	/* The overlay holds its own copies of the mounts: all names may go. */
	if (dir >= 0)
		(void)umount2(path, UMOUNT_DETACH);
	(void)rmdir(path);
	return r;
}
