/*
 * oci/config_linux.c - "linux" of a config.json. See config.h. Does not know resources,
 * which are cgroups' (resources.c).
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "runtime/oci/config.h"
#include "runtime/oci/member.h"

static int parse_namespace(struct oci_at at, struct oci_config *c, struct err *e)
{
	const char *type = NULL, *path = NULL;
	size_t i = 0;
	int r = oci_need(at, "type", &type, e);

	if (r == 0)
		r = oci_text(at, "path", &path, e);
	if (r < 0)
		return r;
	while (i < OCI_NAMESPACES && !str_eq(oci_namespaces[i].name, type))
		i++;
	if (i == OCI_NAMESPACES)
		return oci_bad(e, at, "type", "is %s, which is unknown", type);
	if (c->namespaces & oci_namespaces[i].flag)
		return oci_bad(e, at, "type", "%s stands there twice", type);
	c->namespaces |= oci_namespaces[i].flag;
	if (path && *path == '/')
		c->ns_path[i] = str_dup(path);
	else if (path && *path)
		return oci_bad(e, at, "path", "is not absolute: %s", path);
	else if (oci_namespaces[i].flag != CLONE_NEWUSER)
		c->exact.new_ns |= oci_namespaces[i].flag;
	return 0;
}

static int parse_namespaces(struct oci_at l, struct oci_config *c, struct err *e)
{
	const json_t *list = NULL;
	int r = oci_array(l, "namespaces", &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct oci_at at;

		r = oci_item(list, i, "linux.namespaces.", &at, e);
		if (r == 0)
			r = parse_namespace(at, c, e);
	}
	c->exact.host_mounts = !(c->namespaces & CLONE_NEWNS);
	c->exact.own_cgroup_ns = c->namespaces & CLONE_NEWCGROUP;
	return r;
}

static int parse_mappings(struct oci_at l, struct oci_config *c, struct err *e)
{
	const json_t *uids = NULL, *gids = NULL;
	bool wanted = c->namespaces & CLONE_NEWUSER;
	int r = oci_array(l, "uidMappings", &uids, e);

	if (r == 0)
		r = oci_array(l, "gidMappings", &gids, e);
	if (r == 0)
		r = oci_config_idmaps(uids, "linux.uidMappings.", &c->uids, e);
	if (r == 0)
		r = oci_config_idmaps(gids, "linux.gidMappings.", &c->gids, e);
	if (r < 0)
		return r;
	if (!wanted && (c->uids.n || c->gids.n))
		return oci_bad(e, l, "uidMappings", "wants a namespace of type user");
	for (size_t i = 0; i < OCI_NAMESPACES; i++)
		if (c->ns_path[i] && oci_namespaces[i].flag == CLONE_NEWUSER)
			wanted = false;
	if (wanted && (!c->uids.n || !c->gids.n))
		return oci_bad(e, l, "uidMappings",
			       "and 'gidMappings' are missing for the user namespace");
	return 0;
}

static int parse_device(struct oci_at at, struct container_exact *x, struct err *e)
{
	int64_t major = 0, minor = 0, mode = 0666, uid = 0, gid = 0;
	const char *type = NULL, *path = NULL;
	struct container_exact_device *d;
	int r = oci_need(at, "path", &path, e);

	if (r == 0)
		r = oci_need(at, "type", &type, e);
	if (r == 0 && *path != '/')
		r = oci_bad(e, at, "path", "is not absolute: %s", path);
	if (r == 0 && (strlen(type) != 1 || !strchr("cbup", *type)))
		r = oci_bad(e, at, "type", "is %s, not c, b, u or p", type);
	if (r == 0)
		r = oci_number(at, "major", 0, (1 << 12) - 1, &major, e);
	if (r == 0)
		r = oci_number(at, "minor", 0, (1 << 20) - 1, &minor, e);
	if (r == 0)
		r = oci_number(at, "fileMode", 0, 0xffff, &mode, e);
	if (r == 0)
		r = oci_number(at, "uid", 0, UINT32_MAX - 1, &uid, e);
	if (r == 0)
		r = oci_number(at, "gid", 0, UINT32_MAX - 1, &gid, e);
	for (size_t i = 0; r == 0 && i < x->n_devices; i++)
		if (str_eq(x->devices[i].path, path))
			r = oci_bad(e, at, "path", "%s stands there twice", path);
	if (r < 0)
		return r;
	x->devices = mem_grow(x->devices, x->n_devices + 1, sizeof(*x->devices));
	d = &x->devices[x->n_devices++];
	*d = (struct container_exact_device){
		.path = str_dup(path),
		.type = *type == 'u' ? 'c' : *type,
		.major = (unsigned)major,
		.minor = (unsigned)minor,
		.mode = (mode_t)mode & 07777,
		.uid = (uid_t)uid,
		.gid = (gid_t)gid,
	};
	return 0;
}

static int parse_devices(struct oci_at l, struct oci_config *c, struct err *e)
{
	const json_t *list = NULL;
	int r = oci_array(l, "devices", &list, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct oci_at at;

		r = oci_item(list, i, "linux.devices.", &at, e);
		if (r == 0)
			r = parse_device(at, &c->exact, e);
	}
	return r;
}

static int parse_sysctls(struct oci_at l, struct oci_config *c, struct err *e)
{
	struct oci_at all;
	const char *key;
	json_t *value;
	int r = oci_object(l, "sysctl", "linux.sysctl.", &all, e);

	if (r < 0 || !all.j)
		return r;
	json_object_foreach ((json_t *)all.j, key, value) {
		if (!json_is_string(value))
			return oci_bad(e, all, key, "is not a string");
		if (str_starts(key, "net.") && !(c->namespaces & CLONE_NEWNET))
			return oci_bad(e, all, key, "wants a namespace of type network");
		if (!str_starts(key, "net.") && !str_eq(key, "kernel.domainname") &&
		    !(c->namespaces & CLONE_NEWIPC))
			return oci_bad(e, all, key, "wants a namespace of type ipc");
		strv_take(&c->spec.sysctls,
			  str_fmt("%s=%s", key, json_string_value(value)));
	}
	return 0;
}

static int parse_paths(struct oci_at l, const char *key, struct strv *ret, struct err *e)
{
	int r = oci_texts(l, key, ret, e);

	for (size_t i = 0; r == 0 && i < ret->n; i++)
		if (*ret->v[i] != '/')
			r = oci_bad(e, l, key, "has '%.100s', which is not absolute",
				    ret->v[i]);
	return r;
}

static int parse_propagation(struct oci_at l, struct oci_config *c, struct err *e)
{
	static const struct {
		const char *name;
		unsigned flags;
	} rows[] = {
		{ "private", MS_PRIVATE },
		{ "rprivate", MS_PRIVATE | MS_REC },
		{ "shared", MS_SHARED },
		{ "rshared", MS_SHARED | MS_REC },
		{ "slave", MS_SLAVE },
		{ "rslave", MS_SLAVE | MS_REC },
		{ "unbindable", MS_UNBINDABLE },
		{ "runbindable", MS_UNBINDABLE | MS_REC },
	};
	const char *name = NULL;
	int r = oci_text(l, "rootfsPropagation", &name, e);

	if (r < 0 || !name || !*name)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].name, name)) {
			c->exact.root_propagation = rows[i].flags;
			return 0;
		}
	return oci_bad(e, l, "rootfsPropagation", "is %s, which is unknown", name);
}

static int parse_seccomp(struct oci_at l, struct oci_config *c, struct err *e)
{
	struct oci_at s;
	int r = oci_object(l, "seccomp", "linux.seccomp.", &s, e);

	if (r < 0 || !s.j)
		return r;
	r = container_seccomp_compile(s.j, &c->exact.filter, &c->exact.filter_flags, e);
	return r < 0 ? err_ctx(e, "config") : 0;
}

/* What this runtime does not do is said, not passed over. */
static int refuse(struct oci_at l, struct err *e)
{
	static const char *const keys[] = { "intelRdt", "personality", "timeOffsets" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const json_t *v = json_object_get(l.j, keys[i]);

		if (json_is_string(v) && !json_string_length(v))
			continue;
		if (v && !json_is_null(v))
			return oci_bad(e, l, keys[i], "is not supported");
	}
	return 0;
}

int oci_config_linux(const json_t *linux_, struct oci_config *c, struct err *e)
{
	struct oci_at l = { linux_, "linux." }, ignored;
	const char *path = NULL;
	int r = parse_namespaces(l, c, e);

	if (r == 0)
		r = parse_mappings(l, c, e);
	if (r == 0)
		r = parse_devices(l, c, e);
	if (r == 0)
		r = parse_sysctls(l, c, e);
	if (r == 0)
		r = parse_paths(l, "maskedPaths", &c->exact.masked, e);
	if (r == 0)
		r = parse_paths(l, "readonlyPaths", &c->exact.read_only, e);
	if (r == 0)
		r = parse_propagation(l, c, e);
	if (r == 0)
		r = refuse(l, e);
	if (r == 0)
		r = oci_object(l, "resources", "linux.resources.", &ignored, e);
	if (r == 0)
		r = oci_text(l, "cgroupsPath", &path, e);
	if (r == 0 && path && *path)
		c->cgroups_path = str_dup(path);
	return r < 0 ? r : parse_seccomp(l, c, e);
}
