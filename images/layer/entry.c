/* images/layer/entry.c - see entry.h. */
#include "images/layer/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "images/store.h"
#include "images/layer/tarname.h"
#include "images/layer/whiteout.h"
#include "runtime/base/fd.h"

enum { LARGE_FILE = 16 << 20 }; /* worth asking the disk beforehand */

/* What is being applied; t->dir is the parent while it is. */
struct entry {
	struct tree *t;
	const struct wire_entry *w;
	const struct wire_message *m;
	const struct entry_io *io;
	struct entry_totals *totals;
	const char *name, *base; /* clean */
	struct timespec mtime;
	bool replaced; /* something of that name stood here, so the layers below are
			  hidden */
};

static int check_numbers(const struct wire_message *m, struct err *e)
{
	if (m->uid < 0 || m->uid > ENTRY_ID_MAX || m->gid < 0 || m->gid > ENTRY_ID_MAX)
		return err_msg(e, EINVAL, "its owner %lld:%lld is not within 0 to %d",
			       (long long)m->uid, (long long)m->gid, ENTRY_ID_MAX);
	if (m->file_size < 0)
		return err_msg(e, EINVAL, "its size is negative");
	if (m->mtime_ns > 999999999)
		return err_msg(e, EINVAL, "its time has %u nanoseconds", m->mtime_ns);
	return 0;
}

static mode_t perm_of(const struct entry *en)
{
	return en->m->mode & 07777;
}

/* security.capability is part of the file; the rest of security.* is the host's own
 * policy. */
static bool wants_xattr(const char *name)
{
	return str_starts(name, "user.") || str_starts(name, "trusted.") ||
	       str_eq(name, "security.capability") ||
	       str_starts(name, "system.posix_acl_");
}

/* @fd: of the file itself; -1: a symlink or FIFO, reached by name below the parent's fd.
 */
static int set_xattr(struct entry *en, int fd, const char *name, const void *value,
		     size_t n, struct err *e)
{
	char path[64 + NAME_MAX];
	int r;

	if (str_starts(name, "trusted.overlay.") || str_starts(name, "user.overlay."))
		return err_msg(e, EINVAL, "its xattr '%s' is overlayfs's own", name);
	if (!wants_xattr(name))
		return 0;
	if (str_eq(name, "system.posix_acl_default"))
		en->t->acl = true;
	if (fd >= 0) {
		r = fsetxattr(fd, name, value, n, 0);
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", en->t->dir, en->base);
		r = lsetxattr(path, name, value, n, 0);
	}
	/* user.* is not allowed on symlinks; a file system may have no xattrs at all */
	if (r < 0 && errno != EOPNOTSUPP && !(fd < 0 && errno == EPERM))
		return err_set(e, errno, "set its xattr '%s'", name);
	return 0;
}

static int set_xattrs(struct entry *en, int fd, struct err *e)
{
	const char *name, *p = en->w->xattrs;
	const void *value;
	size_t n;
	int r = 0;

	while (r == 0 && wire_xattr(en->w, &p, &name, &value, &n))
		r = set_xattr(en, fd, name, value, n, e);
	return r;
}

/* Owner before mode and xattrs: chown clears set-uid bits and security.capability. */
static int set_attrs(struct entry *en, int fd, struct err *e)
{
	if (fchown(fd, (uid_t)en->m->uid, (gid_t)en->m->gid) < 0)
		return err_set(e, errno, "chown it");
	if (en->t->acl)
		tree_forget_acls(fd);
	if (fchmod(fd, perm_of(en)) < 0)
		return err_set(e, errno, "chmod it");
	return set_xattrs(en, fd, e);
}

