/*
 * container/exact_rootfs.c - the mounts of a container told in every detail. See
 * rootfs.h.
 *
 * Knows the order: mounts as listed, then devices and links in /dev, settings, masks, the
 * root's own attributes. Every target is resolved inside the new root and then used by
 * fd only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "runtime/base/fd.h"
#include "runtime/container/exact.h"
#include "runtime/container/mnt.h"
#include "runtime/container/rootfs.h"

#define SEALED                                                                           \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static bool is_type(const struct container_exact_mount *m, const char *type)
{
	return m->kind == CONTAINER_EXACT_FS && str_eq(m->type, type);
}

/* Reached without a link on the way, at @path of the container. */
static bool is_straight(int root, const char *path, int at)
{
	AUTO_CLOSE int straight =
		fd_open_beneath(root, path + strspn(path, "/"), O_PATH, 0);
	struct stat a, b;

	return straight >= 0 && fstat(straight, &a) == 0 && fstat(at, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* What may be covered in a proc file system: numbers that lxcfs and the like answer. */
static bool may_cover(const char *path)
{
	static const char *const files[] = {
		"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg",
		"/proc/meminfo", "/proc/slabinfo",  "/proc/stat",
		"/proc/swaps",   "/proc/uptime",    "/proc/sys/crypto/fips_enabled",
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (str_eq(files[i], path))
			return true;
	return false;
}

/* A proc or sysfs that a link of the image leads elsewhere would leave the image's own
 * files in its place, and a mount that a link leads into proc would take the kernel's
 * (CVE-2019-16884, CVE-2023-27561). */
static int open_target(const struct container_exact_mount *m, int root, bool dir,
		       int *ret, struct err *e)
{
	AUTO_CLOSE int at = -1;
	struct statfs fs;
	bool in_proc;
	int r = container_mnt_target(root, m->target, dir, &at, NULL, e);

	if (r < 0)
		return r;
	if (fstatfs(at, &fs) < 0)
		return err_set(e, errno, "stat its target");
	in_proc = fs.f_type == PROC_SUPER_MAGIC;
	if ((in_proc || is_type(m, "proc") || is_type(m, "sysfs")) &&
	    !is_straight(root, m->target, at))
		return err_msg(e, ELOOP, "a link of the container is on the way to it");
	if (in_proc && !is_type(m, "proc") && !may_cover(m->target))
		return err_msg(e, EPERM, "nothing can be mounted there, in 'proc'");
	*ret = fd_take(&at);
	return 0;
}

static int make_fs(const struct container_exact_mount *m, int *ret, struct err *e)
{
	AUTO_FREE char *data =
		is_type(m, "devpts") && !strstr(m->data ? m->data : "", "newinstance")
			? str_fmt("%s%snewinstance", m->data ? m->data : "",
				  m->data && *m->data ? "," : "")
			: str_dup(m->data);
	AUTO_FREE char *whole = NULL;
	int r;

	/* A source with a comma cannot be told this way: then it goes without. */
	if (m->source && *m->source && !strchr(m->source, ','))
		whole = str_fmt("source=%s%s%s", m->source, data && *data ? "," : "",
				data ? data : "");
	r = container_mnt_fs(m->type, whole ? whole : data, m->set, ret, e);
	if (r != -EPERM || !is_type(m, "sysfs"))
		return r;
	/* A network namespace that is not ours gives no sysfs of our own. */
	err_clear(e);
	r = container_mnt_clone(AT_FDCWD, "/sys", true, ret, e);
	return r < 0 ? r : container_mnt_set(*ret, true, m->set, "/sys", e);
}

static int propagate(int tree, unsigned flags, bool recursive, const char *what,
		     struct err *e)
{
	struct mount_attr a = { .propagation = flags };

	if (mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a,
			  sizeof(a)) < 0)
		return err_set(e, errno, "set propagation of mount '%s'", what);
	return 0;
}

static int umount_fd(int mount)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount);
	return umount2(path, MNT_DETACH);
}

/* mountinfo lists mounts by age, and binds were cloned before all others are made: a
 * second copy, made at their turn, stands in the order told. Where that is refused the
 * first one stays. */
static int attach_bind(const struct container_exact_mount *m, int tree, int at,
		       struct err *e)
{
	AUTO_CLOSE int again = -1;
	int r = container_mnt_attach(tree, at, "", e);

	if (r < 0)
		return r;
	again = open_tree(tree, "",
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
				  AT_RECURSIVE);
	if (again >= 0 && umount_fd(tree) == 0) {
		r = container_mnt_attach(again, at, "", e);
		tree = again;
	}
	/* Only now: an unbindable mount could not have been copied. */
	if (r == 0 && m->propagation == MS_UNBINDABLE)
		r = propagate(tree, MS_UNBINDABLE, m->propagation_rec, m->target, e);
	return r;
}

