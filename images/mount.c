/*
 * images/mount.c - layers and an upper directory → one overlay, as a detached mount.
 *
 * Knows the kernel's mount calls, idmapping and overlayfs's options. Does not know
 * containers.
 *
 * Options: index=off, as Docker: an upper may outlive the lowers' inode numbers.
 * redirect_dir=off: renaming a directory of the image is EXDEV, as programs know it from
 * Docker, and an upper stays readable without its lowers. metacopy=off: a chown copies
 * the data up, for the same reason.
 */
#include "images/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "images/layer.h"
#include "images/mount_path.h"
#include "images/store.h"
#include "images/layer/tree.h"
#include "runtime/base/fd.h"
#include "runtime/base/fsid.h"

void mount_parts_free(struct mount_parts *p)
{
	for (size_t i = 0; i < p->n_lowers; i++)
		fd_auto_close(&p->lowers[i]);
	free(p->lowers);
	fd_auto_close(&p->layers);
	fd_auto_close(&p->upper);
	fd_auto_close(&p->store_upper);
	strv_free(&p->names);
}

/* A private copy of the mount @dir lies on, rooted at @dir, with its ids mapped. */
static int clone_mapped(int dir, int userns, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd =
		(int)syscall(SYS_open_tree, dir, "",
			     AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
				   .userns_fd = (uint64_t)userns };

	if (fd < 0)
		return err_set(e, errno, "clone the mount");
	if (userns >= 0 &&
	    syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		if (errno == EINVAL || errno == EOPNOTSUPP)
			return IMAGE_E_NO_IDMAP;
		return err_set(e, errno, "map the ids of the mount");
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

/* overlayfs overlooks an opaque mark on a layer's root, so the layers below it are left
 * out. It also refuses one directory twice; the lower of two equal layers shows nothing
 * anyway, since whatever it has or hides, the upper one has or hides under the same name.
 */
static int choose_layers(struct image_store *s, const struct strv *keys, struct strv *ret,
			 struct err *e)
{
	for (size_t i = keys->n; i > 0; i--) {
		AUTO_FREE char *name = str_fmt("%s/fs", keys->v[i - 1]);
		AUTO_CLOSE int fd = -1;
		int r = layer_open(s, keys->v[i - 1], &fd, e);

		if (r == IMAGE_E_NOT_FOUND)
			return err_msg(
				e, ENOENT,
				"layer '%s' is not in the store: load the image again",
				keys->v[i - 1]);
		if (r < 0)
			return r;
		if (!strv_has(ret, name))
			strv_add(ret, name);
		if (tree_is_opaque(fd))
			break;
	}
	return 0;
}

static int open_lowers(struct image_store *s, const struct strv *keys, bool has_upper,
		       struct mount_parts *p, struct err *e)
{
	int r = choose_layers(s, keys, &p->names, e);

	if (r < 0)
		return r;
	/* overlayfs wants one lower below an upper, and two without */
	if (p->names.n == 0)
		strv_add(&p->names, STORE_EMPTY_A);
	if (p->names.n == 1 && !has_upper)
		strv_add(&p->names, STORE_EMPTY_B);
	p->lowers = mem_new(p->names.n, sizeof(*p->lowers));
	strv_foreach (i, &p->names) {
		int fd = openat(p->layers, p->names.v[i],
				O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_set(e, errno, "open layer '%s'", p->names.v[i]);
		p->lowers[p->n_lowers++] = fd;
	}
	return 0;
}

/* A new upper's root is the one that shows: it starts as the uppermost layer's. */
static int make_upper(const struct mount_parts *p, struct image_store *s, int dir,
		      struct err *e)
{
	AUTO_CLOSE int upper = -1, from = -1;
	int r;

	if (mkdirat(dir, "work", 0700) < 0 && errno != EEXIST)
		return err_set(e, errno, "mkdir 'work'");
	if (faccessat(dir, "upper", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	/* made aside: an upper with half the attributes must not be taken for a whole */
	r = fd_mkdir(dir, "upper.new", 0755, &upper, e);
	if (r < 0)
		return r;
	from = openat(s->layers, p->names.v[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return err_set(e, errno, "open layer '%s'", p->names.v[0]);
	r = tree_copy_attrs(from, upper, e);
	if (r == 0 && syscall(SYS_renameat2, dir, "upper.new", dir, "upper", 0) < 0)
		r = err_set(e, errno, "rename to 'upper'");
	return r;
}

static int open_parts(struct image_store *s, const struct strv *keys,
		      const struct image_mount_opts *o, struct mount_parts *p,
		      struct err *e)
{
	int r = clone_mapped(s->layers, o->userns_fd, &p->layers, e);

	if (r == 0)
		r = open_lowers(s, keys, o->upper_dir != NULL, p, e);
	if (r != 0 || !o->upper_dir)
		return r;
	r = fd_mkdirs(AT_FDCWD, o->upper_dir, 0700, &p->store_upper, e);
	if (r == 0)
		r = make_upper(p, s, p->store_upper, e);
	if (r == 0)
		r = clone_mapped(p->store_upper, o->userns_fd, &p->upper, e);
	return r < 0 ? err_ctx(e, "upper directory '%s'", o->upper_dir) : r;
}

/* The kernel tells in the context what it disliked, as "e text"; the last word counts. */
static void read_log(int fs, char *ret, size_t n)
{
	char line[256];
	ssize_t got;

	ret[0] = '\0';
	while ((got = read(fs, line, sizeof(line) - 1)) > 2) {
		line[got] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == 'e' && strlen(line + 2) < n)
			strcpy(ret, line + 2);
	}
}

static int set_string(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

static int set_dir(int fs, const char *key, int at, const char *name)
{
	int dir = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = dir < 0 ? -1
			: (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, key, NULL, dir);
	int saved = errno;

	fd_auto_close(&dir);
	errno = saved;
	return r;
}

/* The uppermost layer goes in first. -1 with errno where the kernel does not take one. */
static int configure(int fs, const struct mount_parts *p)
{
	static const char *const off[] = { "index", "redirect_dir", "metacopy" };

	for (size_t i = 0; i < ARRAY_LEN(off); i++)
		if (set_string(fs, off[i], "off") < 0)
			return -1;
	if (set_string(fs, "source", "minibox") < 0)
		return -1;
	for (size_t i = 0; i < p->n_lowers; i++)
		if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, "lowerdir+", NULL,
			    p->lowers[i]) < 0)
			return -1;
	if (p->upper >= 0 && (set_dir(fs, "upperdir", p->upper, "upper") < 0 ||
			      set_dir(fs, "workdir", p->upper, "work") < 0))
		return -1;
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static int mount_by_fd(const struct mount_parts *p, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	char text[200];
	int fd, code, r;

	if (fs < 0)
		return err_set(e, errno, "use overlayfs");
	/* overlayfs keeps the ids and makes its work directories by them; when it cannot,
	 * the overlay is read-only and nothing says so. */
	r = fsid_as_owner(p->upper, e);
	if (r < 0)
		return r;
	r = configure(fs, p);
	code = errno;
	fsid_restore();
	if (r < 0) {
		read_log(fs, text, sizeof(text));
		return err_set(e, code, "make the overlay%s%s", *text ? ": " : "", text);
	}
	fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "mount the overlay");
	*ret_fd = fd;
	return 0;
}

/* Where the upper lies is the user's choice; the rest of the overlay is ours. */
static int explain(const struct image_mount_opts *o, struct err *e)
{
	struct err cause = *e;

	if (!o->upper_dir || cause.code != EINVAL)
		return -cause.code;
	err_clear(e);
	return err_msg(
		e, EINVAL,
		"the file system of '%s' cannot hold a writable layer (it may be an "
		"overlay itself): choose another place by --root (%.150s)",
		o->upper_dir, err_text(&cause));
}

static int mount_parts(struct mount_parts *p, const struct image_mount_opts *o,
		       int *ret_fd, struct err *e)
{
	int r;

	if (o->by_path)
		return mount_by_path(p, o->scratch, ret_fd, e);
	r = mount_by_fd(p, ret_fd, e);
	/* Kernels before 6.13 take no layer by fd: EOPNOTSUPP up to 6.4, then EINVAL,
	 * which some say only at the end. */
	if ((r == -EINVAL || r == -EOPNOTSUPP) && o->scratch) {
		err_clear(e);
		r = mount_by_path(p, o->scratch, ret_fd, e);
	}
	return r;
}

static int mount_keys(struct image_store *s, const struct strv *keys,
		      const struct image_mount_opts *o, int *ret_fd, struct err *e)
{
	struct mount_parts p = { .layers = -1, .upper = -1, .store_upper = -1 };
	int r = open_parts(s, keys, o, &p, e);

	if (r == 0) {
		r = mount_parts(&p, o, ret_fd, e);
		r = r < 0 ? explain(o, e) : r;
	}
	mount_parts_free(&p);
	return r;
}

int mount_layers(struct image_store *s, const struct strv *keys, int *ret_fd,
		 struct err *e)
{
	AUTO_FREE char *scratch = str_fmt("%s/tmp", s->path);
	struct image_mount_opts o = { .userns_fd = -1, .scratch = scratch };

	return mount_keys(s, keys, &o, ret_fd, e);
}

int image_mount(struct image_store *s, const struct image *img,
		const struct image_mount_opts *o, int *ret_fd, struct err *e)
{
	int r = mount_keys(s, &img->layers, o, ret_fd, e);

	return r < 0 ? err_ctx(e, "image '%s'", img->names.n ? img->names.v[0] : img->id)
		     : r;
}
