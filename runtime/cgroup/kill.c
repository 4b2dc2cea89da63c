/*
 * cgroup/kill.c - freeze, kill, wait, remove. See cgroup.h.
 *
 * Knows cgroup.kill, cgroup.freeze, cgroup.events and what to do on v1 without them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/cgroup/hier.h"

enum { WAIT_MS = 2000, STEP_NS = 1000000, KILL_ROUNDS = 100, DEPTH_MAX = 32 };

static void wait_step(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_NS }, NULL);
}

static bool expired(uint64_t since_ns)
{
	return proc_now_ns() - since_ns > (uint64_t)WAIT_MS * 1000000;
}

static bool has_file(int dir, const char *name)
{
	return dir >= 0 && faccessat(dir, name, F_OK, 0) == 0;
}

/* Names of the sub-groups; every directory in a cgroup file system is one. */
static void list_groups(int dir, const char *path, struct strv *ret)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *ent;

	if (!d) {
		fd_auto_close(&fd);
		return;
	}
	while ((ent = readdir(d)))
		if (ent->d_type == DT_DIR && *ent->d_name != '.' &&
		    !strv_has(ret, ent->d_name))
			strv_add(ret, ent->d_name);
	closedir(d);
}

/* Signals every process of one directory. Return: how many there were. */
static int signal_dir(int dir, int sig)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	int n = 0;

	if (fd_read_file(dir, "cgroup.procs", 64 << 20, &text, &ignored) < 0)
		return 0;
	for (char *save = NULL, *l = strtok_r(text.data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		unsigned long long pid;

		/* 0: a process outside of our pid namespace; kill(0) would be ourselves
		 */
		if (!str_u64(l, INT32_MAX, &pid) || pid == 0)
			continue;
		n++;
		if (sig)
			(void)kill((pid_t)pid, sig);
	}
	return n;
}

static int signal_tree(int dir, int sig, int depth)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int n = signal_dir(dir, sig);

	if (depth == DEPTH_MAX)
		return n;
	list_groups(dir, ".", &names);
	strv_foreach (i, &names) {
		AUTO_CLOSE int child = openat(
			dir, names.v[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (child >= 0)
			n += signal_tree(child, sig, depth + 1);
	}
	return n;
}

bool cgroup_is_empty(const struct cgroup *g)
{
	int v2 = cgroup_dirfd_v2(g);

	if (has_file(v2, "cgroup.events"))
		return cgroup_read_key(v2, "cgroup.events", "populated") == 0;
	for (size_t i = 0; i < g->n; i++)
		if (signal_tree(g->in[i].dir, 0, 0) > 0)
			return false;
	return true;
}

static int freeze_v1(int dir, bool frozen, struct err *e)
{
	const char *state = frozen ? "FROZEN" : "THAWED";
	uint64_t start = proc_now_ns();

	/* A fork during freezing leaves it at FREEZING until it is asked for again. */
	for (;;) {
		AUTO_BUF struct buf now = BUF_INIT;
		int r = fd_write_str(dir, "freezer.state", state, e);

		if (r == 0)
			r = fd_read_file(dir, "freezer.state", 64, &now, e);
		if (r < 0)
			return r;
		if (str_starts(now.data, state))
			return 0;
		if (expired(start))
			return err_msg(e, ETIMEDOUT, "it did not become %s in 2 s",
				       state);
		wait_step();
	}
}

static int freeze_v2(int dir, bool frozen, struct err *e)
{
	uint64_t start = proc_now_ns();
	int r = fd_write_str(dir, "cgroup.freeze", frozen ? "1" : "0", e);

	if (r < 0)
		return r;
	while ((cgroup_read_key(dir, "cgroup.events", "frozen") == 1) != frozen) {
		if (expired(start))
			return err_msg(e, ETIMEDOUT, "it did not %s in 2 s",
				       frozen ? "freeze" : "thaw");
		wait_step();
	}
	return 0;
}

int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e)
{
	bool unified = false;
	int v1 = cgroup_dir_of(g, CTL_FREEZER, &unified), v2 = cgroup_dirfd_v2(g), r;

	if (has_file(v2, "cgroup.freeze"))
		r = freeze_v2(v2, frozen, e);
	else if (v1 >= 0)
		r = freeze_v1(v1, frozen, e);
	else
		r = err_msg(e, ENOTSUP,
			    "the controller 'freezer' is not offered by this host");
	return r < 0 ? err_ctx(e, "cgroup '%s'", g->path) : 0;
}

/* Without cgroup.kill: frozen processes cannot fork away from us while we go through
 * them. */
