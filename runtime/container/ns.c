/*
 * container/ns.c - namespaces that outlive the process that made them.
 *
 * Knows user and network namespaces, id maps, pins, idmapped mounts. Does not know
 * containers.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"
#include "runtime/container/exact.h"
#include "runtime/container/spawn.h"

/* Runs on shared memory: nothing but system calls. Dies with its maker, also with one
 * that was killed before it could ask for that: it would hold the maker's locks for ever.
 */
static int hold_namespace(void *maker)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (syscall(SYS_getppid) == *(const pid_t *)maker)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	return 0;
}

/* At most 340 lines: the kernel's own limit, and the write is one. */
static int write_map(int dir, const char *file, const struct container_idmaps *m,
		     struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;

	for (size_t i = 0; i < m->n; i++)
		buf_addf(&text, "%u %u %u\n", m->v[i].inside, m->v[i].outside,
			 m->v[i].size);
	return fd_write_str(dir, file, text.data ? text.data : "", e);
}

static int write_maps(pid_t pid, const struct container_idmaps *uids,
		      const struct container_idmaps *gids, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	char text[64];
	int fd, r;

	snprintf(text, sizeof(text), "/proc/%d", (int)pid);
	dir = open(text, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, errno, "open '%s'", text);
	r = write_map(dir, "uid_map", uids, e);
	if (r == 0)
		r = write_map(dir, "gid_map", gids, e);
	if (r < 0)
		return r;
	fd = openat(dir, "ns/user", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "open '/proc/%d/ns/user'", (int)pid);
	*ret_fd = fd;
	return 0;
}

int container_userns_create_maps(const struct container_idmaps *uids,
				 const struct container_idmaps *gids, int *ret_fd,
				 struct err *e)
{
	char stack[4096] __attribute__((aligned(16)));
	pid_t pid, self = getpid();
	int r;

	/* The maps must be written from outside, so this one child runs beside us. */
	pid = clone(hold_namespace, stack + sizeof(stack),
		    CLONE_NEWUSER | CLONE_VM | SIGCHLD, &self);
	if (pid < 0)
		return err_set(e, errno, "create 'user namespace'");
	r = write_maps(pid, uids, gids, ret_fd, e);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return r;
}

int container_userns_create(uid_t host_base, int *ret_fd, struct err *e)
{
	struct container_idmap one = { 0, host_base, CONTAINER_IDS };
	const struct container_idmaps all = { &one, 1 };
	int r = container_userns_create_maps(&all, &all, ret_fd, e);

	return r < 0 ? err_ctx(e, "user namespace at '%u'", (unsigned)host_base) : 0;
}

struct netns_job {
	int userns_fd, fd;
};

static int make_netns(void *arg, struct err *e)
{
	struct netns_job *job = arg;

	if (job->userns_fd >= 0 && setns(job->userns_fd, CLONE_NEWUSER) < 0)
		return err_set(e, errno, "enter user namespace");
	if (unshare(CLONE_NEWNET) < 0)
		return err_set(e, errno, "create network namespace");
	job->fd = open("/proc/self/ns/net",
		       O_RDONLY | O_CLOEXEC); /* the fd table is shared */
	if (job->fd < 0)
		return err_set(e, errno, "open '/proc/self/ns/net'");
	return 0;
}

int container_netns_create(int userns_fd, int *ret_fd, struct err *e)
{
	struct netns_job job = { .userns_fd = userns_fd, .fd = -1 };
	int r = container_spawn(make_netns, &job, -1, "network namespace", e);

	if (r == 0)
		*ret_fd = job.fd;
	return r;
}

int container_ns_pin(int ns_fd, int dir, const char *name, struct err *e)
{
	AUTO_CLOSE int file = openat(
		dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	char from[40], to[40];
	int r;

	if (file < 0)
		return err_set(e, errno, "create pin '%s'", name);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", ns_fd);
	snprintf(to, sizeof(to), "/proc/self/fd/%d", file);
	if (mount(from, to, NULL, MS_BIND, NULL) == 0)
		return 0;
	r = err_set(e, errno, "bind namespace on pin '%s'", name);
	(void)unlinkat(dir, name, 0);
	return r;
}

int container_pin_remove(int dir, const char *name, struct err *e)
{
	AUTO_FREE char *path = str_fmt("/proc/self/fd/%d/%s", dir, name);

	/* EINVAL: a file that is no mount point, left between create and bind. */
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
	    errno != ENOENT)
		return err_set(e, errno, "unmount pin '%s'", name);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_set(e, errno, "remove pin '%s'", name);
	return 0;
}

int container_can_idmap(int fd, int userns_fd, struct err *e)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns_fd,
	};
	AUTO_CLOSE int tree = open_tree(fd, "",
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
						AT_EMPTY_PATH | AT_RECURSIVE);

	if (tree < 0)
		return err_set(e, errno, "clone mount to try idmapping");
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) ==
	    0)
		return 0;
	/* EINVAL: the file system does not offer it; EPERM: it is idmapped already */
	if (errno == EINVAL || errno == EPERM)
		return 1;
	return err_set(e, errno, "idmap mount");
}
