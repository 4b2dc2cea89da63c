/*
 * stack/generation.c - see generation.h.
 *
 * RUN/STACK/.generations/VOLUME/NUMBER.INSTANCE.IMAGE is the mount of a generation, IMAGE
 * the hex of an image's id, whose whole root it is; with ".copy" at the end, a bind of
 * ROOT/containers/STACK/.generation-VOLUME.NUMBER. A directory there that is no mount,
 * and a copy without one, is what a killed refresh left. The file "shown" has the newest
 * number that all readers have been given.
 */
#include "runtime/stack/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/volume.h"

#define DIR_NAME ".generations"
#define COPY ".copy"

enum { HEX = 64 };

struct generation {
	char *name;
	uint32_t number, instance;
	const char *image; /* HEX characters in @name */
	bool copy;
};

struct generations {
	struct generation *v; /* the newest first */
	size_t n;
};

/* A share whose service is about to be frozen. */
struct source {
	struct stack_host *h;
	const struct record *rec;
	const struct record_service *rs;
	const struct record_share *s;
	int dir;      /* .generations/VOLUME */
	int root;     /* the service's merged root; borrowed */
	int userns;   /* -1: the host's */
	char *inside; /* the share's directory in the root, all links followed */
};

static void generations_free(struct generations *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].name);
	free(g->v);
}
#define AUTO_GENERATIONS __attribute__((cleanup(generations_free)))