/* The same for what has no fd of its own to change. */
static int set_attrs_at(struct entry *en, bool with_mode, struct err *e)
{
	struct timespec ts[2] = { en->mtime, en->mtime };
	int dir = en->t->dir;

	if (fchownat(dir, en->base, (uid_t)en->m->uid, (gid_t)en->m->gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "chown it");
	if (with_mode && fchmodat(dir, en->base, perm_of(en), 0) < 0)
		return err_set(e, errno, "chmod it");
	if (set_xattrs(en, -1, e) < 0)
		return -e->code;
	if (utimensat(dir, en->base, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set its time");
	return 0;
}

/* Make way for the entry: a later one replaces an earlier one, whatever that was. A
 * whiteout, which has no content, is simply taken away. */
static int make_way(struct entry *en, struct err *e)
{
	AUTO_FREE char *path = NULL;
	struct stat st;

	if (fstatat(en->t->dir, en->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "look at it");
	en->replaced = true;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		if (unlinkat(en->t->dir, en->base, 0) < 0)
			return err_set(e, errno, "replace what is there");
		return 0;
	}
	path = tree_path(en->t, en->base);
	return en->io->displace(en->io->arg, en->t->dir, en->base, path, e);
}

static int write_at(int fd, const void *data, size_t n, off_t at, struct err *e)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = pwrite(fd, p, n, at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_set(e, errno, "write it");
		p += w;
		n -= (size_t)w;
		at += w;
	}
	return 0;
}

/* Blocks come with their offsets: the gaps of a sparse file are never written. */
static int write_data(struct entry *en, int fd, struct err *e)
{
	AUTO_FREE char *path = tree_path(en->t, en->base);
	uint64_t size = (uint64_t)en->m->file_size, at = 0, end = 0;
	const void *data = NULL;
	ssize_t n;

	while ((n = en->io->data(en->io->arg, &data, &at, e)) > 0) {
		if (at > size || (uint64_t)n > size - at)
			return err_msg(e, EINVAL, "its data goes past its size");
		/* what is written twice could not be made a stream again */
		if (at < end)
			return err_msg(e, EINVAL, "its sparse map overlaps itself");
		if (en->io->room(en->io->arg, (uint64_t)n, e) < 0 ||
		    (!en->io->hollow &&
		     write_at(fd, data, (size_t)n, (off_t)at, e) < 0) ||
		    en->io->placed(en->io->arg, path, at, data, (size_t)n, e) < 0)
			return -e->code;
		en->totals->bytes += (uint64_t)n;
		if (at + (uint64_t)n > end)
			end = at + (uint64_t)n;
	}
	if (n == 0 && (end != size || en->io->hollow) && ftruncate(fd, (off_t)size) < 0)
		return err_set(e, errno, "set its size");
	return (int)n;
}

static int open_new(struct entry *en, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(en->t->dir, en->base, flags, 0600);

	if (fd < 0 && errno == EEXIST) {
		if (make_way(en, e) < 0)
			return -1;
		fd = openat(en->t->dir, en->base, flags, 0600);
	}
	if (fd < 0)
		err_set(e, errno, "create it");
	return fd;
}

/* A huge file is refused before its first byte, not after the disk is full of it. */
static int check_size(struct entry *en, uint64_t size, struct err *e)
{
	return store_holds(en->t->root, size, e);
}

static int make_file(struct entry *en, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct timespec ts[2] = { en->mtime, en->mtime };
	uint64_t size = (uint64_t)en->m->file_size;

	if (!en->io->hollow && size > LARGE_FILE && check_size(en, size, e) < 0)
		return -e->code;
	fd = open_new(en, e);
	if (fd < 0 || write_data(en, fd, e) < 0 || set_attrs(en, fd, e) < 0)
		return -e->code;
	return futimens(fd, ts) < 0 ? err_set(e, errno, "set its time") : 0;
}

static int make_dir(struct entry *en, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = openat(en->t->dir, en->base,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = 0;

	if (fd < 0 && errno != ENOENT)
		r = make_way(en, e);
	/* What stood here hid the layers below; the directory that takes its place must
	 * too. */
	if (r == 0 && fd < 0)
		r = tree_mkdir(en->t->dir, en->base, en->replaced, &fd, e);
	if (r == 0)
		r = set_attrs(en, fd, e);
	if (r < 0)
		return r;
	path = tree_path(en->t, en->base);
	tree_late_mtime(en->t, path, en->mtime);
	return 0;
}

static int make_symlink(struct entry *en, struct err *e)
{
	const char *target = en->w->link;

	if (!*target)
		return err_msg(e, EINVAL, "it is a symlink to nothing");
	if (make_way(en, e) < 0)
		return -e->code;
	if (symlinkat(target, en->t->dir, en->base) < 0)
		return err_set(e, errno, "make the symlink");
	return set_attrs_at(en, false, e);
}

static int forget_acl_at(struct entry *en, struct err *e)
{
	char path[64 + NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", en->t->dir, en->base);
	if (lremovexattr(path, "system.posix_acl_access") < 0 && errno != ENODATA &&
	    errno != EOPNOTSUPP)
		return err_set(e, errno, "take its ACL away");
	return 0;
}

static int make_fifo(struct entry *en, struct err *e)
{
	if (make_way(en, e) < 0)
		return -e->code;
	if (mkfifoat(en->t->dir, en->base, 0600) < 0)
		return err_set(e, errno, "make the FIFO");
	if (en->t->acl && forget_acl_at(en, e) < 0)
		return -e->code;
	return set_attrs_at(en, true, e);
}

/* The target's parent becomes t->dir; its file is brought up if only the layers below
 * have it. */
static int find_target(struct entry *en, const char *target, struct err *e)
{
	AUTO_FREE char *dir = tarname_dir(target);
	const char *base = tarname_base(target);
	struct stat st;
	int r = tree_parent(en->t, dir, e);

	if (r != 0)
		return r;
	if (fstatat(en->t->dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? tree_copy_up(en->t, base, e)
			       : err_set(e, errno, "look at its target '%s'", target);
	if (S_ISDIR(st.st_mode))
		return err_msg(e, EINVAL, "it is a hard link to the directory '%s'",
			       target);
	if (tree_is_whiteout(&st))
		return err_msg(e, ENOENT, "it is a hard link to '%s', which is removed",
			       target);
	return 0;
}

/* Attributes are the target's: a link is another name, not another file. */
static int make_hardlink(struct entry *en, struct err *e)
{
	AUTO_BUF struct buf target = BUF_INIT;
	AUTO_FREE char *dir = tarname_dir(en->name), *path = NULL;
	AUTO_CLOSE int from = -1;
	int r = tarname_clean(en->w->link, &target, e);

	if (r == 0 && (target.len == 0 || str_eq(target.data, en->name)))
		r = err_msg(e, EINVAL, "it is a hard link to itself or to the root");
	if (r == 0)
		r = find_target(en, target.data, e);
	if (r != 0)
		return r;
	from = fcntl(en->t->dir, F_DUPFD_CLOEXEC, 0);
	r = tree_parent(en->t, dir, e);
	if (r == 0)
		r = make_way(en, e);
	if (r != 0)
		return r;
	if (linkat(from, tarname_base(target.data), en->t->dir, en->base, 0) < 0)
		return err_set(e, errno, "make the hard link to '%s'", target.data);
	path = tree_path(en->t, en->base);
	tree_note_link(en->t, path);
	return 0;
}

/* A whiteout acts on the layers below only; what this layer has of the name stays. */
static int make_whiteout(struct entry *en, const char *hidden, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = openat(en->t->dir, hidden,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return tree_set_opaque(fd, e);
	if (errno != ENOENT)
		return 0;
	if (mknodat(en->t->dir, hidden, S_IFCHR, makedev(0, 0)) < 0)
		return err_set(e, errno, "make the whiteout");
	path = tree_path(en->t, hidden);
	tree_late_whiteout(en->t, path);
	return 0;
}

/* A node of an image would be inert (the container's /dev is made for it), so it is left
 * out. */
static int skip_device(struct entry *en, struct err *e)
{
	if (S_ISCHR(en->m->mode) && en->m->dev_major == 0 && en->m->dev_minor == 0)
		return err_msg(e, EINVAL,
			       "it is overlayfs's own whiteout (a 0/0 device)");
	en->totals->devices++;
	return 0;
}

static int make(struct entry *en, struct err *e)
{
	if (en->m->hardlink)
		return make_hardlink(en, e);
	switch (en->m->mode & S_IFMT) {
	case S_IFREG:
		return make_file(en, e);
	case S_IFDIR:
		return make_dir(en, e);
	case S_IFLNK:
		return make_symlink(en, e);
	case S_IFIFO:
		return make_fifo(en, e);
	case S_IFCHR:
	case S_IFBLK:
		return skip_device(en, e);
	default:
		return err_msg(e, EINVAL, "it is of a type no layer can have");
	}
}

static int apply_root(struct entry *en, struct err *e)
{
	if (!S_ISDIR(en->m->mode) || en->m->hardlink)
		return err_msg(e, EINVAL, "it would replace the root by something else");
	en->totals->root = true;
	tree_late_mtime(en->t, "", en->mtime);
	return set_attrs(en, en->t->root, e);
}

static int apply_named(struct entry *en, struct err *e)
{
	AUTO_FREE char *dir = tarname_dir(en->name);
	const char *hidden = NULL;
	enum whiteout kind = whiteout_kind(en->name, &hidden);
	int r;

	if (kind == WHITEOUT_AUFS)
		return 0;
	if (kind == WHITEOUT_BAD)
		return err_msg(e, EINVAL, "it is a whiteout of nothing");
	r = tree_parent(en->t, dir, e);
	if (r != 0)
		return r;
	if (kind == WHITEOUT_OPAQUE)
		return tree_set_opaque(en->t->dir, e);
	if (kind == WHITEOUT_NAME)
		return make_whiteout(en, hidden, e);
	r = make(en, e);
	/* What was replaced may have led to the parents of entries to come. */
	if (en->replaced)
		tree_forget(en->t);
	return r;
}

int entry_apply(struct tree *t, const struct wire_entry *w, const struct entry_io *io,
		struct entry_totals *totals, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT;
	struct entry en = { .t = t, .w = w, .m = w->m, .io = io, .totals = totals };
	int r;

	if (!*w->name)
		return err_msg(e, EINVAL, "an entry has no name");
	en.mtime.tv_sec = w->m->mtime;
	en.mtime.tv_nsec = w->m->mtime_ns;
	r = tarname_clean(w->name, &name, e);
	if (r == 0 && t->remembered > TREE_REMEMBER_MAX)
		r = err_msg(e, E2BIG,
			    "too many directories and whiteouts come before it");
	if (r == 0)
		r = check_numbers(w->m, e);
	if (r == 0) {
		en.name = name.data;
		en.base = tarname_base(en.name);
		r = name.len ? apply_named(&en, e) : apply_root(&en, e);
	}
	return r < 0 ? err_ctx(e, "entry '%.200s'", w->name) : r;
}
