/*
 * container/spec.c - the container spec as plain data and as JSON. See spec.h.
 *
 * Knows the members and their JSON names. Does not know what any of them does.
 */
#include "runtime/container/spec.h"

#include <errno.h>
#include <string.h>

void container_spec_init(struct container_spec *s)
{
	memset(s, 0, sizeof(*s));
	s->no_new_privs = true;
	s->rootfs_fd = s->userns_fd = s->netns_fd = -1;
	s->stdio[0] = s->stdio[1] = s->stdio[2] = -1;
	s->status_fd = s->cache_fd = -1;
}

void container_spec_free(struct container_spec *s)
{
	strv_free(&s->args);
	strv_free(&s->env);
	strv_free(&s->cap_add);
	strv_free(&s->cap_drop);
	strv_free(&s->sysctls);
	free(s->user);
	free(s->cwd);
	free(s->hostname);
	free(s->init_path);
	free(s->launcher);
	free(s->seccomp_profile);
	free(s->apparmor);
	for (size_t i = 0; i < s->n_mounts; i++) {
		free(s->mounts[i].source);
		free(s->mounts[i].target);
		free(s->mounts[i].options);
	}
	free(s->mounts);
	free(s->rlimits);
	container_spec_init(s);
}

struct container_mount *container_spec_add_mount(struct container_spec *s)
{
	struct container_mount *m;

	s->mounts = mem_grow(s->mounts, s->n_mounts + 1, sizeof(*s->mounts));
	m = &s->mounts[s->n_mounts++];
	memset(m, 0, sizeof(*m));
	m->source_fd = -1;
	return m;
}

/* Absent and NULL are the same thing, so that the stored text stays short. */
static void put_text(json_t *j, const char *key, const char *s)
{
	if (s)
		json_object_set_new(j, key, json_text(s));
}

static void put_flag(json_t *j, const char *key, bool on)
{
	if (on)
		json_object_set_new(j, key, json_true());
}

static void put_strv(json_t *j, const char *key, const struct strv *v)
{
	if (v->n)
		json_object_set_new(j, key, json_from_strv(v));
}

static json_t *format_mount(const struct container_mount *m)
{
	json_t *j = json_object();

	json_object_set_new(
		j, "type",
		json_string(m->type == CONTAINER_MOUNT_TMPFS ? "tmpfs" : "bind"));
	put_text(j, "source", m->source);
	put_text(j, "target", m->target);
	put_text(j, "options", m->options);
	put_flag(j, "read_only", m->read_only);
	put_flag(j, "nosuid", m->nosuid);
	put_flag(j, "nodev", m->nodev);
	put_flag(j, "noexec", m->noexec);
	put_flag(j, "idmap", m->idmap);
	put_flag(j, "device", m->device);
	return j;
}

json_t *container_spec_format(const struct container_spec *s)
{
	json_t *j = json_object(), *mounts = json_array(), *rlimits = json_array();

	put_strv(j, "args", &s->args);
	put_strv(j, "env", &s->env);
	put_text(j, "user", s->user);
	put_text(j, "cwd", s->cwd);
	put_text(j, "hostname", s->hostname);
	put_text(j, "init_path", s->init_path);
	put_text(j, "launcher", s->launcher);
	put_flag(j, "read_only", s->read_only);
	put_flag(j, "privileged", s->privileged);
	json_object_set_new(j, "no_new_privs", json_boolean(s->no_new_privs));
	put_flag(j, "seccomp_off", s->seccomp_off);
	put_text(j, "seccomp_profile", s->seccomp_profile);
	put_text(j, "apparmor", s->apparmor);
	put_flag(j, "tty", s->tty);
	put_strv(j, "cap_add", &s->cap_add);
	put_strv(j, "cap_drop", &s->cap_drop);
	put_strv(j, "sysctls", &s->sysctls);
	json_object_set_new(j, "shm_bytes", json_integer((json_int_t)s->shm_bytes));
	if (s->oom_score_adj)
		json_object_set_new(j, "oom_score_adj", json_integer(s->oom_score_adj));
	json_object_set_new(j, "host_id_base", json_integer((json_int_t)s->host_id_base));
	for (size_t i = 0; i < s->n_mounts; i++)
		json_array_append_new(mounts, format_mount(&s->mounts[i]));
	json_object_set_new(j, "mounts", mounts);
	/* RLIM_INFINITY is all ones: it is stored as -1. */
	for (size_t i = 0; i < s->n_rlimits; i++)
		json_array_append_new(rlimits,
				      json_pack("{s:i,s:I,s:I}", "resource",
						s->rlimits[i].resource, "soft",
						(json_int_t)s->rlimits[i].soft, "hard",
						(json_int_t)s->rlimits[i].hard));
	json_object_set_new(j, "rlimits", rlimits);
	return j;
}

/* A member that is there must have @type: a damaged file must not become a laxer
 * container. */
static int check_type(const json_t *j, const char *key, json_type type, struct err *e)
{
	const json_t *v = json_object_get(j, key);
	bool boolean = type == JSON_TRUE;

	if (!v || (boolean ? json_is_boolean(v) : json_typeof(v) == type))
		return 0;
	return err_msg(e, EINVAL, "container spec: member '%s' has the wrong type", key);
}

