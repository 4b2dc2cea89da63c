/*
 * stack/specmake.c - a service's container spec: command, environment, mounts, limits.
 *
 * Decides only; what must exist on disk (volumes, hosts file) is made by instance.c.
 */
#include "runtime/stack/specmake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/stack/confine.h"
#include "runtime/stack/secret.h"
#include "runtime/stack/volume.h"

static void make_args(const struct instance_source *src, struct container_spec *spec)
{
	const struct model_service *svc = src->svc;
	const struct strv *over = src->over ? &src->over->args : NULL;

	strv_copy(&spec->args,
		  svc->has_entrypoint ? &svc->entrypoint : &src->img->entrypoint);
	if (over && over->n)
		strv_copy(&spec->args, over);
	else if (svc->has_command)
		strv_copy(&spec->args, &svc->command);
	else if (!svc->has_entrypoint) /* as Docker: an entrypoint of one's own drops the
					  CMD */
		strv_copy(&spec->args, &src->img->cmd);
}

static void make_env(const struct instance_source *src, struct container_spec *spec)
{
	strv_copy(&spec->env, &src->img->env);
	strv_foreach (i, &src->svc->env)
		strv_set_env(&spec->env, src->svc->env.v[i]);
	if (!src->over)
		return;
	strv_foreach (i, &src->over->env)
		strv_set_env(&spec->env, src->over->env.v[i]);
}

static void make_identity(const struct instance_source *src,
			  const struct record_service *rs, struct container_spec *spec)
{
	const struct model_service *svc = src->svc;
	const struct stack_override *o = src->over;
	const char *user = svc->user ? svc->user : src->img->user;
	const char *cwd = svc->working_dir ? svc->working_dir : src->img->workdir;

	spec->user = str_dup(o && o->user ? o->user : user);
	spec->cwd = str_dup(o && o->cwd ? o->cwd : cwd && *cwd ? cwd : "/");
	spec->hostname = str_dup(svc->hostname ? svc->hostname : rs->name);
	spec->tty = o ? o->tty : svc->tty;
	spec->launcher = str_fmt("%s/minibox-init", src->h->exe_dir);
	if (svc->init)
		spec->init_path = str_dup(spec->launcher);
}

static void make_confinement(const struct instance_source *src,
			     struct container_spec *spec)
{
	const struct model_service *svc = src->svc;

	spec->read_only = svc->read_only;
	spec->privileged = svc->privileged;
	spec->no_new_privs = true;
	spec->seccomp_off = svc->seccomp_off;
	spec->seccomp_profile = str_dup(svc->seccomp_profile);
	spec->apparmor = str_dup(svc->apparmor);
	spec->shm_bytes = svc->shm_size;
	spec->oom_score_adj = svc->oom_score_adj;
	strv_copy(&spec->cap_add, &svc->cap_add);
	strv_copy(&spec->cap_drop, &svc->cap_drop);
	strv_copy(&spec->sysctls, &svc->sysctls);
	spec->rlimits = mem_new(svc->n_rlimits, sizeof(*spec->rlimits));
	spec->n_rlimits = svc->n_rlimits;
	for (size_t i = 0; i < svc->n_rlimits; i++)
		spec->rlimits[i] =
			(struct container_rlimit){ .resource = svc->rlimits[i].resource,
						   .soft = svc->rlimits[i].soft,
						   .hard = svc->rlimits[i].hard };
}

