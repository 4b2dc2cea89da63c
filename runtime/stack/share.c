/*
 * stack/share.c - `volume NAME { from SERVICE:PATH; }`: a directory of one service's
 * merged root, bound read-only into others, with no copy.
 *
 * The pin below RUN/STACK/.share is what readers that start now will bind; it changes
 * when the service it comes from has a new root that is ready (stack_refresh), and so do
 * the readers that run. What is kept of older ones is generation.c's. An overlay's root
 * has a device number of its own, which tells old from new.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/base/fsid.h"
#include "runtime/base/log.h"
#include "runtime/base/proc.h"
#include "runtime/stack/generation.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/volume.h"

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x00000200
#endif

/* As the container's root, for whom alone the ids of an idmapped file system are known.
 */
static int make_dir(int root, int at, const char *name, uid_t owner, const char *path,
		    struct err *e)
{
	int r = fsid_as_owner(root, e), code;

	if (r < 0)
		return r;
	r = mkdirat(at, name, 0755);
	if (r == 0)
		r = fchownat(at, name, owner, owner, AT_SYMLINK_NOFOLLOW);
	code = errno;
	fsid_restore();
	return r < 0 ? err_set(e, code, "mkdir '%s'", path) : 0;
}

/* Open PATH inside @root, making directories (the container root's) that are not there.
 */
static int open_or_make(int root, const char *path, uid_t owner, int *ret, struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_BUF struct buf sofar = BUF_INIT;
	AUTO_CLOSE int at = fcntl(root, F_DUPFD_CLOEXEC, 3);

	strv_split(&parts, path, "/");
	strv_foreach (i, &parts) {
		int next;

		buf_addf(&sofar, "/%s", parts.v[i]);
		next = fd_open_in_root(root, sofar.data, O_RDONLY | O_DIRECTORY);
		if (next < 0 && errno == ENOENT) {
			if (make_dir(root, at, parts.v[i], owner, sofar.data, e) < 0)
				return -e->code;
			next = fd_open_in_root(root, sofar.data, O_RDONLY | O_DIRECTORY);
		}
		if (next < 0)
			return err_set(e, errno, "open directory '%s'", sofar.data);
		fd_auto_close(&at);
		at = next;
	}
	*ret = fd_take(&at);
	return 0;
}

/* The way of kernels before Linux 6.5, taken on a newer one: how tests force it. */
static bool stacks_mounts(void)
{
	return getenv("MINIBOX_STACK_MOUNTS") != NULL;
}

/* Attach @tree at the pin's directory in place of what is there. */
static int replace_pin(const char *path, int tree, bool mounted, struct err *e)
{
	if (mounted && !stacks_mounts() &&
	    move_mount(tree, "", AT_FDCWD, path,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH) == 0) {
		(void)umount2(path, MNT_DETACH);
		return 0;
	}
	/* Before Linux 6.5, and at first: on top. share_unpin_all() takes all layers
	 * away. */
	if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, errno, "mount '%s'", path);
	return 0;
}

