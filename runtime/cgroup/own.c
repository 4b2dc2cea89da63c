/*
 * cgroup/own.c - the group that the caller is in, and whether it was given away. See
 * cgroup.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

/* "0::/system.slice/a.service": the unified hierarchy's line is the one without names. */
char *cgroup_own_parse(char *text)
{
	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		if (str_starts(l, "0::/") && l[4] && !str_ends(l, " (deleted)"))
			return str_dup(l + 4);
	return NULL;
}

/* systemd marks what it has given away, and does not touch it from then on. */
static bool is_delegated(const struct cgroup_host *h, const char *path)
{
	for (size_t i = 0; i < h->n; i++) {
		AUTO_FREE char *full = str_fmt("%s/%s", h->hier[i].mount, path);
		char value[2] = "";

		if (h->hier[i].unified)
			return getxattr(full, "trusted.delegate", value, 1) == 1 &&
			       *value == '1';
	}
	return false;
}

int cgroup_delegated(const struct cgroup_host *h, char **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	AUTO_FREE char *path = NULL;
	int r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", 65536, &text, e);

	if (r < 0)
		return r;
	path = cgroup_own_parse(text.data);
	if (!path || !is_delegated(h, path))
		return CGROUP_E_ABSENT;
	*ret = TAKE(path);
	return 0;
}

static int enter(int root, const char *path, struct err *e)
{
	AUTO_CLOSE int dir = -1;

	for (const char *slash = path; slash;) {
		AUTO_FREE char *up = NULL;

		slash = strchr(slash + 1, '/');
		up = slash ? str_ndup(path, (size_t)(slash - path)) : str_dup(path);
		if (mkdirat(root, up, 0755) < 0 && errno != EEXIST)
			return err_set(e, errno, "mkdir '%s'", up);
	}
	dir = openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, errno, "open its directory");
	return fd_write_str(dir, "cgroup.procs", "0", e);
}

int cgroup_enter(const struct cgroup_host *h, const char *path, struct err *e)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	int r = cgroup_check_path(path, &parts, e);

	for (size_t i = 0; r == 0 && i < h->n; i++)
		if (h->hier[i].unified)
			r = enter(h->hier[i].fd, path, e);
	return r < 0 ? err_ctx(e, "cgroup '%s'", path) : 0;
}

bool cgroup_exists(const struct cgroup_host *h, const char *path)
{
	for (size_t i = 0; i < h->n; i++)
		if (faccessat(h->hier[i].fd, path, F_OK, 0) == 0)
			return true;
	return false;
}
