/* oci/config.c - see config.h: the document's top, and what it names opened. */
#include "runtime/oci/config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/oci/member.h"

/* In the order of entering: user last, because then the host's rights are gone. */
const struct oci_namespace oci_namespaces[OCI_NAMESPACES] = {
	{ "network", CLONE_NEWNET },   { "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },
	{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME }, { "pid", CLONE_NEWPID },
	{ "mount", CLONE_NEWNS },      { "user", CLONE_NEWUSER },
};

void oci_config_init(struct oci_config *c)
{
	memset(c, 0, sizeof(*c));
	container_spec_init(&c->spec);
	container_exact_init(&c->exact);
	c->spec.exact = &c->exact;
	c->spec.no_new_privs = false;
}

void oci_config_free(struct oci_config *c)
{
	for (size_t i = 0; i < c->n_idmapped; i++) {
		free(c->idmapped[i].uids.v);
		free(c->idmapped[i].gids.v);
		if (c->idmapped[i].fd != c->spec.userns_fd)
			fd_auto_close(&c->idmapped[i].fd);
	}
	free(c->idmapped);
	fd_auto_close(&c->spec.rootfs_fd);
	fd_auto_close(&c->spec.userns_fd);
	for (size_t i = 0; i < c->exact.n_join; i++)
		fd_auto_close(&c->exact.join_ns[i]);
	for (size_t i = 0; i < OCI_NAMESPACES; i++)
		free(c->ns_path[i]);
	free(c->uids.v);
	free(c->gids.v);
	free(c->rootfs);
	free(c->cgroups_path);
	container_exact_free(&c->exact);
	container_spec_free(&c->spec);
	json_decref(c->json);
	oci_config_init(c);
}

int oci_config_idmaps(const json_t *list, const char *where, struct container_idmaps *ret,
		      struct err *e)
{
	size_t n = json_array_size(list);

	if (n > 340) /* the kernel's own limit */
		return err_msg(e, EINVAL, "config: '%.*s' has more than 340 members",
			       (int)strlen(where) - 1, where);
	ret->v = mem_new(n + 1, sizeof(*ret->v));
	for (size_t i = 0; i < n; i++) {
		int64_t inside = -1, outside = -1, size = -1;
		struct oci_at at;
		int r = oci_item(list, i, where, &at, e);

		if (r == 0)
			r = oci_number(at, "containerID", 0, UINT32_MAX, &inside, e);
		if (r == 0)
			r = oci_number(at, "hostID", 0, UINT32_MAX, &outside, e);
		if (r == 0)
			r = oci_number(at, "size", 1, UINT32_MAX, &size, e);
		if (r == 0 && (inside < 0 || outside < 0 || size < 0))
			r = oci_bad(e, at, "size",
				    "or a neighbour of it is missing in a mapping");
		if (r < 0)
			return r;
		ret->v[ret->n++] =
			(struct container_idmap){ (uint32_t)inside, (uint32_t)outside,
						  (uint32_t)size };
	}
	return 0;
}

static int parse_version(struct oci_at top, struct err *e)
{
	const char *v = NULL;
	int r = oci_need(top, "ociVersion", &v, e);

	if (r == 0 && !str_starts(v, "1."))
		r = oci_bad(e, top, "ociVersion", "is %s; 1.x is supported", v);
	return r;
}

static int parse_root(struct oci_at top, const char *bundle, struct oci_config *c,
		      struct err *e)
{
	struct oci_at root;
	const char *path = NULL;
	int r = oci_object(top, "root", "root.", &root, e);

	if (r == 0)
		r = oci_need(root, "path", &path, e);
	if (r == 0)
		r = oci_flag(root, "readonly", &c->spec.read_only, e);
	if (r == 0)
		c->rootfs = *path == '/' ? str_dup(path) : str_fmt("%s/%s", bundle, path);
	return r;
}

static int parse_names(struct oci_at top, struct oci_config *c, struct err *e)
{
	const char *host = NULL, *domain = NULL;
	int r = oci_text(top, "hostname", &host, e);

	if (r == 0)
		r = oci_text(top, "domainname", &domain, e);
	if (r < 0)
		return r;
	if (host && *host)
		c->spec.hostname = str_dup(host);
	if (domain && *domain)
		c->exact.domainname = str_dup(domain);
	if ((c->spec.hostname || c->exact.domainname) && !(c->namespaces & CLONE_NEWUTS))
		return oci_bad(e, top, "hostname",
			       "and 'domainname' want a namespace of type uts");
	return 0;
}

static int check_annotations(struct oci_at top, struct err *e)
{
	struct oci_at all;
	const char *key;
	json_t *value;
	int r = oci_object(top, "annotations", "annotations.", &all, e);

	if (r < 0 || !all.j)
		return r;
	json_object_foreach ((json_t *)all.j, key, value) {
		if (!json_is_string(value))
			return oci_bad(e, all, key, "is not a string");
		if (!*key)
			return oci_bad(e, all, key, "has no name");
	}
	return 0;
}

static int check_hook(const json_t *list, size_t i, const char *where, struct err *e)
{
	AUTO_STRV struct strv ignored = STRV_INIT;
	int64_t timeout = 1;
	const char *path = NULL;
	struct oci_at at;
	int r = oci_item(list, i, where, &at, e);

	if (r == 0)
		r = oci_need(at, "path", &path, e);
	if (r == 0 && *path != '/')
		r = oci_bad(e, at, "path", "is not absolute: %s", path);
	if (r == 0)
		r = oci_texts(at, "args", &ignored, e);
	if (r == 0)
		r = oci_texts(at, "env", &ignored, e);
	if (r == 0)
		r = oci_number(at, "timeout", 1, INT32_MAX, &timeout, e);
	return r;
}

static int check_hooks(struct oci_at top, struct err *e)
{
	static const char *const kinds[] = { "prestart",        "createRuntime",
					     "createContainer", "startContainer",
					     "poststart",       "poststop" };
	struct oci_at hooks;
	int r = oci_object(top, "hooks", "hooks.", &hooks, e);

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(kinds); k++) {
		AUTO_FREE char *where = str_fmt("hooks.%s.", kinds[k]);
		const json_t *list = NULL;

		r = oci_array(hooks, kinds[k], &list, e);
		for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
			r = check_hook(list, i, where, e);
	}
	return r;
}

