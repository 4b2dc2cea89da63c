/* container/rootfs.c - see rootfs.h. Knows the order of mounts and pivot_root. */
#include "runtime/container/rootfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/base/fd.h"
#include "runtime/container/exact.h"
#include "runtime/container/mnt.h"

#define STRICT (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* A directory of ours at the top of the image; an image that has a symlink there is
 * refused. */
static int open_top(int root, const char *name, struct err *e)
{
	int fd = fd_open_beneath(root, name, O_PATH | O_DIRECTORY, 0);

	if (fd < 0 && errno == ENOENT && mkdirat(root, name, 0755) == 0)
		fd = fd_open_beneath(root, name, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_set(e, errno, "open '/%s' in the container", name) : fd;
}

static int attach_top(int tree, int root, const char *name, struct err *e)
{
	AUTO_CLOSE int at = open_top(root, name, e);

	if (at < 0)
		return at;
	return container_mnt_attach(tree, at, "", e);
}

static int mount_proc(const struct container_plan *p, int root, struct err *e)
{
	AUTO_CLOSE int proc = -1;
	int r = container_mnt_fs("proc", NULL, STRICT, &proc, e);

	if (r == 0)
		r = attach_top(proc, root, "proc", e);
	if (r == 0)
		r = container_sysctl_apply(p->spec, proc, e);
	if (r == 0 && !p->spec->privileged)
		r = container_masks_proc(proc, e);
	return r < 0 ? err_ctx(e, "mount '/proc'") : 0;
}

/* A network namespace that is not ours (network_mode host) gives no sysfs of our own. */
static int make_sysfs(unsigned attr, int *ret, struct err *e)
{
	int r = container_mnt_fs("sysfs", NULL, attr, ret, e);

	if (r != -EPERM)
		return r;
	err_clear(e);
	r = container_mnt_clone(AT_FDCWD, "/sys", true, ret, e);
	if (r == 0)
		r = container_mnt_set(*ret, true, attr | MOUNT_ATTR_RDONLY, "/sys", e);
	return r;
}

/* "name=systemd" is found at "systemd", as on the host. Only the root of a hierarchy has
 * a release agent: where the container is in no group of its own, the mount would show
 * the groups of the whole host, and the agent (CVE-2022-0492). */
static int mount_v1(int dir, const char *controllers, unsigned attr, struct err *e)
{
	const char *name =
		str_starts(controllers, "name=") ? controllers + 5 : controllers;
	AUTO_FREE char *options = name == controllers ? str_dup(controllers)
						      : str_fmt("none,%s", controllers);
	AUTO_CLOSE int tree = -1;
	int r = container_mnt_fs("cgroup", options, attr, &tree, e);

	if (r < 0)
		return r;
	if (mkdirat(dir, name, 0755) < 0)
		return err_set(e, errno, "mkdir '%s'", name);
	return faccessat(tree, "release_agent", F_OK, 0) == 0
		       ? 0
		       : container_mnt_attach(tree, dir, name, e);
}

/* Runtimes (JVM, Go, Node) read these to size themselves; the others tell a container
 * nothing. */
static bool useful_v1(const char *controllers)
{
	return strstr(controllers, "memory") || strstr(controllers, "cpu") ||
	       strstr(controllers, "pids");
}

/* /proc/self/cgroup has "N:controllers:/path" for v1 and "0::/path" for v2. */
static int mount_v1_all(int at, unsigned attr, bool useful_only, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_CLOSE int dir = -1;
	int r = container_mnt_fs("tmpfs", "mode=755,size=64k", STRICT, &dir, e);

	if (r == 0)
		r = container_mnt_attach(dir, at, "", e);
	if (r == 0)
		r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", 65536, &text, e);
	if (r < 0)
		return r;
	for (char *save = NULL, *l = strtok_r(text.data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(l, ':'), *end = names ? strchr(++names, ':') : NULL;

		if (!end || end == names)
			continue;
		*end = '\0';
		/* Best effort: some kernels keep a hierarchy from user namespaces. */
		if ((!useful_only || useful_v1(names)) &&
		    mount_v1(dir, names, attr, e) < 0)
			err_clear(e);
	}
	return container_mnt_set(dir, false, attr, "cgroup", e);
}

static bool host_is_v2(void)
{
	struct stat st;

	return stat("/sys/fs/cgroup/cgroup.controllers", &st) == 0;
}

int container_cgroup_mount(int at, unsigned attr, bool useful_only, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r;

	if (!host_is_v2())
		return mount_v1_all(at, attr, useful_only, e);
	r = container_mnt_fs("cgroup2", NULL, attr, &tree, e);
	return r < 0 ? r : container_mnt_attach(tree, at, "", e);
}

static int mount_cgroup(int sys, struct err *e)
{
	AUTO_CLOSE int at = openat(sys, "fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return 0; /* a kernel without cgroups, or a /sys that we could only bind
			   */
	return container_cgroup_mount(at, STRICT | MOUNT_ATTR_RDONLY, true, e);
}

static int mount_sys(const struct container_plan *p, int root, struct err *e)
{
	unsigned attr = STRICT | (p->spec->privileged ? 0 : MOUNT_ATTR_RDONLY);
	AUTO_CLOSE int sys = -1;
	int r = make_sysfs(attr, &sys, e);

	if (r == 0)
		r = attach_top(sys, root, "sys", e);
	if (r == 0)
		r = mount_cgroup(sys, e);
	if (r == 0 && !p->spec->privileged)
		r = container_masks_sys(sys, e);
	return r < 0 ? err_ctx(e, "mount '/sys'") : 0;
}

static int make_tmpfs(const struct container_mount *m, int *ret, struct err *e)
{
	unsigned attr = (m->read_only ? MOUNT_ATTR_RDONLY : 0) |
			(m->nosuid ? MOUNT_ATTR_NOSUID : 0) |
			(m->noexec ? MOUNT_ATTR_NOEXEC : 0) | MOUNT_ATTR_NODEV;
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_BUF struct buf options = BUF_INIT;
	static const struct {
		const char *word;
		unsigned set, clear;
	} flags[] = {
		{ "ro", MOUNT_ATTR_RDONLY, 0 },
		{ "rw", 0, MOUNT_ATTR_RDONLY },
		{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
		{ "suid", 0, MOUNT_ATTR_NOSUID },
		{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
		{ "exec", 0, MOUNT_ATTR_NOEXEC },
		{ "nodev", MOUNT_ATTR_NODEV, 0 },
		{ "noatime", MOUNT_ATTR_NOATIME, 0 },
		{ "relatime", 0, 0 },
	};

	strv_split(&words, m->options ? m->options : "", ",");
	strv_foreach (i, &words) {
		size_t k = 0;

		while (k < ARRAY_LEN(flags) && !str_eq(words.v[i], flags[k].word))
			k++;
		if (k < ARRAY_LEN(flags))
			attr = (attr | flags[k].set) & ~flags[k].clear;
		else
			buf_addf(&options, "%s%s", options.len ? "," : "", words.v[i]);
	}
	return container_mnt_fs("tmpfs", options.data, attr, ret, e);
}

/*
 * A mount below /proc would take the kernel's place before us and every tool of the
 * container (CVE-2019-16884). What lxcfs answers is a file of numbers, of use and
 * harmless.
 */
static bool may_cover(int root, int at)
{
	static const char *const files[] = { "cpuinfo", "diskstats", "loadavg",
					     "meminfo", "slabinfo",  "stat",
					     "swaps",   "uptime" };
	struct stat st, file;

	if (!container_mnt_is_proc(at))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[32];

		snprintf(path, sizeof(path), "proc/%s", files[i]);
		if (fstatat(root, path, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
		    fstat(at, &st) == 0 && st.st_dev == file.st_dev &&
		    st.st_ino == file.st_ino)
			return true;
	}
	return false;
}

/* What a symlink of the image may lead to must be fit for it, too: over one of these the
 * container would be another than the one that was confined. */
static int check_target(int root, int at, bool dir, struct err *e)
{
	static const char *const ours[] = { ".", "proc", "sys", "dev" };
	struct stat st, top;

	if (fstat(at, &st) < 0)
		return err_set(e, errno, "stat its target");
	if (S_ISDIR(st.st_mode) != dir)
		return err_msg(e, dir ? ENOTDIR : EISDIR,
			       "its source is a %s, its target in the container is not",
			       dir ? "directory" : "file");
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (fstatat(root, ours[i], &top, AT_SYMLINK_NOFOLLOW) == 0 &&
		    top.st_dev == st.st_dev && top.st_ino == st.st_ino)
			return err_msg(e, EPERM, "nothing can be mounted on '/%s'",
				       i ? ours[i] : "");
	if (!may_cover(root, at))
		return err_msg(e, EPERM, "nothing can be mounted below '/proc'");
	return 0;
}

static int mount_one(const struct container_mount *m, int tree, int root, struct err *e)
{
	AUTO_CLOSE int own = -1, at = -1;
	struct stat st = { .st_mode = S_IFDIR };
	int r = 0;

	if (m->type == CONTAINER_MOUNT_TMPFS) {
		r = make_tmpfs(m, &own, e);
		tree = own;
	} else if (fstat(tree, &st) < 0) {
		r = err_set(e, errno, "stat its source");
	}
	if (r == 0)
		r = container_mnt_target(root, m->target, S_ISDIR(st.st_mode), &at, NULL,
					 e);
	if (r == 0)
		r = check_target(root, at, S_ISDIR(st.st_mode), e);
	if (r == 0)
		r = container_mnt_attach(tree, at, "", e);
	return r < 0 ? err_ctx(e, "mount '%s'", m->target) : 0;
}

/*
 * pivot_root(".", "."): the old root ends up on top of the new one and is then taken
 * away. The calls are made through the fd, so no path is walked in between.
 */
static int pivot(int root, struct err *e)
{
	if (fchdir(root) < 0)
		return err_set(e, errno, "enter the container's 'rootfs'");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(e, errno, "pivot_root to the container's 'rootfs'");
	if (umount2(".", MNT_DETACH) < 0)
		return err_set(e, errno, "unmount the host's 'rootfs'");
	if (chdir("/") < 0)
		return err_set(e, errno, "chdir '/'");
	return 0;
}

static int build(const struct container_plan *p, struct err *e)
{
	const struct container_spec *s = p->spec;
	int root = p->root_tree, r = mount_proc(p, root, e);

	if (r == 0)
		r = mount_sys(p, root, e);
	if (r == 0) {
		AUTO_CLOSE int dev = open_top(root, "dev", e);

		r = dev < 0 ? dev : container_dev_mount(dev, s->shm_bytes, e);
	}
	for (size_t i = 0; i < s->n_mounts && r == 0; i++)
		r = mount_one(&s->mounts[i], p->mount_tree[i], root, e);
	if (r == 0 && s->read_only)
		r = container_mnt_set(root, false, MOUNT_ATTR_RDONLY, "/", e);
	return r;
}

int container_rootfs_build(const struct container_plan *p, struct err *e)
{
	int r;

	if (p->spec->exact && p->spec->exact->host_mounts)
		return 0;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(e, errno, "make mounts 'private'");
	r = container_mnt_attach(p->root_tree, AT_FDCWD, "/", e);
	if (r < 0)
		return r;
	return p->spec->exact ? container_exact_build(p, e) : build(p, e);
}

int container_rootfs_enter(const struct container_plan *p, struct err *e)
{
	const struct container_exact *x = p->spec->exact;
	int r;

	if (x && x->host_mounts) {
		if (fchdir(p->spec->rootfs_fd) < 0 || chroot(".") < 0)
			return err_set(e, errno, "chroot to the container's 'rootfs'");
		return 0;
	}
	r = pivot(p->root_tree, e);
	if (r == 0 && x && x->root_propagation &&
	    mount(NULL, "/", NULL, x->root_propagation, NULL) < 0)
		r = err_set(e, errno, "set 'rootfsPropagation'");
	return r;
}
