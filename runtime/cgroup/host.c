/* cgroup/host.c - which hierarchies this machine has. See hier.h, cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/cgroup/hier.h"

enum { MOUNTINFO_MAX = 16 << 20 };

static const struct {
	unsigned bit;
	const char *name;
} controllers[] = {
	{ CTL_MEMORY, "memory" },   { CTL_CPU, "cpu" },
	{ CTL_PIDS, "pids" },       { CTL_CPUSET, "cpuset" },
	{ CTL_DEVICES, "devices" }, { CTL_FREEZER, "freezer" },
	{ CTL_CPUACCT, "cpuacct" }, { CTL_IO, "io" },
	{ CTL_IO, "blkio" },
};

const char *cgroup_controller_name(unsigned controller)
{
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
		if (controllers[i].bit == controller)
			return controllers[i].name;
	return "";
}

static unsigned parse_controllers(char *words, const char *seps)
{
	unsigned found = 0;

	for (char *save = NULL, *w = strtok_r(words, seps, &save); w;
	     w = strtok_r(NULL, seps, &save))
		for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
			if (str_eq(w, controllers[i].name))
				found |= controllers[i].bit;
	return found;
}

/* The kernel writes space, tab, newline and backslash as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
				       (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

/* "36 25 0:31 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory" */
static bool parse_line(char *line, struct hier *ret)
{
	char *tail = strstr(line, " - "), *save = NULL, *field, *type, *options;

	if (!tail)
		return false;
	*tail = '\0';
	tail += 3;
	field = strtok_r(line, " ", &save);
	for (int i = 1; i < 5 && field; i++)
		field = strtok_r(NULL, " ", &save);
	type = strtok_r(tail, " ", &save);
	(void)strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	if (!field || !type || !options)
		return false;
	*ret = (struct hier){ .mount = field,
			      .fd = -1,
			      .unified = str_eq(type, "cgroup2") };
	if (!ret->unified && !str_eq(type, "cgroup"))
		return false;
	if (!ret->unified)
		ret->controllers = parse_controllers(options, ",");
	unescape(field);
	/* "name=systemd" and the like carry no controller of ours */
	return ret->unified || ret->controllers;
}

/* The same hierarchy may be mounted several times: its first mount point serves. */
static bool is_known(const struct cgroup_host *h, const struct hier *new)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->hier[i].unified == new->unified &&
		    (new->unified || (h->hier[i].controllers & new->controllers)))
			return true;
	return false;
}

void cgroup_host_parse(char *mountinfo, struct cgroup_host *ret)
{
	struct hier one;

	ret->n = 0;
	for (char *save = NULL, *l = strtok_r(mountinfo, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		if (ret->n == HIER_MAX || !parse_line(l, &one) || is_known(ret, &one))
			continue;
		one.mount = str_dup(one.mount);
		ret->hier[ret->n++] = one;
	}
}

static int open_hier(struct hier *h, const char *prefix, struct err *e)
{
	AUTO_FREE char *path = str_fmt("%s%s", prefix, h->mount);
	AUTO_BUF struct buf text = BUF_INIT;
	int r;

	h->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->fd < 0)
		return err_set(e, errno, "open cgroup hierarchy '%s'", path);
	if (!h->unified)
		return 0;
	r = fd_read_file(h->fd, "cgroup.controllers", 4096, &text, e);
	if (r < 0)
		return r;
	h->controllers = parse_controllers(text.data, " \n");
	return 0;
}

struct cgroup_host *cgroup_host_free(struct cgroup_host *h)
{
	for (size_t i = 0; h && i < h->n; i++) {
		free(h->hier[i].mount);
		fd_auto_close(&h->hier[i].fd);
	}
	free(h);
	return NULL;
}

/* v2 has no controller for devices: a filter may be given to any of its groups. */
static void find_devices(struct cgroup_host *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->hier[i].controllers & CTL_DEVICES)
			return;
	for (size_t i = 0; i < h->n; i++)
		if (h->hier[i].unified)
			h->hier[i].controllers |= CTL_DEVICES;
}

int cgroup_host_find(char *mountinfo, const char *prefix, struct cgroup_host **ret,
		     struct err *e)
{
	struct cgroup_host *h = mem_new(1, sizeof(*h));
	int r = 0;

	cgroup_host_parse(mountinfo, h);
	if (h->n == 0)
		r = err_msg(e, ENOENT,
			    "no cgroup hierarchy is mounted on '/sys/fs/cgroup'");
	for (size_t i = 0; i < h->n && r == 0; i++)
		r = open_hier(&h->hier[i], prefix, e);
	find_devices(h);
	if (r < 0) {
		cgroup_host_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

int cgroup_host_open(struct cgroup_host **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, e);

	return r < 0 ? r : cgroup_host_find(text.data, "", ret, e);
}

int cgroup_host_version(const struct cgroup_host *h)
{
	const unsigned both = CTL_MEMORY | CTL_PIDS;

	for (size_t i = 0; i < h->n; i++)
		if (h->hier[i].unified && (h->hier[i].controllers & both) == both)
			return 2;
	return 1;
}

char *cgroup_memory_dir(const struct cgroup_host *h, const char *path)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->hier[i].controllers & CTL_MEMORY)
			return str_fmt("%s/%s", h->hier[i].mount, path);
	return NULL;
}