int oci_config_parse(json_t *json, const char *bundle, struct oci_config *c,
		     struct err *e)
{
	struct oci_at top = { json, "" }, part;
	const json_t *mounts = NULL;
	int r;

	if (!json_is_object(json))
		return err_msg(e, EINVAL, "config: 'config.json' is not an object");
	c->json = json_incref(json);
	r = parse_version(top, e);
	if (r == 0)
		r = parse_root(top, bundle, c, e);
	if (r == 0)
		r = oci_array(top, "mounts", &mounts, e);
	if (r == 0)
		r = oci_config_mounts(mounts, bundle, c, e);
	if (r == 0)
		r = oci_object(top, "linux", "linux.", &part, e);
	if (r == 0)
		r = oci_config_linux(part.j, c, e);
	if (r == 0)
		r = oci_object(top, "process", "process.", &part, e);
	if (r == 0 && !part.j)
		r = oci_bad(e, top, "process", "is missing");
	if (r == 0)
		r = oci_config_process(part.j, c, e);
	if (r == 0)
		r = parse_names(top, c, e);
	if (r == 0)
		r = check_annotations(top, e);
	return r < 0 ? r : check_hooks(top, e);
}

static int open_namespaces(struct oci_config *c, struct err *e)
{
	for (size_t i = 0; i < OCI_NAMESPACES; i++) {
		int fd;

		if (!c->ns_path[i])
			continue;
		fd = open(c->ns_path[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_set(e, errno, "open %s namespace '%s'",
				       oci_namespaces[i].name, c->ns_path[i]);
		/* NS_GET_NSTYPE: a namespace of another kind would leave the container in
		 * one of the host's */
		if (ioctl(fd, NS_GET_NSTYPE) != oci_namespaces[i].flag) {
			close(fd);
			return err_msg(e, EINVAL, "'%s' is not a %s namespace",
				       c->ns_path[i], oci_namespaces[i].name);
		}
		if (oci_namespaces[i].flag == CLONE_NEWUSER)
			c->spec.userns_fd = fd;
		else
			c->exact.join_ns[c->exact.n_join++] = fd;
	}
	return 0;
}

static int open_idmapped(struct oci_config *c, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < c->n_idmapped && r == 0; i++) {
		struct oci_idmapped *m = &c->idmapped[i];

		if (m->uids.n)
			r = container_userns_create_maps(&m->uids, &m->gids, &m->fd, e);
		else if (c->spec.userns_fd >= 0)
			m->fd = c->spec.userns_fd;
		else
			r = err_msg(
				e, EINVAL,
				"config: the mount on '%s' is idmapped, but there "
				"is neither a mapping of its own nor a user namespace",
				c->exact.mounts[m->mount].target);
		c->exact.mounts[m->mount].idmap_fd = m->fd;
	}
	return r;
}

/* Where the kernel has no SELinux a label means nothing; where it has, it would be
 * missing. */
static int check_labels(const struct oci_config *c, struct err *e)
{
	const json_t *process = json_object_get(c->json, "process");
	const json_t *linux_ = json_object_get(c->json, "linux");

	if (!*json_str(process, "selinuxLabel", "") &&
	    !*json_str(linux_, "mountLabel", ""))
		return 0;
	if (access("/sys/fs/selinux/enforce", F_OK) < 0)
		return 0;
	return err_msg(e, ENOTSUP,
		       "config: 'process.selinuxLabel' and "
		       "'linux.mountLabel' are not supported");
}

int oci_config_open(struct oci_config *c, struct err *e)
{
	int r = check_labels(c, e);

	if (r == 0)
		r = open_namespaces(c, e);
	if (c->exact.host_mounts)
		log_warn("there is no mount namespace: 'mounts', 'linux.devices' and "
			 "masked paths are left out");
	if (r == 0 && (c->namespaces & CLONE_NEWUSER) && c->spec.userns_fd < 0)
		r = container_userns_create_maps(&c->uids, &c->gids, &c->spec.userns_fd,
						 e);
	if (r == 0)
		r = open_idmapped(c, e);
	if (r < 0)
		return r;
	c->spec.rootfs_fd = open(c->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->spec.rootfs_fd < 0)
		return err_set(e, errno, "open root file system '%s'", c->rootfs);
	return 0;
}