static int mount_listed(const struct container_exact_mount *m, int tree, int root,
			bool own_cgroups, struct err *e)
{
	struct stat st = { .st_mode = S_IFDIR };
	AUTO_CLOSE int own = -1, at = -1;
	int r = 0;

	if (m->kind == CONTAINER_EXACT_FS)
		r = make_fs(m, &own, e);
	else if (tree >= 0 && fstat(tree, &st) < 0)
		r = err_set(e, errno, "stat its source");
	if (r == 0)
		r = open_target(m, root, S_ISDIR(st.st_mode), &at, e);
	if (r < 0)
		return err_ctx(e, "mount '%s'", m->target);
	if (m->copy_up)
		r = container_exact_copy_up(at, own, e);
	if (r == 0 && m->kind == CONTAINER_EXACT_CGROUP)
		r = own_cgroups ? container_cgroup_mount(at, m->set, false, e)
				: container_exact_cgroup_bind(at, m->set, e);
	else if (r == 0 && m->kind == CONTAINER_EXACT_BIND)
		r = attach_bind(m, tree, at, e);
	else if (r == 0)
		r = container_mnt_attach(own, at, "", e);
	if (r == 0 && m->propagation && m->kind == CONTAINER_EXACT_FS)
		r = propagate(own, m->propagation, m->propagation_rec, m->target, e);
	return r < 0 ? err_ctx(e, "mount '%s'", m->target) : 0;
}

/* A /dev of the host, bound in, is not ours to fill. */
static bool dev_is_bound(const struct container_exact *x)
{
	for (size_t i = 0; i < x->n_mounts; i++)
		if (x->mounts[i].kind == CONTAINER_EXACT_BIND &&
		    (str_eq(x->mounts[i].target, "/dev") ||
		     str_eq(x->mounts[i].target, "/dev/")))
			return true;
	return false;
}

