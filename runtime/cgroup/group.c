/*
 * cgroup/group.c - make, open and join a group in every hierarchy. See cgroup.h.
 *
 * Knows directories and the rules for new ones (cpuset, subtree_control). Limits:
 * limits.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

enum { RACE_TRIES = 20 };

int cgroup_check_path(const char *path, struct strv *ret_parts, struct err *e)
{
	strv_split(ret_parts, path, "/");
	if (*path == '/' || ret_parts->n == 0)
		return err_msg(e, EINVAL, "cgroup '%s' is not a relative path", path);
	strv_foreach (i, ret_parts)
		if (*ret_parts->v[i] == '.')
			return err_msg(e, EINVAL, "cgroup '%s' has a dotted component",
				       path);
	return 0;
}

struct cgroup *cgroup_free(struct cgroup *g)
{
	for (size_t i = 0; g && i < g->n; i++) {
		fd_auto_close(&g->in[i].dir);
		fd_auto_close(&g->in[i].procs);
	}
	if (g)
		free(g->path);
	free(g);
	return NULL;
}

int cgroup_dir_of(const struct cgroup *g, unsigned controller, bool *ret_unified)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->in[i].controllers & controller) {
			*ret_unified = g->in[i].unified;
			return g->in[i].dir;
		}
	return -1;
}

/* Absent or unreadable is the same as empty: a file system in a test has no such files.
 */
static void read_text(int dir, const char *name, struct buf *ret)
{
	struct err ignored = ERR_INIT;

	if (fd_read_file(dir, name, 65536, ret, &ignored) < 0)
		err_clear(&ignored);
	while (ret->len && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
}

/* v1: no process may join a cpuset group without processors and memory nodes. */
static int inherit_cpuset(int parent, int child, struct err *e)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++) {
		AUTO_BUF struct buf ours = BUF_INIT, theirs = BUF_INIT;

		read_text(child, files[i], &ours);
		if (ours.len)
			continue;
		read_text(parent, files[i], &theirs);
		if (theirs.len)
			r = fd_write_str(child, files[i], theirs.data, e);
	}
	return r;
}

/*
 * v2: children get the controllers that their parent enables. One at a time, and what is
 * refused is left: if a limit needs it, its missing file tells, and tells which.
 */
static void enable_controllers(int dir)
{
	static const char *const wanted[] = { "cpu", "cpuset", "io", "memory", "pids" };
	AUTO_BUF struct buf offered = BUF_INIT, on = BUF_INIT;
	AUTO_STRV struct strv have = STRV_INIT, enabled = STRV_INIT;

	read_text(dir, "cgroup.controllers", &offered);
	read_text(dir, "cgroup.subtree_control", &on);
	strv_split(&have, offered.data ? offered.data : "", " ");
	strv_split(&enabled, on.data ? on.data : "", " ");
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		AUTO_FREE char *word = str_fmt("+%s", wanted[i]);
		struct err ignored = ERR_INIT;

		if (strv_has(&have, wanted[i]) && !strv_has(&enabled, wanted[i]) &&
		    fd_write_str(dir, "cgroup.subtree_control", word, &ignored) < 0)
			err_clear(&ignored);
	}
}

/* One component: make it in @parent, open it. @*made tells whether it is new. */
static int step(const struct hier *h, int parent, const char *name, int *ret, bool *made,
		struct err *e)
{
	AUTO_CLOSE int child = -1;
	int r = 0;

	if (h->unified && h->controllers)
		enable_controllers(parent);
	if (mkdirat(parent, name, 0755) == 0)
		*made = true;
	else if (errno != EEXIST)
		return err_set(e, errno, "mkdir '%s' in '%s'", name, h->mount);
	child = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child < 0)
		return err_set(e, errno, "open '%s' in '%s'", name, h->mount);
	if (!h->unified && (h->controllers & CTL_CPUSET))
		r = inherit_cpuset(parent, child, e);
	if (r == 0)
		*ret = fd_take(&child);
	return r;
}

/* Remove the components from @from on, deepest first; in use by somebody: they stay. */
static void remove_from(int root, const struct strv *parts, size_t from)
{
	for (size_t depth = parts->n; depth > from; depth--) {
		AUTO_BUF struct buf path = BUF_INIT;

		for (size_t i = 0; i < depth; i++)
			buf_addf(&path, "%s%s", i ? "/" : "", parts->v[i]);
		if (unlinkat(root, path.data, AT_REMOVEDIR) < 0)
			break;
	}
}

/* @ret_there: how many components were there before */
static int walk(const struct hier *h, const struct strv *parts, int *ret_dir,
		size_t *ret_there, struct err *e)
{
	AUTO_CLOSE int at = dup(h->fd);
	size_t there = parts->n;
	int r = at < 0 ? err_set(e, errno, "open '%s'", h->mount) : 0;

	for (size_t i = 0; i < parts->n && r == 0; i++) {
		bool made = false;
		int next = -1;

		r = step(h, at, parts->v[i], &next, &made, e);
		if (made && there == parts->n)
			there = i;
		if (r == 0) {
			close(at);
			at = next;
		}
	}
	if (r < 0) {
		remove_from(h->fd, parts, there);
		return r;
	}
	*ret_dir = fd_take(&at);
	*ret_there = there;
	return 0;
}

