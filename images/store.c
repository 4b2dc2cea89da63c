/* images/store.c - see store.h: opening, checking and clearing the store; collecting
 * layers. */
#include "images/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"

/* The last bytes stay free: a full root file system takes more down than a failed load.
 */
#define SPACE_RESERVE (64ULL << 20)
enum { INODE_RESERVE = 5000 };

static int clear_tmp(struct image_store *s, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(s->tmp, ".", &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path = str_fmt("%s/tmp/%s", s->path, names.v[i]);

		/* a load killed on an old kernel may have left a mount (mount_path.h) */
		if (str_starts(names.v[i], "mount."))
			(void)umount2(path, MNT_DETACH);
		r = fd_rm_rf(s->tmp, names.v[i], e);
		if (r == -EROFS) { /* nor is there anything that could be made there */
			err_clear(e);
			return 0;
		}
	}
	return r;
}

/* The locks of the layers that were made: were they left to the next open, that would
 * change the store though it makes nothing. */
static void clear_own(struct image_store *s)
{
	struct err ignored = ERR_INIT;

	if (atomic_load(&s->made) && flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		(void)!clear_tmp(s, &ignored);
}

struct image_store *image_store_free(struct image_store *s)
{
	int *fds[6];

	if (!s)
		return NULL;
	clear_own(s);
	fds[0] = &s->root, fds[1] = &s->layers, fds[2] = &s->images;
	fds[3] = &s->refs, fds[4] = &s->sources, fds[5] = &s->tmp;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_auto_close(fds[i]);
	fd_auto_close(&s->lock);
	free(s->path);
	free(s->parser);
	free(s);
	return NULL;
}

static void free_store(struct image_store **s)
{
	image_store_free(*s);
}

/* Idmapped uppers and layers hold real setuid-root files: no other user may reach them.
 */
static int check_private(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "stat '%s'", path);
	if (st.st_uid != 0)
		return err_msg(e, EPERM, "store '%s' is not owned by root (uid %u)", path,
			       (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return err_msg(e, EPERM,
			       "store '%s' is open to others (mode %04o, must be 0700)",
			       path, (unsigned)st.st_mode & 07777);
	return 0;
}

/* Whoever is alone clears what killed loads left, then all share the lock. */
static int lock_store(struct image_store *s, struct err *e)
{
	int r = fd_lock(s->root, "store.lock", true, false, &s->lock, e);

	if (r == -EWOULDBLOCK) {
		err_clear(e);
		return fd_lock(s->root, "store.lock", false, true, &s->lock, e);
	}
	if (r == 0)
		r = clear_tmp(s, e);
	if (r == 0 && flock(s->lock, LOCK_SH) < 0)
		r = err_set(e, errno, "lock store '%s'", s->path);
	return r;
}

/* Whatever the umask. A store on a disk that is read-only can still be read. */
static int make_empty(struct image_store *s, const char *name, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = fd_mkdirs(s->layers, name, 0755, &fd, e);

	if (r < 0)
		return r;
	if ((fstat(fd, &st) < 0 || (st.st_mode & 07777) != 0755) && fchmod(fd, 0755) < 0)
		return err_set(e, errno, "chmod '%s'", name);
	return 0;
}

static int open_dirs(struct image_store *s, struct err *e)
{
	const struct {
		const char *name;
		int *fd;
	} dirs[] = { { "layers", &s->layers },
		     { "images", &s->images },
		     { "refs", &s->refs },
		     { "sources", &s->sources },
		     { "tmp", &s->tmp } };
	const char *const empty[] = { STORE_EMPTY_A, STORE_EMPTY_B };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++)
		r = fd_mkdir(s->root, dirs[i].name, 0700, dirs[i].fd, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(empty); i++)
		r = make_empty(s, empty[i], e);
	return r;
}

/* Beside the running executable, as all of this project's are. */
static int find_parser(struct image_store *s, struct err *e)
{
	char dir[PATH_MAX];
	int r = proc_self_dir(dir, sizeof(dir), e);

	if (r == 0)
		s->parser = str_fmt("%s/minibox-parse", dir);
	return r;
}

void image_store_set_limit(struct image_store *s, uint64_t bytes)
{
	s->unpacked_max = bytes;
	atomic_store(&s->unpacked, 0);
}

void image_store_set_parser(struct image_store *s, const char *path)
{
	str_set(&s->parser, path);
}

static int new_store(const char *root, struct image_store **ret, struct err *e)
{
	struct image_store *s = mem_new(1, sizeof(*s));
	int r;

	*s = (struct image_store){ .path = str_dup(root),
				   .root = -1,
				   .layers = -1,
				   .images = -1,
				   .refs = -1,
				   .sources = -1,
				   .tmp = -1,
				   .lock = -1,
				   .unpacked_max = UINT64_MAX };
	r = find_parser(s, e);
	if (r < 0)
		image_store_free(s);
	else
		*ret = s;
	return r;
}

int image_store_open(const char *root, struct image_store **ret, struct err *e)
{
	AUTO(free_store) struct image_store *s = NULL;
	int r = new_store(root, &s, e);

	if (r < 0)
		return r;
	r = fd_mkdirs(AT_FDCWD, root, 0700, &s->root, e);
	if (r == 0)
		r = check_private(s->root, root, e);
	if (r < 0)
		return r;
	r = open_dirs(s, e);
	if (r == 0)
		r = lock_store(s, e);
	if (r < 0)
		return err_ctx(e, "store '%s'", root);
	*ret = TAKE(s);
	return 0;
}

/* 1: it is not there. */
static int look_dir(int dir, const char *name, int *ret, struct err *e)
{
	*ret = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret >= 0)
		return 0;
	return errno == ENOENT ? 1 : err_set(e, errno, "open '%s'", name);
}

