/* images/entry.c - see entry.h. */
#include "images/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "images/store.h"
#include "images/tarname.h"
#include "images/whiteout.h"
#include "runtime/base/fd.h"

enum { SPACE_STEP = 16 << 20 }; /* ask the disk again after that many bytes */

/* What is being applied; t->dir is the parent while it is. */
struct entry {
	struct tree *t;
	struct archive *a;
	struct archive_entry *ae;
	struct entry_totals *totals;
	const char *name, *base; /* clean */
	struct timespec mtime;
	bool replaced; /* something of that name stood here, so the layers below are
			  hidden */
};

static int check_ids(struct archive_entry *ae, struct err *e)
{
	la_int64_t uid = archive_entry_uid(ae), gid = archive_entry_gid(ae);

	if (uid < 0 || uid > ENTRY_ID_MAX || gid < 0 || gid > ENTRY_ID_MAX)
		return err_msg(e, EINVAL, "its owner %lld:%lld is not within 0 to %d",
			       (long long)uid, (long long)gid, ENTRY_ID_MAX);
	return 0;
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
	const char *name;
	const void *value;
	size_t n;
	int r = 0;

	if (archive_entry_xattr_reset(en->ae) == 0)
		return 0;
	while (r == 0 &&
	       archive_entry_xattr_next(en->ae, &name, &value, &n) == ARCHIVE_OK)
		if (name)
			r = set_xattr(en, fd, name, value, n, e);
	return r;
}

/* Owner before mode and xattrs: chown clears set-uid bits and security.capability. */
static int set_attrs(struct entry *en, int fd, struct err *e)
{
	uid_t uid = (uid_t)archive_entry_uid(en->ae);
	gid_t gid = (gid_t)archive_entry_gid(en->ae);

	if (fchown(fd, uid, gid) < 0)
		return err_set(e, errno, "chown it");
	if (fchmod(fd, archive_entry_perm(en->ae)) < 0)
		return err_set(e, errno, "chmod it");
	return set_xattrs(en, fd, e);
}