/* The merged root of the share's service, and the directory in it, made if missing. */
static int open_shared(int stack_fd, const struct record_share *s, int *ret_root,
		       int *ret_src, struct err *e)
{
	AUTO_FREE char *name = str_fmt("%s/root", s->service);
	AUTO_CLOSE int root = openat(stack_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat base;
	int r;

	if (root < 0)
		return err_set(e, errno, "open root of service '%s'", s->service);
	if (fstat(root, &base) < 0)
		return err_set(e, errno, "stat root of service '%s'", s->service);
	r = open_or_make(root, s->path, base.st_uid, ret_src, e);
	if (r == 0)
		*ret_root = fd_take(&root);
	return r;
}

/* @tree -1: a clone of @src, unless the pin shows just that. */
static int pin(const struct stack_host *h, int stack_fd, const char *stack,
	       const struct record_share *s, int src, int tree, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s/%s/.share/%s", h->run, stack, s->volume);
	AUTO_FREE char *rel = str_fmt(".share/%s", s->volume);
	AUTO_CLOSE int dst = -1, clone = -1;
	struct stat a, b, base;
	int r = fd_mkdirs(stack_fd, rel, 0700, &dst, e);

	if (r == 0 &&
	    (fstat(src, &a) < 0 || fstat(dst, &b) < 0 || fstat(stack_fd, &base) < 0))
		r = err_set(e, errno, "stat '%s'", path);
	if (r == 0 && tree < 0) {
		if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return 0;
		r = volume_clone_tree(src, -1, true, &clone, e);
		tree = clone;
	}
	return r < 0 ? r : replace_pin(path, tree, b.st_dev != base.st_dev, e);
}

int share_pin(const struct stack_host *h, int stack_fd, const char *stack,
	      const struct record_share *s, struct err *e)
{
	AUTO_CLOSE int root = -1, src = -1;
	int r = open_shared(stack_fd, s, &root, &src, e);

	if (r == 0)
		r = pin(h, stack_fd, stack, s, src, -1, e);
	return r < 0 ? err_ctx(e, "volume '%s'", s->volume) : 0;
}

int share_unpin_all(const struct stack_host *h, const char *stack, int stack_fd,
		    struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (faccessat(stack_fd, ".share", F_OK, 0) < 0)
		return 0;
	r = fd_list(stack_fd, ".share", &names, e);
	strv_foreach (i, &names) {
		AUTO_FREE char *path =
			str_fmt("%s/%s/.share/%s", h->run, stack, names.v[i]);

		while (umount2(path, MNT_DETACH) == 0)
			;
	}
	return r < 0 ? r : fd_rm_rf(stack_fd, ".share", e);
}

/* Does the reader see the pinned directory (same superblock and inode) at @target
 * already? */
static bool reader_is_current(pid_t pid, const char *target, int pin)
{
	AUTO_FREE char *proc_root = str_fmt("/proc/%d/root", (int)pid);
	AUTO_CLOSE int root = open(proc_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int fd = root < 0 ? -1 : fd_open_in_root(root, target, O_PATH);
	struct stat a, b;

	return fd >= 0 && fstat(fd, &a) == 0 && fstat(pin, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int refresh_reader(const struct record_share *s, const json_t *spec, pid_t pid,
			  int pin, struct err *e)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(spec, "shares"), i, item) {
		AUTO_CLOSE int tree = -1;
		const char *target = json_str(item, "target", "");
		int r;

		if (strcmp(json_str(item, "volume", ""), s->volume) != 0 ||
		    reader_is_current(pid, target, pin))
			continue;
		r = volume_clone_tree(pin, -1, true, &tree, e);
		if (r == 0)
			r = container_mount_swap(pid, target, tree, stacks_mounts(), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int refresh_readers(struct stack_host *h, int stack_fd, const struct record *rec,
			   const struct record_share *s, struct err *e)
{
	AUTO_FREE char *rel = str_fmt(".share/%s", s->volume);
	AUTO_CLOSE int pin = openat(stack_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = pin < 0 ? err_set(e, errno, "open '%s'", rel) : 0;

	for (size_t i = 0; r == 0 && i < rec->n_services; i++) {
		AUTO_JSON json_t *spec = NULL;
		AUTO_CLOSE int pidfd = -1;
		struct sup_status st;
		const char *name = rec->services[i].name;

		r = sup_status_read(stack_fd, name, &st, e);
		if (r < 0 || st.pid <= 0)
			continue;
		/* The number alone may by now be another process's, even the host's own.
		 */
		pidfd = proc_pidfd_as(st.pid, st.start_time);
		if (pidfd < 0)
			continue;
		r = instance_spec(h, rec->name, name, &spec, e);
		if (r == 0 && refresh_reader(s, spec, st.pid, pin, e) < 0) {
			/* A reader that ends just now is no failure of the refresh. */
			log_warn("service '%s': %s, ignoring", name, err_text(e));
			err_clear(e);
		}
		if (r == STACK_E_ABSENT)
			r = 0;
	}
	return r;
}

/* Settled last: until then an older generation may be what a reader sees. */
static int show_generations(struct stack_host *h, int stack_fd, const struct record *rec,
			    const struct record_share *s, struct err *e)
{
	AUTO_CLOSE int root = -1, src = -1, tree = -1, lock = -1;
	int r = open_shared(stack_fd, s, &root, &src, e);

	if (r == 0)
		r = generation_freeze(h, stack_fd, rec, s, root, src, &tree, &lock, e);
	if (r == 0 && tree >= 0)
		r = pin(h, stack_fd, rec->name, s, src, tree, e);
	if (r == 0)
		r = refresh_readers(h, stack_fd, rec, s, e);
	return r < 0 ? r : generation_settle(h, stack_fd, rec->name, s, e);
}

int share_show(struct stack_host *h, int stack_fd, const struct record *rec,
	       const struct record_share *s, struct err *e)
{
	int r;

	if (s->keep > 1)
		return show_generations(h, stack_fd, rec, s, e);
	r = share_pin(h, stack_fd, rec->name, s, e);
	if (r == 0)
		r = refresh_readers(h, stack_fd, rec, s, e);
	return r < 0 ? r : generation_settle(h, stack_fd, rec->name, s, e);
}

int stack_refresh(struct stack_host *h, const char *stack, const char *service,
		  struct err *e)
{
	AUTO_CLOSE int stack_fd = -1;
	struct record_service *rs;
	struct record *rec = NULL;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r != 0)
		return r;
	for (size_t i = 0; r == 0 && i < rec->n_shares; i++) {
		if (strcmp(rec->shares[i].service, service) != 0)
			continue;
		r = share_show(h, stack_fd, rec, &rec->shares[i], e);
	}
	rs = record_service(rec, service);
	if (r == 0 && rs)
		r = instance_trim_uppers(h, stack, service, rs->instance, e);
	record_free(rec);
	return r;
}
