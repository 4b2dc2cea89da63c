/*
 * stack/instance.c - making and removing the kernel objects of one container.
 *
 * Each object has a name that follows from stack and service, so instance_destroy()
 * removes what is there whoever made it and however far that came.
 */
#include "runtime/stack/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/stack/before.h"
#include "runtime/stack/conf/value.h"
#include "runtime/stack/confine.h"
#include "runtime/stack/etc.h"
#include "runtime/stack/secret.h"
#include "runtime/stack/specmake.h"
#include "runtime/stack/volume.h"

/* "containers/STACK[@ID]": two run directories may share a store and a stack's name, and
 * an upper directory must never be mounted twice. */
char *instance_uppers(const struct stack_host *h, const char *stack)
{
	return str_fmt("containers/%s%s%s", stack, *h->id ? "@" : "", h->id);
}

uid_t instance_ids(const struct instance_source *src)
{
	return src->svc->userns == MODEL_USERNS_ISOLATED
		       ? record_ids(src->rec, src->svc->name)
		       : src->rec->uid_base;
}

static int make_userns(const struct instance_source *src, struct record_service *rs,
		       int dir, int *ret, struct err *e)
{
	int r;

	rs->userns = src->svc->userns != MODEL_USERNS_HOST;
	if (!rs->userns)
		return 0;
	r = container_userns_create(instance_ids(src), ret, e);
	if (r == 0)
		r = container_ns_pin(*ret, dir, "userns", e);
	return r;
}

/* What cannot be idmapped decides for the whole service: half of its files owned by
 * nobody would be worse than no user namespace. @what names the culprit. */
static int give_up_userns(const struct instance_source *src, struct record_service *rs,
			  int dir, int *userns, const char *what, struct err *e)
{
	if (src->svc->userns == MODEL_USERNS_REQUIRED ||
	    src->svc->userns == MODEL_USERNS_ISOLATED)
		return err_msg(e, ENOTSUP,
			       "'userns %s', but %s cannot be idmapped by this kernel",
			       src->svc->userns == MODEL_USERNS_REQUIRED ? "required"
									 : "isolated",
			       what);
	log_warn("service '%s': %s cannot be idmapped by this kernel: it runs without a "
		 "user "
		 "namespace, its root is the host's",
		 rs->name, what);
	fd_auto_close(userns);
	*userns = -1;
	rs->userns = false;
	return container_pin_remove(dir, "userns", e);
}

