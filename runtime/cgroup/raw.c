/*
 * cgroup/raw.c - interface files and processes of a group as they are. See cgroup.h.
 *
 * For those who are told files' values by others (an OCI configuration). Interface files
 * begin with their controller's name, so a file is in one hierarchy only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

enum { DEPTH_MAX = 32 };

static int dir_with(const struct cgroup *g, const char *file)
{
	for (size_t i = 0; i < g->n; i++)
		if (faccessat(g->in[i].dir, file, F_OK, 0) == 0)
			return g->in[i].dir;
	return -1;
}

bool cgroup_has_file(const struct cgroup *g, const char *file)
{
	return dir_with(g, file) >= 0;
}

int cgroup_write_file(const struct cgroup *g, const char *file, const char *text,
		      struct err *e)
{
	int dir = dir_with(g, file);

	if (dir < 0)
		return CGROUP_E_ABSENT;
	if (fd_write_str(dir, file, text, e) < 0)
		return err_ctx(e, "cgroup '%s'", g->path);
	return 0;
}

static void add_pid(struct cgroup_pids *ret, pid_t pid)
{
	for (size_t i = 0; i < ret->n; i++)
		if (ret->v[i] == pid)
			return;
	ret->v = mem_grow(ret->v, ret->n + 1, sizeof(*ret->v));
	ret->v[ret->n++] = pid;
}

static void add_dir(int dir, struct cgroup_pids *ret)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	unsigned long long pid;

	/* EOPNOTSUPP: a threaded group's processes are listed above it */
	if (fd_read_file(dir, "cgroup.procs", 64 << 20, &text, &ignored) < 0)
		return;
	for (char *save = NULL, *l = strtok_r(text.data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		if (str_u64(l, INT32_MAX, &pid) && pid > 0)
			add_pid(ret, (pid_t)pid);
}

static void add_tree(int dir, int depth, struct cgroup_pids *ret)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	struct dirent *ent;

	add_dir(dir, ret);
	while (d && depth < DEPTH_MAX && (ent = readdir(d))) {
		AUTO_CLOSE int child = -1;

		if (ent->d_type != DT_DIR || *ent->d_name == '.')
			continue;
		child = openat(dir, ent->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child >= 0)
			add_tree(child, depth + 1, ret);
	}
	if (d)
		closedir(d);
	else
		fd_auto_close(&own);
}

void cgroup_pids(const struct cgroup *g, struct cgroup_pids *ret)
{
	int v2 = cgroup_dirfd_v2(g);

	*ret = (struct cgroup_pids){ NULL, 0 };
	if (v2 >= 0)
		add_tree(v2, 0, ret);
	else if (g->n)
		add_tree(g->in[0].dir, 0, ret);
}
