/*
 * container/dev.c - a minimal /dev. See rootfs.h.
 *
 * Knows which nodes there are. They are bound from the host: mknod is refused in a user
 * namespace, and a bound node works in one. Does not know terminals (tty.c).
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/mnt.h"
#include "runtime/container/rootfs.h"

enum { SHM_DEFAULT = 64 << 20, SHM_FILES = 1024 };

static int bind_node(int dev, const char *host_path, const char *name, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r;

	if (mknodat(dev, name, S_IFREG | 0666, 0) < 0)
		return err_set(e, errno, "make '/dev/%s'", name);
	r = container_mnt_node(host_path, &tree, e);
	return r < 0 ? r : container_mnt_attach(tree, dev, name, e);
}

static int make_nodes(int dev, struct err *e)
{
	static const char *const nodes[] = { "null",   "zero",    "full",
					     "random", "urandom", "tty" };
	static const struct {
		const char *name, *to;
	} links[] = {
		{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "ptmx", "pts/ptmx" },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(nodes) && r == 0; i++) {
		char path[16];

		snprintf(path, sizeof(path), "/dev/%s", nodes[i]);
		r = bind_node(dev, path, nodes[i], e);
	}
	for (size_t i = 0; i < ARRAY_LEN(links) && r == 0; i++)
		if (symlinkat(links[i].to, dev, links[i].name) < 0)
			r = err_set(e, errno, "make '/dev/%s'", links[i].name);
	return r;
}

static int mount_below(int dev, const char *name, const char *type, const char *options,
		       struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r;

	if (mkdirat(dev, name, 0755) < 0 && errno != EEXIST)
		return err_set(e, errno, "mkdir '/dev/%s'", name);
	r = container_mnt_fs(type, options,
			     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
				     (str_eq(type, "devpts") ? 0 : MOUNT_ATTR_NODEV),
			     &tree, e);
	return r < 0 ? r : container_mnt_attach(tree, dev, name, e);
}

static int mount_pts(int dev, struct err *e)
{
	int r = mount_below(dev, "pts", "devpts",
			    "newinstance,ptmxmode=0666,mode=0620,gid=5", e);

	if (r != -EINVAL)
		return r;
	err_clear(e); /* group 5 (tty) has no id in a small user namespace */
	return mount_below(dev, "pts", "devpts", "newinstance,ptmxmode=0666,mode=0620",
			   e);
}

int container_dev_mount(int at, uint64_t shm_bytes, struct err *e)
{
	uint64_t bytes = shm_bytes ? shm_bytes : SHM_DEFAULT;
	/* Empty files have no size, but are the kernel's memory: by default as many as
	 * half of the machine's pages. */
	AUTO_FREE char *shm =
		str_fmt("mode=1777,size=%llu,nr_inodes=%llu", (unsigned long long)bytes,
			(unsigned long long)(bytes / 4096 + SHM_FILES));
	AUTO_CLOSE int dev = -1;
	/* nodev: the nodes are mounts of their own, so no other one works here, whoever
	 * may make it (userns host with CAP_MKNOD). */
	int r = container_mnt_fs(
		"tmpfs", "mode=755,size=64k,nr_inodes=1024",
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME, &dev, e);

	if (r == 0)
		r = container_mnt_attach(dev, at, "", e);
	if (r == 0)
		r = make_nodes(dev, e);
	if (r == 0)
		r = mount_pts(dev, e);
	if (r == 0)
		r = mount_below(dev, "shm", "tmpfs", shm, e);
	if (r == 0)
		r = mount_below(dev, "mqueue", "mqueue", NULL, e);
	return r < 0 ? err_ctx(e, "mount '/dev'") : 0;
}
