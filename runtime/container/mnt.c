/* container/mnt.c - see mnt.h. */
#include "runtime/container/mnt.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "runtime/base/fd.h"

enum { LINKS_MAX = 40 }; /* as the kernel's own limit */

static int set_option(int fs, char *option)
{
	char *value = strchr(option, '=');

	if (!value)
		return fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
	*value++ = '\0';
	return fsconfig(fs, FSCONFIG_SET_STRING, option, value, 0);
}

int container_mnt_fs(const char *type, const char *options, unsigned attr, int *ret_fd,
		     struct err *e)
{
	AUTO_CLOSE int fs = fsopen(type, FSOPEN_CLOEXEC);
	AUTO_FREE char *copy = str_dup(options ? options : "");
	int fd;

	if (fs < 0)
		return err_set(e, errno, "open file system '%s'", type);
	for (char *save = NULL, *o = strtok_r(copy, ",", &save); o;
	     o = strtok_r(NULL, ",", &save))
		if (set_option(fs, o) < 0)
			return err_set(e, errno, "file system '%s': option '%s'", type,
				       o);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, errno, "create file system '%s'", type);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attr);
	if (fd < 0)
		return err_set(e, errno, "mount file system '%s'", type);
	*ret_fd = fd;
	return 0;
}

int container_mnt_clone(int dir, const char *path, bool recursive, int *ret_fd,
			struct err *e)
{
	int fd = open_tree(dir, path,
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
				   (recursive ? AT_RECURSIVE : 0));

	if (fd < 0)
		return err_set(e, errno, "clone mount '%s'", path);
	*ret_fd = fd;
	return 0;
}

int container_mnt_node(const char *path, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r = container_mnt_clone(AT_FDCWD, path, false, &tree, e);

	if (r == 0)
		r = container_mnt_set(tree, false,
				      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					      MOUNT_ATTR_NOEXEC,
				      path, e);
	if (r == 0)
		*ret_fd = fd_take(&tree);
	return r;
}

int container_mnt_attach(int tree, int dir, const char *name, struct err *e)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*name ? 0 : MOVE_MOUNT_T_EMPTY_PATH);

	if (move_mount(tree, "", dir, name, flags) < 0)
		return err_set(e, errno, "attach mount at '%s'", name);
	return 0;
}

int container_mnt_set(int tree, bool recursive, unsigned attr, const char *what,
		      struct err *e)
{
	struct mount_attr a = { .attr_set = attr };

	if (mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a,
			  sizeof(a)) < 0)
		return err_set(e, errno, "set attributes of mount '%s'", what);
	return 0;
}

static unsigned bind_attributes(const struct container_mount *m)
{
	return (m->read_only ? MOUNT_ATTR_RDONLY : 0) |
	       (m->nosuid ? MOUNT_ATTR_NOSUID : 0) | (m->nodev ? MOUNT_ATTR_NODEV : 0) |
	       (m->noexec ? MOUNT_ATTR_NOEXEC : 0);
}

int container_mnt_clone_bind(const struct container_mount *m, int userns_fd, int *ret_fd,
			     struct err *e)
{
	const char *name = m->source ? m->source : m->target;
	unsigned idmap = m->idmap && userns_fd >= 0 ? MOUNT_ATTR_IDMAP : 0;
	struct mount_attr attr = {
		/* a node is used through a read-only mount, but not changed (mnt.h) */
		.attr_set =
			bind_attributes(m) | idmap | (m->device ? MOUNT_ATTR_RDONLY : 0),
		.attr_clr = m->device ? MOUNT_ATTR_NODEV : 0,
		.propagation = MS_PRIVATE, /* nothing mounted inside may reach the host */
		.userns_fd = idmap ? (uint64_t)userns_fd : 0,
	};
	AUTO_CLOSE int tree = -1;

	if (m->source_fd < 0 && !m->source)
		return err_msg(e, EINVAL, "bind mount at '%s' has no source", m->target);
	tree = open_tree(m->source_fd >= 0 ? m->source_fd : AT_FDCWD,
			 m->source_fd >= 0 ? "" : m->source,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE |
				 (m->source_fd >= 0 ? AT_EMPTY_PATH : 0));
	if (tree < 0)
		return err_set(e, errno, "bind '%s' at '%s'", name, m->target);
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) <
	    0)
		return err_set(e, errno, "%s '%s' for '%s'", idmap ? "idmap" : "set up",
			       name, m->target);
	*ret_fd = fd_take(&tree);
	return 0;
}