/* The same for what has no fd of its own to change. */
static int set_attrs_at(struct entry *en, bool with_mode, struct err *e)
{
	struct timespec ts[2] = { en->mtime, en->mtime };
	int dir = en->t->dir;

	if (fchownat(dir, en->base, (uid_t)archive_entry_uid(en->ae),
		     (gid_t)archive_entry_gid(en->ae), AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "chown it");
	if (with_mode && fchmodat(dir, en->base, archive_entry_perm(en->ae), 0) < 0)
		return err_set(e, errno, "chmod it");
	if (set_xattrs(en, -1, e) < 0)
		return -e->code;
	if (utimensat(dir, en->base, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "set its time");
	return 0;
}

/* Make way for the entry: a later one replaces an earlier one, whatever that was. */
static int make_way(struct entry *en, struct err *e)
{
	struct stat st;

	if (fstatat(en->t->dir, en->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "look at it");
	en->replaced = true;
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(en->t->dir, en->base, 0) < 0)
			return err_set(e, errno, "replace what is there");
		return 0;
	}
	if (fd_rm_rf(en->t->dir, en->base, e) < 0)
		return err_ctx(e, "replace the directory there");
	return 0;
}

static int check_space(struct entry *en, int fd, uint64_t more, struct err *e)
{
	en->totals->unchecked += more;
	if (en->totals->unchecked < SPACE_STEP)
		return 0;
	more = en->totals->unchecked;
	en->totals->unchecked = 0;
	return store_space(fd, more, e);
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
	la_int64_t size = archive_entry_size(en->ae), at, end = 0;
	const void *data;
	size_t n;
	int r;

	while ((r = archive_read_data_block(en->a, &data, &n, &at)) == ARCHIVE_OK) {
		if (at < 0 || at > size || (la_int64_t)n > size - at)
			return err_msg(e, EINVAL, "its data goes past its size");
		if (check_space(en, fd, n, e) < 0 || write_at(fd, data, n, at, e) < 0)
			return -e->code;
		en->totals->bytes += n;
		end = at + (la_int64_t)n;
	}
	if (r != ARCHIVE_EOF)
		return err_msg(e, EINVAL, "its data cannot be read: %s",
			       archive_error_string(en->a));
	if (end != size && ftruncate(fd, size) < 0)
		return err_set(e, errno, "set its size");
	return 0;
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
	if (archive_entry_sparse_count(en->ae) > 0)
		return store_holds(en->t->root, size, e);
	return store_space(en->t->root, size, e);
}

static int make_file(struct entry *en, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct timespec ts[2] = { en->mtime, en->mtime };
	la_int64_t size = archive_entry_size(en->ae);

	if (size > SPACE_STEP && check_size(en, (uint64_t)size, e) < 0)
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
	path = en->t->dir_path.len ? str_fmt("%s/%s", en->t->dir_path.data, en->base)
				   : str_dup(en->base);
	tree_late_mtime(en->t, path, en->mtime);
	return 0;
}

static int make_symlink(struct entry *en, struct err *e)
{
	const char *target = archive_entry_symlink(en->ae);

	if (!target || !*target)
		return err_msg(e, EINVAL, "it is a symlink to nothing");
	if (make_way(en, e) < 0)
		return -e->code;
	if (symlinkat(target, en->t->dir, en->base) < 0)
		return err_set(e, errno, "make the symlink");
	return set_attrs_at(en, false, e);
}

static int make_fifo(struct entry *en, struct err *e)
{
	if (make_way(en, e) < 0)
		return -e->code;
	if (mkfifoat(en->t->dir, en->base, 0600) < 0)
		return err_set(e, errno, "make the FIFO");
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
	AUTO_FREE char *dir = tarname_dir(en->name);
	AUTO_CLOSE int from = -1;
	int r = tarname_clean(archive_entry_hardlink(en->ae), &target, e);

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
	return 0;
}

/* A whiteout acts on the layers below only; what this layer has of the name stays. */
static int make_whiteout(struct entry *en, const char *hidden, struct err *e)
{
	AUTO_CLOSE int fd = openat(en->t->dir, hidden,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return tree_set_opaque(fd, e);
	if (errno == ENOENT && mknodat(en->t->dir, hidden, S_IFCHR, makedev(0, 0)) < 0)
		return err_set(e, errno, "make the whiteout");
	return 0;
}

/* A node of an image would be inert (the container's /dev is made for it), so it is left
 * out. */
static int skip_device(struct entry *en, struct err *e)
{
	if (archive_entry_filetype(en->ae) == AE_IFCHR &&
	    archive_entry_rdevmajor(en->ae) == 0 && archive_entry_rdevminor(en->ae) == 0)
		return err_msg(e, EINVAL,
			       "it is overlayfs's own whiteout (a 0/0 device)");
	en->totals->devices++;
	return 0;
}

static int make(struct entry *en, struct err *e)
{
	if (archive_entry_hardlink(en->ae))
		return make_hardlink(en, e);
	switch (archive_entry_filetype(en->ae)) {
	case AE_IFREG:
		return make_file(en, e);
	case AE_IFDIR:
		return make_dir(en, e);
	case AE_IFLNK:
		return make_symlink(en, e);
	case AE_IFIFO:
		return make_fifo(en, e);
	case AE_IFCHR:
	case AE_IFBLK:
		return skip_device(en, e);
	default:
		return err_msg(e, EINVAL, "it is of a type no layer can have");
	}
}

static int apply_root(struct entry *en, struct err *e)
{
	if (archive_entry_filetype(en->ae) != AE_IFDIR || archive_entry_hardlink(en->ae))
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

int entry_apply(struct tree *t, struct archive *a, struct archive_entry *ae,
		struct entry_totals *totals, struct err *e)
{
	const char *raw = archive_entry_pathname(ae);
	AUTO_BUF struct buf name = BUF_INIT;
	struct entry en = { .t = t, .a = a, .ae = ae, .totals = totals };
	int r;

	if (!raw || !*raw)
		return err_msg(e, EINVAL, "an entry has no name");
	en.mtime.tv_sec = archive_entry_mtime(ae);
	en.mtime.tv_nsec = archive_entry_mtime_nsec(ae);
	r = tarname_clean(raw, &name, e);
	if (r == 0)
		r = check_ids(ae, e);
	if (r == 0) {
		en.name = name.data;
		en.base = tarname_base(en.name);
		r = name.len ? apply_named(&en, e) : apply_root(&en, e);
	}
	return r < 0 ? err_ctx(e, "entry '%.200s'", raw) : r;
}