/* "12.3.HEX", "12.3.HEX.copy"; false for anything else. */
static bool parse(const char *name, struct generation *ret)
{
	char *end, *last;
	unsigned long number = strtoul(name, &end, 10), instance;

	if (end == name || *end != '.' || number > UINT32_MAX)
		return false;
	instance = strtoul(end + 1, &last, 10);
	if (last == end + 1 || *last != '.' || instance > UINT32_MAX)
		return false;
	ret->copy =
		strlen(last) == 1 + HEX + strlen(COPY) && str_eq(last + 1 + HEX, COPY);
	if (!ret->copy && strlen(last) != 1 + HEX)
		return false;
	ret->name = str_dup(name);
	ret->number = (uint32_t)number;
	ret->instance = (uint32_t)instance;
	ret->image = ret->name + (last + 1 - name);
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct generation *x = a, *y = b;

	return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

static bool is_mount(int dir, const char *name)
{
	struct stat here, there;

	return fstat(dir, &here) == 0 &&
	       fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_dev != there.st_dev;
}

/* Those that are mounted. */
static int list(int dir, struct generations *ret, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = fd_list(dir, ".", &names, e);

	strv_foreach (i, &names) {
		struct generation g;

		if (!is_mount(dir, names.v[i]) || !parse(names.v[i], &g))
			continue;
		ret->v = mem_grow(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = g;
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), newest_first);
	return r;
}

/* A copy's mount is the directory itself, an image's is its whole root. */
static int open_generation(int dir, const struct generation *g,
			   const struct record_share *s, int *ret, struct err *e)
{
	AUTO_CLOSE int top = openat(dir, g->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (top >= 0 && g->copy)
		*ret = fd_take(&top);
	else if (top >= 0)
		*ret = fd_open_in_root(top, s->path, O_RDONLY | O_DIRECTORY);
	if (top < 0 && *ret < 0)
		return err_set(e, errno, "open generation '%s'", g->name);
	return *ret < 0 ? err_set(e, errno, "open '%s' of generation '%s'", s->path,
				  g->name)
			: 0;
}

static char *copy_path(const struct source *c, uint32_t number)
{
	AUTO_FREE char *uppers = instance_uppers(c->h, c->rec->name);

	return str_fmt("%s/"
		       ".generation-%s.%u",
		       uppers, c->s->volume, number);
}

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
static int is_touched(const struct source *c, struct err *e)
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

static int attach(const struct source *c, const char *name, int tree, struct err *e)
{
	AUTO_CLOSE int at = -1;
	int r = fd_mkdir(c->dir, name, 0700, &at, e);

	if (r == 0 && move_mount(tree, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = err_set(e, errno, "mount generation '%s'", name);
	return r;
}

static int freeze_layers(const struct source *c, const char *name, struct err *e)
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

static int freeze_copy(const struct source *c, const char *name, uint32_t number,
		       struct err *e)
{
	AUTO_FREE char *rel = copy_path(c, number);
	AUTO_CLOSE int dir = -1, tree = -1;
	int r = fd_rm_rf(c->h->root_fd, rel, e);

	if (r == 0)
		r = fd_mkdirs(c->h->root_fd, rel, 0755, &dir, e);
	if (r == 0)
		r = volume_fill(dir, c->root, c->inside, c->userns, e);
	if (r == 0)
		r = volume_clone_tree(dir, c->userns, true, &tree, e);
	return r < 0 ? r : attach(c, name, tree, e);
}

static bool is_of(const struct generation *g, const char *hex)
{
	return strncmp(g->image, hex, HEX) == 0;
}

static const char *hex_of(const char *image_id)
{
	const char *colon = strchr(image_id, ':');

	return colon ? colon + 1 : image_id;
}

/* 1: a generation was made, 0: the newest one is what there is, -errno. */
static int freeze(const struct source *c, const struct generations *g, struct err *e)
{
	uint32_t number = g->n ? g->v[0].number + 1 : 1;
	int touched = is_touched(c, e);
	const char *hex = hex_of(c->rs->image_id);
	AUTO_FREE char *name =
		str_fmt("%u.%u.%s%s", number, c->rs->instance, hex, touched ? COPY : "");
	int r;

	if (touched < 0)
		return touched;
	if (!touched && g->n && !g->v[0].copy && is_of(&g->v[0], hex))
		return 0;
	r = touched ? freeze_copy(c, name, number, e) : freeze_layers(c, name, e);
	return r < 0 ? r : 1;
}

/* What a container has at its restart is no generation more than what it had before; nor
 * is an image's own state beside one that a container of it has changed. */
static bool supersedes(const struct generation *a, const struct generation *b)
{
	return a->instance == b->instance ||
	       (is_of(a, b->image) && !(a->copy && b->copy));
}

static bool is_superseded(const struct generations *g, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (supersedes(&g->v[k], &g->v[i]))
			return true;
	return false;
}

static bool is_kept(const struct generations *g, size_t i, uint32_t keep)
{
	uint32_t before = 0;

	for (size_t k = 0; k < i; k++)
		before += !is_superseded(g, k);
	return keep > 1 && before < keep && !is_superseded(g, i);
}

/* Layers are given as links of /proc, so that no character of a path means anything to
 * the parser of options. */
static int merge(const int *fds, size_t n, int *ret, struct err *e)
{
	AUTO_BUF struct buf lower = BUF_INIT;
	AUTO_CLOSE int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	for (size_t i = 0; i < n; i++)
		buf_addf(&lower, "%s/proc/self/fd/%d", i ? ":" : "", fds[i]);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", lower.data, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, errno, "make an overlay of %zu generations", n);
	*ret = fsmount(fs, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return *ret < 0 ? err_set(e, errno, "mount %zu generations", n) : 0;
}

static int show(const struct source *c, const struct generations *g, int *ret,
		struct err *e)
{
	int fds[MODEL_KEEP_MAX];
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n && n < MODEL_KEEP_MAX; i++) {
		if (!is_kept(g, i, c->s->keep))
			continue;
		fds[n] = -1;
		r = open_generation(c->dir, &g->v[i], c->s, &fds[n], e);
		n += r == 0;
	}
	if (r == 0)
		r = n == 1 ? volume_clone_tree(fds[0], -1, true, ret, e)
			   : merge(fds, n, ret, e);
	while (n > 0)
		close(fds[--n]);
	return r;
}

static uint32_t shown(int dir)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	unsigned long long number = 0;

	if (fd_read_file(dir, "shown", 16, &text, &ignored) < 0) {
		err_clear(&ignored);
		return 0;
	}
	return str_u64(text.data, UINT32_MAX, &number) ? (uint32_t)number : 0;
}

/* The directory's path from the root, with all links followed: what the writable layer
 * has is named so. */
static int find_inside(struct source *c, int src, struct err *e)
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

static int open_source(struct source *c, int stack_fd, int src, struct err *e)
{
	AUTO_FREE char *rel = str_fmt(DIR_NAME "/%s", c->s->volume);
	AUTO_FREE char *userns = str_fmt("%s/userns", c->rs->name);
	int r = fd_mkdirs(stack_fd, rel, 0700, &c->dir, e);

	if (r == 0 && c->rs->userns) {
		c->userns = openat(stack_fd, userns, O_RDONLY | O_CLOEXEC);
		if (c->userns < 0)
			r = err_set(e, errno, "open '%s'", userns);
	}
	return r < 0 ? r : find_inside(c, src, e);
}

static void close_source(struct source *c)
{
	fd_auto_close(&c->dir);
	fd_auto_close(&c->userns);
	free(c->inside);
}

int generation_freeze(struct stack_host *h, int stack_fd, const struct record *rec,
		      const struct record_share *s, int root, int src, int *ret_tree,
		      int *ret_lock, struct err *e)
{
	struct source c = {
		.h = h,
		.rec = rec,
		.rs = record_service(rec, s->service),
		.s = s,
		.dir = -1,
		.root = root,
		.userns = -1,
	};
	AUTO_GENERATIONS struct generations before = { 0 }, now = { 0 };
	int r;

	*ret_tree = -1;
	if (!c.rs)
		return err_msg(e, ENOENT, "volume '%s': service '%s' has no container",
			       s->volume, s->service);
	r = open_source(&c, stack_fd, src, e);
	if (r == 0)
		r = fd_lock(c.dir, "lock", true, true, ret_lock, e);
	if (r == 0)
		r = list(c.dir, &before, e);
	if (r == 0)
		r = freeze(&c, &before, e);
	if (r >= 0)
		r = list(c.dir, &now, e);
	if (r == 0 && now.n && shown(c.dir) != now.v[0].number)
		r = show(&c, &now, ret_tree, e);
	close_source(&c);
	return r < 0 ? err_ctx(e, "volume '%s'", s->volume) : r;
}

/* All copies but those of the generations in @g. */
static int remove_copies(struct stack_host *h, const char *stack, const char *volume,
			 const struct generations *g, struct err *e)
{
	AUTO_FREE char *uppers = instance_uppers(h, stack);
	AUTO_FREE char *prefix = str_fmt(".generation-%s.", volume);
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (faccessat(h->root_fd, uppers, F_OK, 0) < 0)
		return 0;
	r = fd_list(h->root_fd, uppers, &names, e);
	strv_foreach (i, &names) {
		AUTO_FREE char *rel = str_fmt("%s/%s", uppers, names.v[i]);
		unsigned long long number;
		bool used = false;

		if (r < 0 || !str_starts(names.v[i], prefix) ||
		    !str_u64(names.v[i] + strlen(prefix), UINT32_MAX, &number))
			continue;
		for (size_t k = 0; k < g->n; k++)
			used = used || g->v[k].number == number;
		if (!used)
			r = fd_rm_rf(h->root_fd, rel, e);
	}
	return r;
}

static void unmount(const struct stack_host *h, const char *stack, const char *volume,
		    int dir, const char *name)
{
	AUTO_FREE char *path =
		str_fmt("%s/%s/" DIR_NAME "/%s/%s", h->run, stack, volume, name);

	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	(void)unlinkat(dir, name, AT_REMOVEDIR);
}

/* Mounts that are not kept, and directories that never became one. */
static int trim_mounts(const struct stack_host *h, const char *stack,
		       const struct record_share *s, int dir, struct err *e)
{
	AUTO_GENERATIONS struct generations g = { 0 };
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list(dir, &g, e);

	if (r == 0)
		r = fd_list(dir, ".", &names, e);
	for (size_t i = 0; r == 0 && i < g.n; i++)
		if (!is_kept(&g, i, s->keep))
			unmount(h, stack, s->volume, dir, g.v[i].name);
	strv_foreach (i, &names)
		if (!is_mount(dir, names.v[i]))
			(void)unlinkat(dir, names.v[i], AT_REMOVEDIR);
	return r;
}

int generation_settle(struct stack_host *h, int stack_fd, const char *stack,
		      const struct record_share *s, struct err *e)
{
	AUTO_FREE char *rel = str_fmt(DIR_NAME "/%s", s->volume);
	AUTO_CLOSE int dir = openat(stack_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_GENERATIONS struct generations g = { 0 };
	AUTO_FREE char *number = NULL;
	int r;

	if (dir < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "open '%s'", rel);
	r = trim_mounts(h, stack, s, dir, e);
	if (r == 0)
		r = list(dir, &g, e);
	if (r == 0)
		r = remove_copies(h, stack, s->volume, &g, e);
	number = str_fmt("%u", g.n ? g.v[0].number : 0);
	if (r == 0)
		r = fd_write_file(dir, "shown", number, strlen(number), 0600, e);
	return r < 0 ? err_ctx(e, "volume '%s'", s->volume) : 0;
}

static int volume_images(int stack_fd, const char *volume, struct strv *ret,
			 struct err *e)
{
	AUTO_FREE char *rel = str_fmt(DIR_NAME "/%s", volume);
	AUTO_CLOSE int dir = openat(stack_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_GENERATIONS struct generations g = { 0 };
	int r = dir < 0 ? err_set(e, errno, "open '%s'", rel) : list(dir, &g, e);

	for (size_t i = 0; r == 0 && i < g.n; i++) {
		AUTO_FREE char *id = str_fmt("sha256:%.*s", HEX, g.v[i].image);

		if (!g.v[i].copy && !strv_has(ret, id))
			strv_add(ret, id);
	}
	return r;
}

int generation_images(int stack_fd, struct strv *ret, struct err *e)
{
	AUTO_STRV struct strv volumes = STRV_INIT;
	int r;

	if (faccessat(stack_fd, DIR_NAME, F_OK, 0) < 0)
		return 0;
	r = fd_list(stack_fd, DIR_NAME, &volumes, e);
	for (size_t i = 0; r == 0 && i < volumes.n; i++)
		r = volume_images(stack_fd, volumes.v[i], ret, e);
	return r;
}
