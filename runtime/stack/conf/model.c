/*
 * stack/model.c - the model's memory and look-ups; see model.h.
 */
#include "runtime/stack/conf/model_load.h"

#include <string.h>

static void service_free(struct model_service *s)
{
	struct strv *lists[] = { &s->command,    &s->entrypoint,  &s->env,
				 &s->env_secret, &s->cap_add,     &s->cap_drop,
				 &s->sysctls,    &s->labels,      &s->profiles,
				 &s->aliases,    &s->extra_hosts, &s->dns,
				 &s->expose,     &s->health.test };
	char *strings[] = {
		s->name,         s->image,           s->user,        s->working_dir,
		s->hostname,     s->stop_signal,     s->health.path, s->cpuset,
		s->seccomp_file, s->seccomp_profile, s->apparmor
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_free(lists[i]);
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	for (size_t i = 0; i < s->n_mounts; i++) {
		free(s->mounts[i].source);
		free(s->mounts[i].target);
		free(s->mounts[i].options);
	}
	for (size_t i = 0; i < s->n_deps; i++)
		free(s->deps[i].service);
	for (size_t i = 0; i < s->n_blkio; i++)
		free(s->blkio[i].path);
	for (size_t i = 0; i < s->n_devices; i++) {
		free(s->devices[i].source);
		free(s->devices[i].target);
	}
	for (size_t i = 0; i < s->n_secrets; i++) {
		free(s->secrets[i].name);
		free(s->secrets[i].target);
		if (s->secrets[i].kept.data)
			explicit_bzero(s->secrets[i].kept.data, s->secrets[i].kept.len);
		buf_free(&s->secrets[i].kept);
		json_decref(s->secrets[i].version);
	}
	free(s->secrets);
	for (size_t i = 0; i < s->n_where; i++)
		free(s->where[i].key);
	free(s->where);
	free(s->blkio);
	free(s->devices);
	free(s->mounts);
	free(s->ports);
	free(s->deps);
	free(s->rlimits);
}

struct stack_model *model_free(struct stack_model *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->n_services; i++)
		service_free(&m->services[i]);
	for (size_t i = 0; i < m->n_volumes; i++) {
		free(m->volumes[i].name);
		free(m->volumes[i].from_service);
		free(m->volumes[i].from_path);
	}
	for (size_t i = 0; i < m->n_secrets; i++) {
		free(m->secrets[i].name);
		free(m->secrets[i].file);
	}
	free(m->secrets);
	free(m->services);
	free(m->volumes);
	free(m->name);
	free(m->dir);
	strv_free(&m->files);
	strv_free(&m->shown);
	strv_free(&m->hidden);
	free(m);
	return NULL;
}

void model_drop_service(struct stack_model *m, size_t i)
{
	service_free(&m->services[i]);
	memmove(&m->services[i], &m->services[i + 1],
		(m->n_services - i - 1) * sizeof(*m->services));
	m->n_services--;
}

struct model_service *model_service(const struct stack_model *m, const char *name)
{
	for (size_t i = 0; i < m->n_services; i++)
		if (strcmp(m->services[i].name, name) == 0)
			return &m->services[i];
	return NULL;
}

struct model_volume *model_volume(const struct stack_model *m, const char *name)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		if (strcmp(m->volumes[i].name, name) == 0)
			return &m->volumes[i];
	return NULL;
}

struct model_secret *model_secret(const struct stack_model *m, bool config,
				  const char *name)
{
	for (size_t i = 0; i < m->n_secrets; i++)
		if (m->secrets[i].config == config &&
		    strcmp(m->secrets[i].name, name) == 0)
			return &m->secrets[i];
	return NULL;
}
