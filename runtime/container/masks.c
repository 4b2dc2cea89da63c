/*
 * container/masks.c - paths of /proc and /sys that tell about or steer the host. See
 * rootfs.h.
 *
 * Works below the fd of the file system that we have just mounted, so no file of an image
 * can stand in for one of these names. What this kernel does not have is skipped.
 */
#include <errno.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/mnt.h"
#include "runtime/container/rootfs.h"

#define SEALED                                                                           \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const char *const proc_hidden[] = {
	"acpi",          "asound",      "interrupts", "kcore",      "keys",
	"latency_stats", "sched_debug", "scsi",       "timer_list", "timer_stats",
};
static const char *const proc_read_only[] = { "bus", "fs", "irq", "sys",
					      "sysrq-trigger" };
static const char *const sys_hidden[] = {
	"devices/virtual/powercap",
	"firmware",
};

/* One empty directory serves all hidden ones: *@empty is it, once it is attached. */
static int hide_directory(int dir, const char *name, int *empty, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r;

	if (*empty < 0) {
		r = container_mnt_fs("tmpfs", "mode=755,size=4k,nr_inodes=2", SEALED,
				     empty, e);
		return r < 0 ? r : container_mnt_attach(*empty, dir, name, e);
	}
	r = container_mnt_clone(*empty, "", false, &tree, e);
	return r < 0 ? r : container_mnt_attach(tree, dir, name, e);
}

static int hide_file(int dir, const char *name, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r = container_mnt_node("/dev/null", &tree, e);

	return r < 0 ? r : container_mnt_attach(tree, dir, name, e);
}

static int hide(int dir, const char *const *names, size_t n, struct err *e)
{
	AUTO_CLOSE int empty = -1;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct stat st;

		if (fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    S_ISLNK(st.st_mode))
			continue;
		r = S_ISDIR(st.st_mode) ? hide_directory(dir, names[i], &empty, e)
					: hide_file(dir, names[i], e);
		if (r < 0)
			return err_ctx(e, "hide '%s'", names[i]);
	}
	return r;
}

static int protect(int dir, const char *name, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r;

	if (faccessat(dir, name, F_OK, 0) < 0)
		return 0;
	r = container_mnt_clone(dir, name, true, &tree, e);
	if (r == 0)
		r = container_mnt_set(tree, true, SEALED, name, e);
	if (r == 0)
		r = container_mnt_attach(tree, dir, name, e);
	return r < 0 ? err_ctx(e, "protect '%s'", name) : 0;
}

int container_masks_proc(int proc, struct err *e)
{
	int r = hide(proc, proc_hidden, ARRAY_LEN(proc_hidden), e);

	for (size_t i = 0; i < ARRAY_LEN(proc_read_only) && r == 0; i++)
		r = protect(proc, proc_read_only[i], e);
	return r;
}

int container_masks_sys(int sys, struct err *e)
{
	return hide(sys, sys_hidden, ARRAY_LEN(sys_hidden), e);
}
