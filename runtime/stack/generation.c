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
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"
#include "runtime/stack/freeze.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/volume.h"

#define DIR_NAME ".generations"
#define COPY ".copy"
#define EMPTY "empty"

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

static char *copy_path(const struct freeze_source *c, uint32_t number)
{
	AUTO_FREE char *uppers = instance_uppers(c->h, c->rec->name);

	return str_fmt("%s/.generation-%s.%u", uppers, c->s->volume, number);
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
static int freeze(const struct freeze_source *c, const struct generations *g,
		  struct err *e)
{
	uint32_t number = g->n ? g->v[0].number + 1 : 1;
	int touched = freeze_is_touched(c, e);
	const char *hex = hex_of(c->rs->image_id);
	AUTO_FREE char *copy = copy_path(c, number);
	AUTO_FREE char *name =
		str_fmt("%u.%u.%s%s", number, c->rs->instance, hex, touched ? COPY : "");
	int r;

	if (touched < 0)
		return touched;
	if (!touched && g->n && !g->v[0].copy && is_of(&g->v[0], hex))
		return 0;
	r = freeze_make(c, name, touched ? copy : NULL, e);
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

/* An overlay of one generation, too: before Linux 6.5 the next state is mounted onto the
 * root of what this one shows, which must not be a directory that is removed some day. */
static int show(const struct freeze_source *c, const struct generations *g, int *ret,
		struct err *e)
{
	int fds[MODEL_KEEP_MAX + 1];
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n && n < MODEL_KEEP_MAX; i++) {
		if (!is_kept(g, i, c->s->keep))
			continue;
		fds[n] = -1;
		r = open_generation(c->dir, &g->v[i], c->s, &fds[n], e);
		n += r == 0;
	}
	if (r == 0) {
		r = fd_mkdir(c->dir, EMPTY, 0755, &fds[n], e); /* two are the least */
		n += r == 0;
	}
	if (r == 0)
		r = merge(fds, n, ret, e);
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

int generation_freeze(struct stack_host *h, int stack_fd, const struct record *rec,
		      const struct record_share *s, int root, int src, int *ret_tree,
		      int *ret_lock, struct err *e)
{
	struct freeze_source c = {
		.h = h,
		.rec = rec,
		.rs = record_service(rec, s->service),
		.s = s,
		.dir = -1,
		.root = root,
		.userns = -1,
	};
	AUTO_GENERATIONS struct generations before = { 0 }, now = { 0 };
	AUTO_FREE char *rel = str_fmt(DIR_NAME "/%s", s->volume);
	AUTO_CLOSE int dir = -1;
	int r;

	*ret_tree = -1;
	if (!c.rs)
		return err_msg(e, ENOENT, "volume '%s': service '%s' has no container",
			       s->volume, s->service);
	r = fd_mkdirs(stack_fd, rel, 0700, &dir, e);
	c.dir = dir;
	if (r == 0)
		r = freeze_open(&c, stack_fd, src, e);
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
	freeze_close(&c);
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
		if (!is_mount(dir, names.v[i]) && !str_eq(names.v[i], EMPTY))
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
