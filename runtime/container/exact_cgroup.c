/*
 * container/exact_cgroup.c - a container's cgroups without a cgroup namespace. See
 * rootfs.h.
 *
 * Knows that a hierarchy mounted anew would then show the host's groups, all of them, and
 * its release agent (CVE-2022-0492): so the container's own directory of each is bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/container/mnt.h"
#include "runtime/container/rootfs.h"

static int bind_group(const char *from, unsigned attr, int at, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int r = container_mnt_clone(AT_FDCWD, from, false, &tree, e);

	if (r == 0)
		r = container_mnt_set(tree, false, attr, from, e);
	return r < 0 ? r : container_mnt_attach(tree, at, "", e);
}

/* A hierarchy that the host has elsewhere than at its own name is left out. One in which
 * the container has no group of its own would show all of the host's: its directory is
 * empty (podman's --systemd mounts there). */
static int bind_v1(int dir, const char *names, const char *path, unsigned attr,
		   struct err *e)
{
	const char *name = str_starts(names, "name=") ? names + 5 : names;
	AUTO_FREE char *from = str_fmt("/sys/fs/cgroup/%s%s", name, path);
	AUTO_CLOSE int at = -1;
	int r;

	if (access(from, F_OK) < 0)
		return 0;
	r = fd_mkdir(dir, name, 0755, &at, e);
	return r < 0 || str_eq(path, "/") ? r : bind_group(from, attr, at, e);
}

/* /proc/self/cgroup has "N:controllers:/path" for v1 and "0::/path" for v2. */
int container_exact_cgroup_bind(int at, unsigned attr, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_CLOSE int dir = -1;
	bool v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	int r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", 65536, &text, e);

	if (r == 0 && !v2)
		r = container_mnt_fs("tmpfs", "mode=755,size=64k",
				     attr & ~(unsigned)MOUNT_ATTR_RDONLY, &dir, e);
	if (r == 0 && !v2)
		r = container_mnt_attach(dir, at, "", e);
	for (char *save = NULL, *l = r == 0 ? strtok_r(text.data, "\n", &save) : NULL;
	     l && r == 0; l = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(l, ':'), *path = names ? strchr(++names, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		if (v2 && !*names) {
			AUTO_FREE char *from = str_fmt("/sys/fs/cgroup%s", path);

			r = bind_group(from, attr, at, e);
		}
		if (!v2 && *names)
			r = bind_v1(dir, names, path, attr, e);
	}
	return r < 0 || v2 ? r : container_mnt_set(dir, false, attr, "cgroup", e);
}