/* Another command may remove an empty parent between our mkdir and open: walk again. */
static int walk_retry(const struct hier *h, const struct strv *parts, int *ret_dir,
		      size_t *ret_there, struct err *e)
{
	int r = walk(h, parts, ret_dir, ret_there, e);

	for (int i = 0; i < RACE_TRIES && (r == -ENOENT || r == -ENODEV); i++) {
		err_clear(e);
		r = walk(h, parts, ret_dir, ret_there, e);
	}
	return r;
}

/* v1: by "tasks" a thread moves itself at once; by "cgroup.procs" it waits until nobody
 * in the whole system forks, 5 to 10 ms of an RCU grace period (Linux 5.5). The unified
 * hierarchy has no "tasks". */
static int open_procs(struct cgroup *g, size_t i, struct err *e)
{
	const char *name = g->in[i].unified ? "cgroup.procs" : "tasks";

	g->in[i].procs = openat(g->in[i].dir, name, O_WRONLY | O_CLOEXEC);
	if (g->in[i].procs < 0)
		return err_set(e, errno, "open '%s'", name);
	return 0;
}

static struct cgroup *new_group(const struct cgroup_host *h, const char *path)
{
	struct cgroup *g = mem_new(1, sizeof(*g));

	g->path = str_dup(path);
	g->n = h->n;
	for (size_t i = 0; i < h->n; i++) {
		g->in[i].dir = g->in[i].procs = -1;
		g->in[i].controllers = h->hier[i].controllers;
		g->in[i].unified = h->hier[i].unified;
	}
	return g;
}

/* v1 hierarchies that only matter when asked for: each costs a third of a millisecond of
 * every start (make, join, remove), so without a limit of theirs the group is not made.
 */
static bool is_optional(const struct hier *h)
{
	return !h->unified &&
	       !(h->controllers & ~(unsigned)(CTL_CPUSET | CTL_DEVICES | CTL_IO));
}

static bool is_needed(const struct hier *h, const struct cgroup_limits *lim)
{
	return !is_optional(h) || lim->everywhere ||
	       (lim->cpuset && (h->controllers & CTL_CPUSET)) ||
	       (lim->devices && (h->controllers & CTL_DEVICES)) ||
	       ((lim->io_weight || lim->n_io) && (h->controllers & CTL_IO));
}

/* Leave out the hierarchies that the group is not in. */
static void compact(struct cgroup *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		if (g->in[i].dir >= 0)
			g->in[n++] = g->in[i];
	g->n = n;
}

static int make_all(const struct cgroup_host *h, const struct strv *parts,
		    const struct cgroup_limits *lim, struct cgroup *g, size_t *there,
		    struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < h->n && r == 0; i++) {
		if (!is_needed(&h->hier[i], lim))
			continue;
		r = walk_retry(&h->hier[i], parts, &g->in[i].dir, &there[i], e);
		if (r == 0)
			r = open_procs(g, i, e);
	}
	return r;
}

int cgroup_create(const struct cgroup_host *h, const char *path,
		  const struct cgroup_limits *lim, struct cgroup **ret, struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	size_t there[HIER_MAX];
	bool adopted = false;
	struct cgroup *g;
	int r = cgroup_check_path(path, &parts, e);

	if (r < 0)
		return r;
	g = new_group(h, path);
	for (size_t i = 0; i < h->n; i++)
		there[i] = parts.n;
	r = make_all(h, &parts, lim, g, there, e);
	for (size_t i = 0; i < h->n; i++)
		adopted |= g->in[i].dir >= 0 && there[i] == parts.n;
	compact(g);
	if (r == 0)
		r = cgroup_limits_apply(g, lim, adopted, e);
	for (size_t i = 0; i < h->n && r < 0; i++)
		remove_from(h->hier[i].fd, &parts, there[i]);
	if (r < 0 || !ret)
		g = cgroup_free(g);
	if (r < 0)
		return err_ctx(e, "cgroup '%s'", path);
	if (ret)
		*ret = g;
	return 0;
}

int cgroup_open(const struct cgroup_host *h, const char *path, struct cgroup **ret,
		struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	struct cgroup *g;
	int r = cgroup_check_path(path, &parts, e);

	if (r < 0)
		return r;
	g = new_group(h, path);
	for (size_t i = 0; i < h->n && r == 0; i++) {
		g->in[i].dir =
			openat(h->hier[i].fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (g->in[i].dir >= 0)
			r = open_procs(g, i, e);
		else if (errno != ENOENT)
			r = err_set(e, errno, "open in '%s'", h->hier[i].mount);
		else if (!is_optional(&h->hier[i]))
			r = CGROUP_E_ABSENT;
	}
	compact(g);
	if (r == -ENODEV || r == -ENOENT) { /* removed while we looked */
		err_clear(e);
		r = CGROUP_E_ABSENT;
	}
	if (r != 0) {
		cgroup_free(g);
		return r < 0 ? err_ctx(e, "cgroup '%s'", path) : r;
	}
	*ret = g;
	return 0;
}

static int join(const struct cgroup *g, bool skip_unified, struct err *e)
{
	for (size_t i = 0; i < g->n; i++) {
		if (skip_unified && g->in[i].unified)
			continue;
		if (write(g->in[i].procs, "0", 1) < 0)
			return err_set(e, errno, "join cgroup '%s'", g->path);
	}
	return 0;
}

int cgroup_join(const struct cgroup *g, struct err *e)
{
	return join(g, false, e);
}

int cgroup_join_v1(const struct cgroup *g, struct err *e)
{
	return join(g, true, e);
}

int cgroup_dirfd_v2(const struct cgroup *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->in[i].unified)
			return g->in[i].dir;
	return -1;
}