int image_store_look(const char *root, struct image_store **ret, struct err *e)
{
	AUTO(free_store) struct image_store *s = NULL;
	int r = new_store(root, &s, e);

	if (r < 0)
		return r;
	r = look_dir(AT_FDCWD, root, &s->root, e);
	if (r == 0)
		r = check_private(s->root, root, e);
	if (r == 0)
		r = look_dir(s->root, "layers", &s->layers, e);
	if (r == 0)
		r = look_dir(s->root, "images", &s->images, e);
	if (r == 0)
		r = look_dir(s->root, "refs", &s->refs, e);
	if (r == 0)
		r = look_dir(s->root, "sources", &s->sources, e);
	if (r == 0) /* made last: with it all of them are there */
		r = look_dir(s->root, "tmp", &s->tmp, e);
	if (r < 0)
		return err_ctx(e, "store '%s'", root);
	*ret = TAKE(s);
	return 0;
}

char *store_tmp_name(const char *stem)
{
	uint64_t salt = 0;

	/* A failure leaves the name guessable, not wrong: it is used with mkdir or
	 * rename. */
	(void)!getrandom(&salt, sizeof(salt), GRND_NONBLOCK);
	return str_fmt("%s.%d.%llx", stem, (int)getpid(), (unsigned long long)salt);
}

int store_discard(struct image_store *s, int dir, const char *name, struct err *e)
{
	AUTO_FREE char *tmp = store_tmp_name(name);

	if (renameat(dir, name, s->tmp, tmp) < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "remove '%s'", name);
	return fd_rm_rf(s->tmp, tmp, e);
}

int store_put(struct image_store *s, int dir, const char *name, const void *data,
	      size_t n, struct err *e)
{
	AUTO_FREE char *tmp = store_tmp_name("file");
	int r = fd_write_file(s->tmp, tmp, data, n, 0600, e);

	if (r == 0 && renameat(s->tmp, tmp, dir, name) < 0)
		r = err_set(e, errno, "rename to '%s'", name);
	return r < 0 ? err_ctx(e, "write '%s'", name) : 0;
}

int store_take(struct image_store *s, uint64_t bytes, struct err *e)
{
	if (atomic_fetch_add(&s->unpacked, bytes) + bytes <= s->unpacked_max)
		return 0;
	return err_msg(e, EFBIG,
		       "it unpacks to more than %llu bytes (--max-unpacked-size)",
		       (unsigned long long)s->unpacked_max);
}

int store_space(int fd, uint64_t bytes, struct err *e)
{
	struct statvfs v;
	uint64_t avail;

	if (fstatvfs(fd, &v) < 0)
		return err_set(e, errno, "statvfs of the store");
	if (v.f_files && v.f_favail < INODE_RESERVE)
		return err_msg(e, ENOSPC, "the store's disk has only %llu inodes left",
			       (unsigned long long)v.f_favail);
	avail = (uint64_t)v.f_bavail * v.f_frsize;
	if (avail < SPACE_RESERVE || bytes > avail - SPACE_RESERVE)
		return err_msg(e, ENOSPC,
			       "it needs %llu more bytes and the store's disk has %llu "
			       "left, of which %llu are kept free",
			       (unsigned long long)bytes, (unsigned long long)avail,
			       (unsigned long long)SPACE_RESERVE);
	return 0;
}

int store_holds(int fd, uint64_t size, struct err *e)
{
	struct statvfs v;

	if (fstatvfs(fd, &v) < 0)
		return err_set(e, errno, "statvfs of the store");
	if (size > (uint64_t)v.f_blocks * v.f_frsize)
		return err_msg(e, EFBIG,
			       "its size of %llu bytes is more than the whole disk's",
			       (unsigned long long)size);
	return 0;
}

int store_sync(int dir, const char *what, struct err *e)
{
	return fsync(dir) < 0 ? err_set(e, errno, "fsync '%s'", what) : 0;
}

int store_lock_names(struct image_store *s, int *ret_lock, struct err *e)
{
	return fd_lock(s->root, "names.lock", true, true, ret_lock, e);
}