static unsigned depth(const char *path)
{
	unsigned n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Outer directories are mounted before what lies inside them, whatever the file's order.
 */
static void sort_mounts(struct container_spec *spec)
{
	for (size_t i = 1; i < spec->n_mounts; i++) {
		struct container_mount m = spec->mounts[i];
		size_t j = i;

		for (; j > 0 && depth(spec->mounts[j - 1].target) > depth(m.target); j--)
			spec->mounts[j] = spec->mounts[j - 1];
		spec->mounts[j] = m;
	}
}

static void add_bind(struct container_spec *spec, char *source, const char *target,
		     bool read_only, bool idmap)
{
	struct container_mount *m = container_spec_add_mount(spec);

	m->type = CONTAINER_MOUNT_BIND;
	m->source = source;
	m->target = str_dup(target);
	m->read_only = read_only;
	m->idmap = idmap;
	m->nosuid = m->nodev = true;
}

static void add_written_mount(const struct instance_source *src,
			      const struct model_mount *mount, bool userns,
			      struct container_spec *spec)
{
	const struct stack_host *h = src->h;
	const struct model_volume *vol;
	struct container_mount *m;

	if (mount->type == MODEL_TMPFS) {
		m = container_spec_add_mount(spec);
		m->type = CONTAINER_MOUNT_TMPFS;
		m->target = str_dup(mount->target);
		m->options = str_dup(mount->options);
		m->nosuid = m->nodev = m->noexec = true; /* as Docker has them */
		m->read_only = mount->read_only;
		return;
	}
	if (mount->type == MODEL_BIND) {
		add_bind(spec, str_dup(mount->source), mount->target, mount->read_only,
			 userns);
		return;
	}
	vol = model_volume(src->model, mount->source);
	if (vol && vol->from_service)
		add_bind(spec,
			 str_fmt("%s/%s/.share/%s", h->run, src->rec->name, vol->name),
			 mount->target, true, false);
	else
		add_bind(spec, volume_path(h, src->rec->name, mount->source),
			 mount->target, mount->read_only, userns);
}

static void make_mounts(const struct instance_source *src,
			const struct record_service *rs, struct container_spec *spec)
{
	static const char *const files[] = { "hosts", "hostname", "resolv.conf" };

	for (size_t i = 0; i < src->svc->n_mounts; i++)
		add_written_mount(src, &src->svc->mounts[i], rs->userns, spec);
	strv_foreach (i, &rs->anonymous) {
		AUTO_FREE char *target = str_dup(rs->anonymous.v[i]);
		char *eq = strrchr(target, '=');

		*eq = '\0';
		add_bind(spec, volume_path(src->h, src->rec->name, eq + 1), target, false,
			 rs->userns);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_FREE char *target = str_fmt("/etc/%s", files[i]);

		add_bind(spec,
			 str_fmt("%s/%s/%s/%s", src->h->run, src->rec->name, rs->name,
				 files[i]),
			 target, false, false);
	}
	confine_mounts(src, rs, spec);
	secret_mounts(src, rs, spec);
	sort_mounts(spec);
}

void specmake(const struct instance_source *src, const struct record_service *rs,
	      struct container_spec *spec)
{
	spec->host_id_base = rs->userns ? instance_ids(src) : 0;
	make_args(src, spec);
	make_env(src, spec);
	make_identity(src, rs, spec);
	make_confinement(src, spec);
	make_mounts(src, rs, spec);
}

void specmake_health(const struct instance_source *src, struct strv *ret)
{
	const struct strv *test = &src->img->health.test;

	if (src->svc->health.type == MODEL_HEALTH_EXEC) {
		strv_copy(ret, &src->svc->health.test);
		return;
	}
	if (src->svc->health.type != MODEL_HEALTH_IMAGE || test->n < 2)
		return;
	if (str_eq(test->v[0], "CMD-SHELL")) {
		strv_add(ret, "/bin/sh");
		strv_add(ret, "-c");
	}
	for (size_t i = 1; i < test->n; i++)
		strv_add(ret, test->v[i]);
}

json_t *specmake_shares(const struct instance_source *src)
{
	json_t *list = json_array();

	for (size_t i = 0; i < src->svc->n_mounts; i++) {
		const struct model_mount *m = &src->svc->mounts[i];
		const struct model_volume *vol =
			m->type == MODEL_VOLUME ? model_volume(src->model, m->source)
						: NULL;

		if (vol && vol->from_service)
			json_array_append_new(list,
					      json_pack("{s:s,s:s}", "volume", vol->name,
							"target", m->target));
	}
	return list;
}