/* Makes the last component of @path, whose parents are there. *@made stays as it is when
 * another was faster: what is there is not ours to give away. */
static int make_one(int root, char *path, bool dir, bool *made, struct err *e)
{
	char *slash = strrchr(path, '/'), *name = slash + 1;
	AUTO_CLOSE int parent = -1;
	int r;

	*slash = '\0';
	parent = fd_open_in_root(root, *path ? path : "/", O_PATH | O_DIRECTORY);
	*slash = '/';
	if (parent < 0)
		return err_set(e, errno, "open parent of '%s' in the container", path);
	r = dir ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
	if (r < 0 && errno != EEXIST)
		return err_set(e, errno, "make '%s' in the container", path);
	*made = r == 0 || *made;
	return 0;
}

static int make_parents(int root, char *path, struct err *e)
{
	int r = 0;

	for (char *p = strchr(path + 1, '/'); p && r == 0; p = strchr(p + 1, '/')) {
		AUTO_CLOSE int fd = -1;
		bool made = false;

		*p = '\0';
		fd = fd_open_in_root(root, path, O_PATH | O_DIRECTORY);
		if (fd < 0)
			r = errno == ENOENT ? make_one(root, path, true, &made, e)
					    : err_set(e, errno,
						      "open '%s' in the container", path);
		*p = '/';
	}
	return r;
}

/* "/a//b/" to "/a/b"; "..", which would make a directory elsewhere than it says, is
 * refused. */
static char *clean_path(const char *path, struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	struct buf b = BUF_INIT;

	strv_split(&parts, path, "/");
	strv_foreach (i, &parts) {
		if (str_eq(parts.v[i], "..")) {
			(void)err_msg(e, EINVAL, "path '%s' has a '..'", path);
			buf_free(&b);
			return NULL;
		}
		if (!str_eq(parts.v[i], "."))
			buf_addf(&b, "/%s", parts.v[i]);
	}
	if (b.len == 0)
		buf_adds(&b, "/");
	return buf_take(&b);
}

bool container_mnt_is_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* A symlink to nothing yet (/etc/resolv.conf of an image with systemd): *@path becomes
 * what the last of a chain of them names. Wherever it leads, the kernel resolves it
 * inside the root. The links of /proc are none: their text is a path of the host
 * (CVE-2024-21626). */
static void follow_dangling(int root, char **path)
{
	for (int links = 0; links < LINKS_MAX; links++) {
		char *slash = strrchr(*path, '/'), to[PATH_MAX];
		AUTO_CLOSE int parent = -1;
		ssize_t n = -1;

		*slash = '\0';
		parent = fd_open_in_root(root, slash == *path ? "/" : *path,
					 O_PATH | O_DIRECTORY);
		if (parent >= 0 && !container_mnt_is_proc(parent))
			n = readlinkat(parent, slash + 1, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = '\0';
		if (n > 0) {
			AUTO_FREE char *next =
				str_fmt("%s/%s", *to == '/' ? "" : *path, to);

			str_set(path, next);
			continue;
		}
		*slash = '/';
		return;
	}
}

int container_mnt_target(int root, const char *path, bool dir, int *ret_fd,
			 bool *ret_made, struct err *e)
{
	AUTO_FREE char *clean = clean_path(path, e);
	AUTO_CLOSE int fd = -1;
	bool made = false;
	int r;

	if (!clean)
		return -e->code;
	fd = fd_open_in_root(root, clean, O_PATH);
	if (fd < 0 && errno == ENOENT) {
		follow_dangling(root, &clean);
		r = make_parents(root, clean, e);
		if (r == 0)
			r = make_one(root, clean, dir, &made, e);
		if (r < 0)
			return r;
		fd = fd_open_in_root(root, clean, O_PATH);
	}
	if (fd < 0)
		return err_set(e, errno, "open '%s' in the container", path);
	if (ret_made)
		*ret_made = made;
	*ret_fd = fd_take(&fd);
	return 0;
}