static int check_binds(const struct instance_source *src, struct record_service *rs,
		       int dir, int *userns, struct err *e)
{
	for (size_t i = 0; i < src->svc->n_mounts && *userns >= 0; i++) {
		const struct model_mount *m = &src->svc->mounts[i];
		AUTO_CLOSE int fd = -1;
		int r;

		if (m->type != MODEL_BIND)
			continue;
		fd = open(m->source, O_PATH | O_CLOEXEC);
		if (fd < 0)
			return err_set(e, errno, "%s:%u:%u: open '%s'", m->pos.file,
				       m->pos.line, m->pos.col, m->source);
		r = container_can_idmap(fd, *userns, e);
		if (r == 1) {
			AUTO_FREE char *what = str_fmt("'%s'", m->source);

			r = give_up_userns(src, rs, dir, userns, what, e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int mount_root(const struct instance_source *src, struct record_service *rs,
		      int dir, int *userns, int *ret, struct err *e)
{
	AUTO_FREE char *uppers = instance_uppers(src->h, src->rec->name);
	AUTO_FREE char *upper =
		str_fmt("%s/%s/%s.%u", src->h->root, uppers, rs->name, rs->instance);
	struct image_mount_opts o = { .userns_fd = *userns,
				      .upper_dir = upper,
				      .by_path = getenv("MINIBOX_LAYERS_BY_PATH") != NULL,
				      .scratch = NULL };
	AUTO_FREE char *scratch =
		str_fmt("%s/%s/%s", src->h->run, src->rec->name, rs->name);
	AUTO_CLOSE int made = -1, tree = -1, at = -1;
	int r;

	o.scratch = scratch;
	r = fd_mkdirs(src->h->root_fd, upper + strlen(src->h->root) + 1, 0700, &made, e);
	if (r == 0)
		r = image_mount(src->store, src->img, &o, &tree, e);
	if (r == IMAGE_E_NO_IDMAP) {
		r = give_up_userns(src, rs, dir, userns, "the image store", e);
		o.userns_fd = -1;
		if (r == 0)
			r = image_mount(src->store, src->img, &o, &tree, e);
	}
	if (r > 0)
		r = err_msg(e, EIO, "image '%s' cannot be mounted", src->svc->image);
	if (r == 0)
		r = fd_mkdir(dir, "root", 0700, &at, e);
	if (r == 0 && move_mount(tree, "", at, "",
				 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = err_set(e, errno, "mount root file system");
	if (r < 0)
		return r;
	*ret = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? err_set(e, errno, "open root file system") : 0;
}

static int make_network(const struct instance_source *src,
			const struct record_service *rs, int dir, int userns,
			struct err *e)
{
	struct netns_port p = { .bridge = src->rec->bridge,
				.prefix = src->rec->subnet.prefix };
	char host_if[16];
	AUTO_CLOSE int fd = -1;
	int r = container_netns_create(userns, &fd, e);

	if (r == 0)
		r = container_ns_pin(fd, dir, "netns", e);
	if (r < 0)
		return r;
	netns_veth_name(src->h->run, src->rec->name, rs->name, host_if);
	p.host_if = host_if;
	p.netns_fd = fd;
	if (!netns_subnet_host(&src->rec->subnet, rs->host, &p.addr) ||
	    !netns_subnet_host(&src->rec->subnet, 1, &p.gateway))
		return err_msg(e, EADDRNOTAVAIL, "no address left in the stack's subnet");
	return netns_attach(&p, e);
}

static bool is_mounted_at(const struct model_service *svc, const char *target)
{
	for (size_t i = 0; i < svc->n_mounts; i++)
		if (strcmp(svc->mounts[i].target, target) == 0)
			return true;
	return false;
}

/* An image's VOLUME that the file mounts nothing on: a volume of this container alone,
 * named by service and a hash of the path, which may hold anything, so that the next
 * container of the service gets it again. */
static int list_anonymous(const struct instance_source *src, struct record_service *rs,
			  struct err *e)
{
	strv_foreach (i, &src->img->volumes) {
		/* "/data/" is the file's "/data", and must not hide what is mounted there
		 */
		AUTO_FREE char *target = value_path(src->img->volumes.v[i]);
		AUTO_FREE char *pair = NULL;

		if (!target)
			return err_msg(e, EINVAL,
				       "VOLUME '%s' of its image is not an absolute path",
				       src->img->volumes.v[i]);
		pair = str_fmt("%s=.anon-%s-%08x", target, rs->name, str_hash(target));
		if (!is_mounted_at(src->svc, target) && !strv_has(&rs->anonymous, pair))
			strv_add(&rs->anonymous, pair);
	}
	return 0;
}

static int make_volumes(const struct instance_source *src,
			const struct record_service *rs, int root, int userns,
			struct err *e)
{
	const char *stack = src->rec->name;
	int r = 0;

	for (size_t i = 0; r == 0 && i < src->svc->n_mounts; i++) {
		const struct model_mount *m = &src->svc->mounts[i];
		const struct model_volume *vol =
			model_volume(src->model, m->source ? m->source : "");

		if (m->type == MODEL_VOLUME && !(vol && vol->from_service))
			r = volume_prepare(src->h, stack, m->source, root, m->target,
					   userns, !m->nocopy, e);
	}
	strv_foreach (i, &rs->anonymous) {
		AUTO_FREE char *target = str_dup(rs->anonymous.v[i]);
		char *eq = strrchr(target, '=');

		*eq = '\0';
		if (r == 0)
			r = volume_prepare(src->h, stack, eq + 1, root, target, userns,
					   true, e);
	}
	return r;
}

static int make_fifo(int dir, const char *name, uid_t owner, gid_t group, struct err *e)
{
	if (mkfifoat(dir, name, 0600) < 0 && errno != EEXIST)
		return err_set(e, errno, "make fifo '%s'", name);
	/* Anyone in the container may write its log, nobody there may read it back. */
	if (fchownat(dir, name, owner, group, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir, name, 0622, 0) < 0)
		return err_set(e, errno, "set owner of '%s'", name);
	return 0;
}

/* @input: standard input, too, which nobody writes to and which never ends. */
static int make_fifos(const struct container_spec *spec, int root, int dir, bool input,
		      struct err *e)
{
	struct container_user u;
	int r = container_user_resolve(root, spec->user ? spec->user : "", &u, e);

	if (r < 0)
		return r;
	r = make_fifo(dir, "stdout", spec->host_id_base + u.uid,
		      spec->host_id_base + u.gid, e);
	if (r == 0)
		r = make_fifo(dir, "stderr", spec->host_id_base + u.uid,
			      spec->host_id_base + u.gid, e);
	if (r == 0 && input)
		r = make_fifo(dir, "stdin", spec->host_id_base + u.uid,
			      spec->host_id_base + u.gid, e);
	container_user_free(&u);
	return r;
}

static int make_spec(const struct instance_source *src, const struct record_service *rs,
		     int root, int dir, struct err *e)
{
	AUTO_FREE char *cgroup = host_cgroup(src->h, src->rec->name, rs->name);
	AUTO_STRV struct strv health = STRV_INIT;
	AUTO_JSON json_t *j = NULL;
	struct container_spec spec;
	int r;

	container_spec_init(&spec);
	specmake(src, rs, &spec);
	specmake_health(src, &health);
	j = json_pack("{s:o,s:b,s:b,s:o,s:o}", "spec", container_spec_format(&spec),
		      "userns", rs->userns, "oom_group", src->svc->oom_group, "health",
		      json_from_strv(&health), "shares", specmake_shares(src));
	r = json_write(dir, "spec.json", j, 0600, e);
	if (r == 0)
		r = before_note(src->model, src->svc, dir, e);
	if (r == 0)
		r = make_fifos(&spec, root, dir, src->svc->stdin_open, e);
	if (r == 0)
		r = etc_write_static(src, rs, spec.hostname, dir, e);
	if (r == 0)
		r = secret_create(src, rs, dir, e);
	if (r == 0)
		r = confine_nodes(src, rs, dir, e);
	if (r == 0)
		r = confine_create(src, rs, cgroup, e);
	container_spec_free(&spec);
	return r;
}

static int make_all(const struct instance_source *src, struct record_service *rs, int dir,
		    struct err *e)
{
	AUTO_CLOSE int userns = -1, root = -1;
	int r = make_userns(src, rs, dir, &userns, e);

	if (r == 0)
		r = check_binds(src, rs, dir, &userns, e);
	if (r == 0)
		r = mount_root(src, rs, dir, &userns, &root, e);
	if (r == 0)
		r = make_network(src, rs, dir, userns, e);
	if (r == 0)
		r = list_anonymous(src, rs, e);
	if (r == 0)
		r = make_volumes(src, rs, root, userns, e);
	return r < 0 ? r : make_spec(src, rs, root, dir, e);
}

/* That of @rs alone: readers of a share may still see an older one. */
static int remove_upper(const struct stack_host *h, const char *stack,
			const struct record_service *rs, struct err *e)
{
	AUTO_FREE char *uppers = instance_uppers(h, stack);
	AUTO_FREE char *rel = str_fmt("%s/%s.%u", uppers, rs->name, rs->instance);
	int r = fd_rm_rf(h->root_fd, rel, e);

	(void)unlinkat(h->root_fd, uppers, AT_REMOVEDIR); /* goes when it is empty */
	return r;
}

int instance_create(const struct instance_source *src, struct record_service *rs,
		    struct err *e)
{
	struct err ignored = ERR_INIT;
	AUTO_CLOSE int dir = -1;
	int r = 0;

	/* What a killed command left of it: not in the record, so nobody's. */
	if (faccessat(src->stack_fd, rs->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = instance_destroy(src->h, src->rec->name, rs->name,
				     INSTANCE_KEEP_UPPER, e);
	if (r == 0)
		r = fd_mkdir(src->stack_fd, rs->name, 0700, &dir, e);
	if (r == 0)
		r = make_all(src, rs, dir, e);
	if (r == 0)
		return 0;
	err_ctx(e, "service '%s'", rs->name);
	fd_auto_close(&dir);
	dir = -1;
	(void)!instance_destroy(src->h, src->rec->name, rs->name, INSTANCE_KEEP_UPPER,
				&ignored);
	err_clear(&ignored);
	(void)!remove_upper(src->h, src->rec->name, rs, &ignored);
	return r;
}

/* Directories NAME.N in the stack's directory of writable layers; *@ret_dir is -1 without
 * one. */
static int list_uppers(struct stack_host *h, const char *stack, int *ret_dir,
		       struct strv *names, struct err *e)
{
	AUTO_FREE char *rel = instance_uppers(h, stack);

	*ret_dir = openat(h->root_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "open '%s'", rel);
	return fd_list(*ret_dir, ".", names, e);
}

/* The N of SERVICE.N, 0 for what is not @service's. */
static uint32_t upper_number(const char *name, const char *service)
{
	size_t n = strlen(service);
	unsigned long long number;

	if (strncmp(name, service, n) != 0 || name[n] != '.' ||
	    !str_u64(name + n + 1, UINT32_MAX, &number))
		return 0;
	return (uint32_t)number;
}

int instance_next(struct stack_host *h, const char *stack, const char *service,
		  uint32_t *ret, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = -1;
	int r = list_uppers(h, stack, &dir, &names, e);

	*ret = 1;
	strv_foreach (i, &names)
		if (upper_number(names.v[i], service) >= *ret)
			*ret = upper_number(names.v[i], service) + 1;
	return r;
}

int instance_trim_uppers(struct stack_host *h, const char *stack, const char *service,
			 uint32_t instance, struct err *e)
{
	AUTO_FREE char *rel = instance_uppers(h, stack);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = -1;
	int r = list_uppers(h, stack, &dir, &names, e);

	strv_foreach (i, &names) {
		uint32_t n = upper_number(names.v[i], service);

		if (r == 0 && n != 0 && (instance == 0 || n < instance))
			r = fd_rm_rf(dir, names.v[i], e);
	}
	(void)unlinkat(h->root_fd, rel, AT_REMOVEDIR); /* goes when it is empty */
	return r;
}

int instance_remove_uppers(struct stack_host *h, const char *stack, struct err *e)
{
	AUTO_FREE char *rel = instance_uppers(h, stack);

	return fd_rm_rf(h->root_fd, rel, e);
}

/* An `up` that mounted layers by path (image_mount_opts.scratch) and was killed. */
static void unmount_scratch(const struct stack_host *h, const char *stack,
			    const char *service, int dir)
{
	struct err ignored = ERR_INIT;
	AUTO_STRV struct strv names = STRV_INIT;

	(void)!fd_list(dir, ".", &names, &ignored);
	strv_foreach (i, &names) {
		AUTO_FREE char *path =
			str_fmt("%s/%s/%s/%s", h->run, stack, service, names.v[i]);

		if (str_starts(names.v[i], "mount."))
			(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
}

int instance_destroy(struct stack_host *h, const char *stack, const char *service,
		     unsigned flags, struct err *e)
{
	AUTO_FREE char *cgroup = host_cgroup(h, stack, service);
	AUTO_FREE char *root = str_fmt("%s/%s/%s/root", h->run, stack, service);
	struct err first = ERR_INIT, one = ERR_INIT;
	struct cgroup_host *cg = NULL;
	AUTO_CLOSE int dir = -1, stack_fd = -1;
	char host_if[16];

	if (host_cgroups(h, &cg, &one) == 0)
		(void)!cgroup_destroy(cg, cgroup, &one);
	err_keep_first(&first, &one);
	netns_veth_name(h->run, stack, service, host_if);
	/* Removing a link costs the kernel's 15 ms of waiting for its readers. */
	if (!(flags & INSTANCE_LINK_LATER))
		(void)!netns_link_destroy(host_if, &one);
	err_keep_first(&first, &one);
	if (host_service_fd(h, stack, service, &dir, &one) == 0) {
		(void)umount2(root, MNT_DETACH);
		secret_destroy(h, stack, service);
		unmount_scratch(h, stack, service, dir);
		(void)!container_pin_remove(dir, "netns", &one);
		err_keep_first(&first, &one);
		(void)!container_pin_remove(dir, "userns", &one);
		err_keep_first(&first, &one);
	}
	err_keep_first(&first, &one);
	if (host_stack_fd(h, stack, &stack_fd, &one) == 0)
		(void)!fd_rm_rf(stack_fd, service, &one);
	err_keep_first(&first, &one);
	if (!(flags & INSTANCE_KEEP_UPPER))
		(void)!instance_trim_uppers(h, stack, service, 0, &one);
	err_keep_first(&first, &one);
	if (!first.code)
		return 0;
	*e = first;
	return err_ctx(e, "service '%s'", service);
}