/* Without the right to make device nodes (a user namespace) the host's own is bound. */
static int bind_device(int parent, const char *name, const char *path, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r;

	if (mknodat(parent, name, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
		return err_set(e, errno, "make device '%s'", path);
	r = container_mnt_node(path, &tree, e);
	return r < 0 ? r : container_mnt_attach(tree, parent, name, e);
}

static bool is_same_device(int parent, const char *name, mode_t type, dev_t number)
{
	struct stat st;

	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mode & S_IFMT) == type && (type == S_IFIFO || st.st_rdev == number);
}

static int make_device(const struct container_exact_device *d, int root, struct err *e)
{
	mode_t type = d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR;
	AUTO_FREE char *dir = str_dup(d->path);
	char *name = strrchr(dir, '/');
	dev_t number = makedev(d->major, d->minor);
	AUTO_CLOSE int parent = -1;
	int r;

	*name++ = '\0';
	r = container_mnt_target(root, *dir ? dir : "/", true, &parent, NULL, e);
	if (r < 0)
		return err_ctx(e, "device '%s'", d->path);
	if (is_same_device(parent, name, type, number))
		return 0;
	if (mknodat(parent, name, type | (d->mode & 07777), number) < 0) {
		if (errno == EPERM && type != S_IFIFO)
			return bind_device(parent, name, d->path, e);
		return err_set(e, errno, "make device '%s'", d->path);
	}
	if (fchownat(parent, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "chown device '%s'", d->path);
	return 0;
}

static int link_dev(int root, const char *path, const char *to, struct err *e)
{
	AUTO_CLOSE int dev = -1;
	int r = container_mnt_target(root, "/dev", true, &dev, NULL, e);

	if (r == 0 && symlinkat(to, dev, path) < 0 && errno != EEXIST)
		r = err_set(e, errno, "make '/dev/%s'", path);
	return r;
}

/* The specification's default devices (config-linux.md). */
static int fill_dev(const struct container_exact *x, int root, struct err *e)
{
	static const struct container_exact_device defaults[] = {
		{ "/dev/null", 'c', 1, 3, 0666, 0, 0 },
		{ "/dev/zero", 'c', 1, 5, 0666, 0, 0 },
		{ "/dev/full", 'c', 1, 7, 0666, 0, 0 },
		{ "/dev/random", 'c', 1, 8, 0666, 0, 0 },
		{ "/dev/urandom", 'c', 1, 9, 0666, 0, 0 },
		{ "/dev/tty", 'c', 5, 0, 0666, 0, 0 },
	};
	static const struct {
		const char *name, *to;
	} links[] = {
		{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "ptmx", "pts/ptmx" },
	};
	int r = 0;

	for (size_t i = 0; i < x->n_devices && r == 0; i++)
		r = make_device(&x->devices[i], root, e);
	for (size_t i = 0; i < ARRAY_LEN(defaults) && r == 0; i++)
		r = make_device(&defaults[i], root, e);
	for (size_t i = 0; i < ARRAY_LEN(links) && r == 0; i++)
		r = link_dev(root, links[i].name, links[i].to, e);
	return r;
}

/* Through a proc of our own that is attached nowhere, so no file of an image can stand
 * in for it. */
static int write_settings(const struct container_spec *s, struct err *e)
{
	AUTO_CLOSE int proc = -1;
	int r;

	if (s->sysctls.n == 0)
		return 0;
	r = container_mnt_fs("proc", NULL, SEALED & ~(unsigned)MOUNT_ATTR_RDONLY, &proc,
			     e);
	return r < 0 ? r : container_sysctl_apply(s, proc, e);
}

/* Absent is done. A link is followed inside the root, as a reader of it would. */
static int open_present(int root, const char *path, int *ret, struct err *e)
{
	*ret = fd_open_in_root(root, path, O_PATH);
	if (*ret < 0 && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		return err_set(e, errno, "open '%s' in the container", path);
	return 0;
}

static int mask(int root, const char *path, struct err *e)
{
	AUTO_CLOSE int at = -1, tree = -1;
	struct stat st;
	int r = open_present(root, path, &at, e);

	if (r < 0 || at < 0)
		return r;
	if (fstat(at, &st) < 0)
		return err_set(e, errno, "stat '%s' in the container", path);
	r = S_ISDIR(st.st_mode)
		    ? container_mnt_fs("tmpfs", "mode=755,size=4k", SEALED, &tree, e)
		    : container_mnt_node("/dev/null", &tree, e);
	if (r == 0)
		r = container_mnt_attach(tree, at, "", e);
	return r < 0 ? err_ctx(e, "mask '%s'", path) : 0;
}

static int protect(int root, const char *path, struct err *e)
{
	AUTO_CLOSE int at = -1, tree = -1;
	int r = open_present(root, path, &at, e);

	if (r < 0 || at < 0)
		return r;
	r = container_mnt_clone(at, "", true, &tree, e);
	if (r == 0)
		r = container_mnt_set(tree, true, MOUNT_ATTR_RDONLY, path, e);
	if (r == 0)
		r = container_mnt_attach(tree, at, "", e);
	return r < 0 ? err_ctx(e, "write-protect '%s'", path) : 0;
}

int container_exact_build(const struct container_plan *p, struct err *e)
{
	const struct container_exact *x = p->spec->exact;
	int root = p->root_tree, r = 0;

	for (size_t i = 0; i < x->n_mounts && r == 0; i++)
		r = mount_listed(&x->mounts[i], p->mount_tree[i], root, x->own_cgroup_ns,
				 e);
	if (r == 0 && !dev_is_bound(x))
		r = fill_dev(x, root, e);
	if (r == 0)
		r = write_settings(p->spec, e);
	for (size_t i = 0; i < x->read_only.n && r == 0; i++)
		r = protect(root, x->read_only.v[i], e);
	for (size_t i = 0; i < x->masked.n && r == 0; i++)
		r = mask(root, x->masked.v[i], e);
	if (r == 0 && p->spec->read_only)
		r = container_mnt_set(root, false, MOUNT_ATTR_RDONLY, "/", e);
	return r;
}

int container_exact_clone(const struct container_exact_mount *m, int *ret, struct err *e)
{
	/* Nothing that is mounted inside may reach the host, unless it was asked for. */
	unsigned told = m->propagation == MS_UNBINDABLE ? MS_PRIVATE : m->propagation;
	struct mount_attr one = {
		.attr_set = m->set,
		.attr_clr = m->clear,
		.propagation = told ? told : MS_PRIVATE,
	};
	struct mount_attr all = {
		.attr_set = m->set_rec | (m->idmap_fd >= 0 ? MOUNT_ATTR_IDMAP : 0),
		.propagation = m->propagation_rec || !told ? one.propagation : 0,
		.userns_fd = m->idmap_fd >= 0 ? (uint64_t)m->idmap_fd : 0,
	};
	AUTO_CLOSE int tree = open_tree(AT_FDCWD, m->source,
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
						(m->recursive ? AT_RECURSIVE : 0));

	if (tree < 0)
		return err_set(e, errno, "bind '%s' at '%s'", m->source, m->target);
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &all, sizeof(all)) < 0)
		return err_set(e, errno, "%s '%s' for '%s'",
			       m->idmap_fd >= 0 ? "idmap" : "set up", m->source,
			       m->target);
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &one, sizeof(one)) < 0)
		return err_set(e, errno, "set up '%s' for '%s'", m->source, m->target);
	*ret = fd_take(&tree);
	return 0;
}