static int kill_one_by_one(const struct cgroup *g, struct err *e)
{
	struct err ignored = ERR_INIT;
	bool unified = false;
	int v1 = cgroup_dir_of(g, CTL_FREEZER, &unified);
	int v2 = cgroup_dirfd_v2(g), dir = v1 >= 0 ? v1 : v2 >= 0 ? v2 : g->in[0].dir;

	if (cgroup_freeze(g, true, &ignored) < 0)
		err_clear(&ignored);
	for (int i = 0; i < KILL_ROUNDS && signal_tree(dir, SIGKILL, 0) > 0; i++) {
		if (cgroup_freeze(g, false, &ignored) < 0)
			err_clear(&ignored);
		wait_step();
	}
	if (cgroup_freeze(g, false, &ignored) < 0)
		err_clear(&ignored);
	if (signal_tree(dir, 0, 0) > 0)
		return err_msg(e, EBUSY, "kill cgroup '%s': processes remain", g->path);
	return 0;
}

int cgroup_kill(const struct cgroup *g, struct err *e)
{
	struct err ignored = ERR_INIT;
	int v2 = cgroup_dirfd_v2(g);

	if (!has_file(v2, "cgroup.kill"))
		return kill_one_by_one(g, e);
	if (fd_write_str(v2, "cgroup.kill", "1", e) < 0)
		return err_ctx(e, "cgroup '%s'", g->path);
	/* v2 frees the frozen by itself. A process left out of v2 (by a foreign hand) is
	 * found through the other hierarchies. */
	for (size_t i = 0; i < g->n; i++)
		if (!g->in[i].unified)
			signal_tree(g->in[i].dir, SIGKILL, 0);
	if (has_file(v2, "cgroup.freeze") &&
	    fd_write_str(v2, "cgroup.freeze", "0", &ignored) < 0)
		err_clear(&ignored);
	return 0;
}

/* Depth first. EBUSY: a killed process is not quite gone yet. */
static int remove_tree(int dir, const char *path, uint64_t since_ns, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = 0;

	list_groups(dir, path, &names);
	strv_foreach (i, &names) {
		AUTO_FREE char *child = str_fmt("%s/%s", path, names.v[i]);

		if (r == 0)
			r = remove_tree(dir, child, since_ns, e);
	}
	while (r == 0 && unlinkat(dir, path, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		if (errno != EBUSY || expired(since_ns))
			return err_set(e, errno, "remove cgroup '%s'", path);
		wait_step();
	}
	return r;
}

static void remove_empty_parents(int dir, const char *path)
{
	AUTO_FREE char *up = str_dup(path);
	char *slash;

	while ((slash = strrchr(up, '/'))) {
		*slash = '\0';
		if (unlinkat(dir, up, AT_REMOVEDIR) < 0 && errno != ENOENT)
			break; /* EBUSY: it has other children */
	}
}

/* The group may be half there (a crash): each hierarchy is looked at on its own. */
static void kill_leftovers(const struct cgroup_host *h, const char *path)
{
	struct cgroup *g = NULL;
	struct err ignored = ERR_INIT;
	uint64_t start = proc_now_ns();

	if (cgroup_open(h, path, &g, &ignored) == 0) {
		if (!cgroup_is_empty(g) && cgroup_kill(g, &ignored) < 0)
			err_clear(&ignored);
		while (!cgroup_is_empty(g) && !expired(start))
			wait_step();
		cgroup_free(g);
	}
	for (size_t i = 0; i < h->n; i++) {
		AUTO_CLOSE int dir =
			openat(h->hier[i].fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		while (dir >= 0 && signal_tree(dir, SIGKILL, 0) > 0 && !expired(start))
			wait_step();
	}
}

static int destroy(const struct cgroup_host *h, const char *path, bool alone,
		   struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	uint64_t start = proc_now_ns();
	int r = cgroup_check_path(path, &parts, e);

	if (r < 0)
		return r;
	kill_leftovers(h, path);
	for (size_t i = 0; i < h->n && r == 0; i++) {
		r = remove_tree(h->hier[i].fd, path, start, e);
		if (r == 0 && !alone)
			remove_empty_parents(h->hier[i].fd, path);
	}
	return r;
}

int cgroup_destroy(const struct cgroup_host *h, const char *path, struct err *e)
{
	return destroy(h, path, false, e);
}

int cgroup_destroy_alone(const struct cgroup_host *h, const char *path, struct err *e)
{
	return destroy(h, path, true, e);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int cgroup_children(const struct cgroup_host *h, const char *path, struct strv *ret,
		    struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	int r = cgroup_check_path(path, &parts, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < h->n; i++)
		list_groups(h->hier[i].fd, path, ret);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}