static const struct member {
	const char *name;
	json_type type; /* JSON_TRUE stands for both booleans */
} spec_members[] = {
	{ "args", JSON_ARRAY },	       { "env", JSON_ARRAY },
	{ "user", JSON_STRING },       { "cwd", JSON_STRING },
	{ "hostname", JSON_STRING },   { "init_path", JSON_STRING },
	{ "launcher", JSON_STRING },
	{ "read_only", JSON_TRUE },    { "privileged", JSON_TRUE },
	{ "no_new_privs", JSON_TRUE }, { "seccomp_off", JSON_TRUE },
	{ "tty", JSON_TRUE },	       { "cap_add", JSON_ARRAY },
	{ "cap_drop", JSON_ARRAY },    { "sysctls", JSON_ARRAY },
	{ "shm_bytes", JSON_INTEGER }, { "host_id_base", JSON_INTEGER },
	{ "oom_score_adj", JSON_INTEGER }, { "seccomp_profile", JSON_STRING },
	{ "apparmor", JSON_STRING },
	{ "mounts", JSON_ARRAY },      { "rlimits", JSON_ARRAY },
}, mount_members[] = {
	{ "type", JSON_STRING },    { "source", JSON_STRING }, { "target", JSON_STRING },
	{ "options", JSON_STRING }, { "read_only", JSON_TRUE }, { "nosuid", JSON_TRUE },
	{ "nodev", JSON_TRUE },	    { "noexec", JSON_TRUE },   { "idmap", JSON_TRUE },
	{ "device", JSON_TRUE },
}, rlimit_members[] = {
	{ "resource", JSON_INTEGER }, { "soft", JSON_INTEGER }, { "hard", JSON_INTEGER },
};

static int check_members(const json_t *j, const struct member *m, size_t n, struct err *e)
{
	int r = 0;

	if (!json_is_object(j))
		return err_msg(e, EINVAL, "container spec: not an object");
	for (size_t i = 0; i < n && r == 0; i++)
		r = check_type(j, m[i].name, m[i].type, e);
	return r;
}

static int parse_mount(const json_t *j, struct container_spec *s, struct err *e)
{
	struct container_mount *m;
	const char *type;
	int r = check_members(j, mount_members, ARRAY_LEN(mount_members), e);

	if (r < 0)
		return err_ctx(e, "a mount");
	type = json_str(j, "type", "bind");
	if (!str_eq(type, "bind") && !str_eq(type, "tmpfs"))
		return err_msg(e, EINVAL, "container spec: mount type '%s' is unknown",
			       type);
	if (!json_str(j, "target", NULL))
		return err_msg(e, EINVAL, "container spec: a mount has no 'target'");
	m = container_spec_add_mount(s);
	m->type = str_eq(type, "tmpfs") ? CONTAINER_MOUNT_TMPFS : CONTAINER_MOUNT_BIND;
	m->source = str_dup(json_str(j, "source", NULL));
	m->target = str_dup(json_str(j, "target", NULL));
	m->options = str_dup(json_str(j, "options", NULL));
	m->read_only = json_bool(j, "read_only", false);
	m->nosuid = json_bool(j, "nosuid", false);
	m->nodev = json_bool(j, "nodev", false);
	m->noexec = json_bool(j, "noexec", false);
	m->idmap = json_bool(j, "idmap", false);
	m->device = json_bool(j, "device", false);
	return 0;
}

static int parse_rlimit(const json_t *j, struct container_spec *s, struct err *e)
{
	struct container_rlimit *l;
	int r = check_members(j, rlimit_members, ARRAY_LEN(rlimit_members), e);

	if (r < 0)
		return err_ctx(e, "an rlimit");
	s->rlimits = mem_grow(s->rlimits, s->n_rlimits + 1, sizeof(*s->rlimits));
	l = &s->rlimits[s->n_rlimits++];
	l->resource = (int)json_int(j, "resource", -1);
	l->soft = (uint64_t)json_int(j, "soft", -1);
	l->hard = (uint64_t)json_int(j, "hard", -1);
	return 0;
}

int container_spec_parse(const json_t *j, struct container_spec *s, struct err *e)
{
	int r = check_members(j, spec_members, ARRAY_LEN(spec_members), e);
	const json_t *list, *item;
	size_t i;

	if (r < 0)
		return r;
	json_strv(j, "args", &s->args);
	json_strv(j, "env", &s->env);
	json_strv(j, "cap_add", &s->cap_add);
	json_strv(j, "cap_drop", &s->cap_drop);
	json_strv(j, "sysctls", &s->sysctls);
	str_set(&s->user, json_str(j, "user", NULL));
	str_set(&s->cwd, json_str(j, "cwd", NULL));
	str_set(&s->hostname, json_str(j, "hostname", NULL));
	str_set(&s->init_path, json_str(j, "init_path", NULL));
	str_set(&s->launcher, json_str(j, "launcher", NULL));
	s->read_only = json_bool(j, "read_only", false);
	s->privileged = json_bool(j, "privileged", false);
	s->no_new_privs = json_bool(j, "no_new_privs", true);
	str_set(&s->seccomp_profile, json_str(j, "seccomp_profile", NULL));
	str_set(&s->apparmor, json_str(j, "apparmor", NULL));
	s->seccomp_off = json_bool(j, "seccomp_off", false);
	s->tty = json_bool(j, "tty", false);
	s->shm_bytes = (uint64_t)json_int(j, "shm_bytes", 0);
	s->oom_score_adj = (int)json_int(j, "oom_score_adj", 0);
	s->host_id_base = (uid_t)json_int(j, "host_id_base", 0);
	list = json_object_get(j, "mounts");
	json_array_foreach (list, i, item) {
		r = parse_mount(item, s, e);
		if (r < 0)
			return r;
	}
	list = json_object_get(j, "rlimits");
	json_array_foreach (list, i, item) {
		r = parse_rlimit(item, s, e);
		if (r < 0)
			return r;
	}
	return 0;
}
