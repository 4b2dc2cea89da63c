/*
 * stack/confine.c - see confine.h.
 *
 * Knows the model's limits and what they are to a cgroup. A host's node belongs to ids
 * that a user namespace does not have, so that its root could not open it: it gets one of
 * its own.
 */
#include "runtime/stack/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { USERNS_IDS = 65536 };

static int stat_device(const struct model_device *d, struct stat *ret, struct err *e)
{
	if (stat(d->source, ret) < 0)
		return err_set(e, errno, "'devices' %s", d->source);
	if (!S_ISCHR(ret->st_mode) && !S_ISBLK(ret->st_mode))
		return err_msg(e, ENODEV, "'devices' %s: it is not a device", d->source);
	return 0;
}

static int list_devices(const struct model_service *svc, struct cgroup_device *ret,
			struct err *e)
{
	for (size_t i = 0; i < svc->n_devices; i++) {
		struct stat st;
		int r = stat_device(&svc->devices[i], &st, e);

		if (r < 0)
			return r;
		ret[i].type = S_ISCHR(st.st_mode) ? 'c' : 'b';
		ret[i].major = major(st.st_rdev);
		ret[i].minor = minor(st.st_rdev);
		snprintf(ret[i].access, sizeof(ret[i].access), "%s",
			 svc->devices[i].access);
	}
	return 0;
}

static int list_disks(const struct model_service *svc, struct cgroup_io *ret,
		      struct err *e)
{
	_Static_assert((int)MODEL_RATES == (int)CGROUP_IO_RATES, "the same rates");
	_Static_assert((int)MODEL_WRITE_IOPS == (int)CGROUP_WRITE_IOPS, "in one order");

	for (size_t i = 0; i < svc->n_blkio; i++) {
		struct stat st;

		if (stat(svc->blkio[i].path, &st) < 0)
			return err_set(e, errno, "'blkio_config' %s", svc->blkio[i].path);
		if (!S_ISBLK(st.st_mode))
			return err_msg(e, ENOTBLK, "'blkio_config' %s: it is not a disk",
				       svc->blkio[i].path);
		ret[i].major = major(st.st_rdev);
		ret[i].minor = minor(st.st_rdev);
		for (size_t k = 0; k < MODEL_RATES; k++)
			ret[i].rate[k] = svc->blkio[i].rate[k];
	}
	return 0;
}

bool confine_has_budget(const struct stack_model *m)
{
	return m->budget.mem_limit || m->budget.cpu_millis || m->budget.pids_limit;
}

int confine_budget(struct stack_host *h, const struct stack_model *m, struct err *e)
{
	struct cgroup_limits lim = { .memory_bytes = m->budget.mem_limit,
				     .cpu_millis = m->budget.cpu_millis,
				     .pids = m->budget.pids_limit };
	AUTO_FREE char *path = host_cgroup(h, m->name, NULL);
	struct cgroup_host *cg = NULL;
	int r = host_cgroups(h, &cg, e);

	if (r == 0)
		r = cgroup_create(cg, path, &lim, NULL, e);
	return r < 0 ? err_ctx(e, "stack '%s'", m->name) : 0;
}

int confine_create(const struct instance_source *src, const struct record_service *rs,
		   const char *path, struct err *e)
{
	const struct model_service *svc = src->svc;
	AUTO_FREE struct cgroup_device *allow =
		mem_new(svc->n_devices + 1, sizeof(*allow));
	AUTO_FREE struct cgroup_io *io = mem_new(svc->n_blkio + 1, sizeof(*io));
	struct cgroup_limits lim = {
		.memory_bytes = svc->mem_limit,
		.memswap_bytes = svc->memswap_limit,
		.memory_reserve_bytes = svc->mem_reservation,
		.cpu_millis = svc->cpu_millis,
		.cpu_period_usec = svc->cpu_period_usec,
		.cpu_quota_usec = svc->cpu_quota_usec,
		.cpu_shares = svc->cpu_shares,
		.cpuset = svc->cpuset,
		.pids = svc->pids_limit,
		.oom_group = svc->oom_group,
		.io_weight = svc->blkio_weight,
		.io = io,
		.n_io = svc->n_blkio,
		/* in a user namespace no node can be made: only one that is handed in
		   needs the list */
		.devices = !svc->privileged && (!rs->userns || svc->n_devices > 0),
		.allow = allow,
		.n_allow = svc->n_devices,
	};
	struct cgroup_host *cg = NULL;
	int r = list_devices(svc, allow, e);

	if (r == 0)
		r = list_disks(svc, io, e);
	if (r == 0)
		r = host_cgroups(src->h, &cg, e);
	/* first: v1 takes no more of a service than the stack has */
	if (r == 0 && confine_has_budget(src->model))
		r = confine_budget(src->h, src->model, e);
	return r < 0 ? r : cgroup_create(cg, path, &lim, NULL, e);
}

/* The same bits for the same ids, as the container counts them. */
static int make_node(int dir, const char *name, const struct stat *st, uid_t base,
		     struct err *e)
{
	uid_t uid = base + (st->st_uid < USERNS_IDS ? st->st_uid : 0);
	gid_t gid = base + (st->st_gid < USERNS_IDS ? st->st_gid : 0);

	if (mknodat(dir, name, st->st_mode & (S_IFMT | 0600), st->st_rdev) < 0)
		return err_set(e, errno, "make device '%s'", name);
	if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir, name, st->st_mode & 0777, 0) < 0)
		return err_set(e, errno, "set owner of device '%s'", name);
	return 0;
}

int confine_nodes(const struct instance_source *src, const struct record_service *rs,
		  int dir, struct err *e)
{
	int r = 0;

	for (size_t i = 0; rs->userns && i < src->svc->n_devices && r == 0; i++) {
		struct stat st;
		char name[32];

		snprintf(name, sizeof(name), "dev.%zu", i);
		r = stat_device(&src->svc->devices[i], &st, e);
		if (r == 0)
			r = make_node(dir, name, &st, instance_ids(src), e);
	}
	return r;
}

void confine_mounts(const struct instance_source *src, const struct record_service *rs,
		    struct container_spec *spec)
{
	for (size_t i = 0; i < src->svc->n_devices; i++) {
		const struct model_device *d = &src->svc->devices[i];
		struct container_mount *m = container_spec_add_mount(spec);

		m->type = CONTAINER_MOUNT_BIND;
		m->source = rs->userns ? str_fmt("%s/%s/%s/dev.%zu", src->h->run,
						 src->rec->name, rs->name, i)
				       : str_dup(d->source);
		m->target = str_dup(d->target);
		m->device = m->nosuid = m->noexec = true;
	}
}
