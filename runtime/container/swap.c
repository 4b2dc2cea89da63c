/*
 * container/swap.c - exchange a mount of a running container. See container.h.
 *
 * Knows MOVE_MOUNT_BENEATH and what to do without it. Does not know what the tree is.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"
#include "runtime/container/mnt.h"
#include "runtime/container/spawn.h"

struct swap {
	int mntns, tree;
	const char *target;
	bool force_stack;
};

/*
 * Readers see the old mount until it is detached and the new one, already below it, from
 * then on. The old one is detached as ".", for a path could by now lead elsewhere.
 */
static int swap_beneath(const struct swap *s, int at, struct err *e)
{
	if (move_mount(s->tree, "", at, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH |
			       MOVE_MOUNT_BENEATH) < 0)
		return 1; /* before Linux 6.5, or nothing is mounted there yet */
	if (fchdir(at) < 0)
		return err_set(e, errno, "enter old mount '%s'", s->target);
	if (umount2(".", MNT_DETACH) < 0)
		return err_set(e, errno, "detach old mount '%s'", s->target);
	return 0;
}

static int swap_inside(void *arg, struct err *e)
{
	const struct swap *s = arg;
	AUTO_CLOSE int root = -1, at = -1;
	int r;

	if (setns(s->mntns, CLONE_NEWNS) < 0)
		return err_set(e, errno, "enter 'mount namespace'");
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_set(e, errno, "open '/' of the container");
	at = fd_open_in_root(root, s->target, O_PATH | O_DIRECTORY);
	if (at < 0)
		return err_set(e, errno, "open '%s' in the container", s->target);
	if (!s->force_stack) {
		r = swap_beneath(s, at, e);
		if (r <= 0)
			return r;
	}
	return container_mnt_attach(s->tree, at, "", e);
}

int container_mount_swap(pid_t pid, const char *target, int tree_fd, bool force_stack,
			 struct err *e)
{
	AUTO_CLOSE int mntns = -1;
	struct swap s = { .tree = tree_fd, .target = target, .force_stack = force_stack };
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	mntns = open(path, O_RDONLY | O_CLOEXEC);
	if (mntns < 0)
		return err_set(e, errno, "open '%s'", path);
	s.mntns = mntns;
	r = container_spawn(swap_inside, &s, -1, "mount swap", e);
	if (r < 0)
		return err_ctx(e, "swap mount '%s'", target);
	close(tree_fd); /* consumed: the mount lives on where it is attached */
	return 0;
}
