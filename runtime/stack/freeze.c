/*
 * stack/freeze.c - see freeze.h.
 *
 * Knows how a writable layer says that it has changed something, and how a root is
 * mounted or copied. Does not know which states are kept.
 */
#include "runtime/stack/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/volume.h"

/* One component of a container's writable layer. Return: 1 it holds or hides something
 * there, 0 it says nothing, *@at is one level down (-1: nothing is further down). */
static int step_down(int *at, const char *name, bool last)
{
	AUTO_CLOSE int next =
		openat(*at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char value[2];

	if (next < 0 && errno != ENOENT)
		return 1; /* a link or a whiteout in its place */
	if (next >= 0 &&
	    (last ||
	     fgetxattr(next, "trusted.overlay.opaque", value, sizeof(value)) >= 0 ||
	     fgetxattr(next, "trusted.overlay.redirect", NULL, 0) >= 0))
		return 1;
	fd_auto_close(at);
	*at = fd_take(&next);
	return 0;
}

/* Does the container's writable layer say anything about the directory? 1, 0, -errno. */
int freeze_is_touched(const struct freeze_source *c, struct err *e)
{
	AUTO_FREE char *uppers = instance_uppers(c->h, c->rec->name);
	AUTO_FREE char *rel =
		str_fmt("%s/%s.%u/upper", uppers, c->rs->name, c->rs->instance);
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_CLOSE int at = openat(c->h->root_fd, rel,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (at < 0)
		return err_set(e, errno, "open '%s'", rel);
	strv_split(&parts, c->inside, "/");
	strv_foreach (i, &parts) {
		if (at < 0)
			return 0;
		if (step_down(&at, parts.v[i], i + 1 == parts.n))
			return 1;
	}
	return parts.n == 0; /* the whole root */
}

static int attach(const struct freeze_source *c, const char *name, int tree,
		  struct err *e)
{
	AUTO_CLOSE int at = -1;
	int r = fd_mkdir(c->dir, name, 0700, &at, e);

	if (r == 0 && move_mount(tree, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = err_set(e, errno, "mount generation '%s'", name);
	return r;
}

static int freeze_layers(const struct freeze_source *c, const char *name, struct err *e)
{
	AUTO_FREE char *scratch =
		str_fmt("%s/%s/%s", c->h->run, c->rec->name, c->rs->name);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					       MOUNT_ATTR_NODEV };
	struct image_mount_opts o = { .userns_fd = c->userns,
				      .by_path = getenv("MINIBOX_LAYERS_BY_PATH") != NULL,
				      .scratch = scratch };
	struct image_store *store = NULL;
	struct image *img = NULL;
	AUTO_CLOSE int tree = -1;
	int r = image_store_open(c->h->root, &store, e);

	if (r == 0)
		r = image_find(store, c->rs->image_id, &img, e);
	if (r == 0)
		r = image_mount(store, img, &o, &tree, e);
	if (r > 0)
		r = err_msg(e, EIO, "image '%s' cannot be mounted", c->rs->image_id);
	if (r == 0 && mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		r = err_set(e, errno, "make generation '%s' read-only", name);
	if (r == 0)
		r = attach(c, name, tree, e);
	image_free(img);
	image_store_free(store);
	return r;
}

static int freeze_copy(const struct freeze_source *c, const char *name, const char *rel,
		       struct err *e)
{
	AUTO_CLOSE int dir = -1, tree = -1;
	int r = fd_rm_rf(c->h->root_fd, rel, e);

	if (r == 0)
		r = fd_mkdirs(c->h->root_fd, rel, 0755, &dir, e);
	if (r == 0)
		r = volume_fill(dir, c->root, c->inside, c->userns, e);
	if (r == 0)
		r = volume_clone_tree(dir, c->userns, true, &tree, e);
	if (r == 0)
		r = attach(c, name, tree, e);
	if (r < 0) { /* what was copied of it must not keep a full disk full */
		struct err ignored = ERR_INIT;

		(void)!fd_rm_rf(c->h->root_fd, rel, &ignored);
		err_clear(&ignored);
	}
	return r;
}

int freeze_make(const struct freeze_source *c, const char *name, const char *copy,
		struct err *e)
{
	return copy ? freeze_copy(c, name, copy, e) : freeze_layers(c, name, e);
}

/* The directory's path from the root, with all links followed: what the writable layer
 * has is named so. */
static int find_inside(struct freeze_source *c, int src, struct err *e)
{
	char root[PATH_MAX], path[PATH_MAX], link[64];
	ssize_t n, m;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", c->root);
	n = readlink(link, root, sizeof(root));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", src);
	m = readlink(link, path, sizeof(path));
	if (n < 0 || m < n || m == sizeof(path) || memcmp(root, path, (size_t)n) != 0)
		return err_msg(e, EIO, "'%s' is not found in its service's root",
			       c->s->path);
	c->inside = str_ndup(path + n, (size_t)(m - n));
	return 0;
}

int freeze_open(struct freeze_source *c, int stack_fd, int src, struct err *e)
{
	AUTO_FREE char *userns = str_fmt("%s/userns", c->rs->name);
	int r = 0;

	if (c->rs->userns) {
		c->userns = openat(stack_fd, userns, O_RDONLY | O_CLOEXEC);
		if (c->userns < 0)
			r = err_set(e, errno, "open '%s'", userns);
	}
	return r < 0 ? r : find_inside(c, src, e);
}

void freeze_close(struct freeze_source *c)
{
	fd_auto_close(&c->userns);
	free(c->inside);
}
