/* oci/group.c - see group.h. */
#include "runtime/oci/group.h"

#include <errno.h>
#include <string.h>

/* Where none is told. */
#define OURS "minibox-oci"

/* Each dash of a slice's name stands for a parent; "-.slice" is the root. */
static int add_slice(struct buf *path, const char *slice, struct err *e)
{
	size_t len = strlen(slice);
	const char *end = slice + len - strlen(".slice");

	if (str_eq(slice, "-.slice"))
		return 0;
	if (len <= strlen(".slice") || !str_eq(end, ".slice") || strchr(slice, '/') ||
	    *slice == '-' || end[-1] == '-' || strstr(slice, "--"))
		return err_msg(e, EINVAL,
			       "config: 'linux.cgroupsPath' has '%s', no name of a slice",
			       slice);
	for (const char *dash = slice; (dash = strchr(dash, '-')); dash++)
		buf_addf(path, "%.*s.slice/", (int)(dash - slice), slice);
	buf_addf(path, "%s/", slice);
	return 0;
}

static int systemd_path(const char *told, char **ret, struct err *e)
{
	AUTO_FREE char *slice = str_dup(told);
	char *prefix = strchr(slice, ':'),
	     *name = prefix ? strchr(prefix + 1, ':') : NULL;
	AUTO_BUF struct buf path = BUF_INIT;
	int r;

	if (!name || !name[1] || strchr(prefix, '/'))
		return err_msg(e, EINVAL,
			       "config: 'linux.cgroupsPath' is not "
			       "SLICE:PREFIX:NAME, as --systemd-cgroup wants");
	*prefix++ = *name++ = '\0';
	r = add_slice(&path, *slice ? slice : "system.slice", e);
	if (r < 0)
		return r;
	buf_addf(&path, "%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	*ret = buf_take(&path);
	return 0;
}

int oci_cgroup_path(const char *told, const char *id, bool systemd, char **ret,
		    struct err *e)
{
	if (!told || !*told) {
		*ret = str_fmt(OURS "/%s", id);
		return 0;
	}
	if (systemd)
		return systemd_path(told, ret, e);
	told += strspn(told, "/");
	*ret = str_dup(*told ? told : OURS);
	return 0;
}

int oci_group_open(const struct oci_state *s, struct cgroup **ret, struct err *e)
{
	struct cgroup_host *h = NULL;
	int r = cgroup_host_open(&h, e);

	*ret = NULL;
	if (r == 0)
		r = cgroup_open(h, s->cgroup, ret, e);
	cgroup_host_free(h);
	return r < 0 ? r : 0;
}

int oci_group_destroy(const struct cgroup_host *h, const char *path, struct err *e)
{
	return str_starts(path, OURS "/") ? cgroup_destroy(h, path, e)
					  : cgroup_destroy_alone(h, path, e);
}
