/*
 * stack/model_format_json.c - the model as JSON, keys named as Compose's; see model.h.
 *
 * Knows the model. Sizes are bytes, durations text; every key is always there.
 */
#include <arpa/inet.h>
#include <string.h>

#include "runtime/stack/conf/decode.h"
#include "runtime/stack/conf/model_format.h"
#include "runtime/stack/conf/value.h"

static void set(json_t *obj, const char *key, json_t *value)
{
	json_object_set_new(obj, key, value);
}

static json_t *text_or_null(const char *s)
{
	return s ? json_text(s) : json_null();
}

static json_t *duration(uint32_t ms)
{
	AUTO_BUF struct buf b = BUF_INIT;

	model_format_duration(ms, &b);
	return json_text(b.data);
}

/* NAME=VALUE pairs as an object; names in @mask show no value. */
static json_t *pairs(const struct strv *v, const struct strv *mask)
{
	json_t *obj = json_object();

	strv_foreach (i, v) {
		size_t n = strcspn(v->v[i], "=");
		AUTO_FREE char *name = str_ndup(v->v[i], n);
		AUTO_JSON json_t *key =
			json_text(name); /* jansson wants UTF-8 in keys too */
		const char *value = v->v[i][n] ? v->v[i] + n + 1 : "";
		bool masked = mask && strv_has(mask, name);

		set(obj, json_string_value(key), json_text(masked ? "******" : value));
	}
	return obj;
}

static json_t *mount(const struct model_mount *m)
{
	static const char *const types[] = {
		[MODEL_VOLUME] = "volume",
		[MODEL_BIND] = "bind",
		[MODEL_TMPFS] = "tmpfs",
	};
	json_t *obj = json_object();

	set(obj, "type", json_text(types[m->type]));
	set(obj, "source", text_or_null(m->source));
	set(obj, "target", json_text(m->target));
	set(obj, "read_only", json_boolean(m->read_only));
	set(obj, "nocopy", json_boolean(m->nocopy));
	set(obj, "options", text_or_null(m->options));
	return obj;
}

/* What a service has of the secrets, or of the configs. */
static json_t *secret_uses(const struct model_service *s, bool config)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_secrets; i++) {
		const struct model_secret_use *u = &s->secrets[i];
		AUTO_FREE char *mode = str_fmt("%04o", u->mode);

		if (u->config == config)
			json_array_append_new(
				list,
				json_pack("{s:o,s:o,s:I,s:I,s:s}", "source",
					  json_text(u->name), "target",
					  json_text(u->target), "uid", (json_int_t)u->uid,
					  "gid", (json_int_t)u->gid, "mode", mode));
	}
	return list;
}

static json_t *secrets(const struct stack_model *m, bool config)
{
	json_t *obj = json_object();

	for (size_t i = 0; i < m->n_secrets; i++)
		if (m->secrets[i].config == config)
			set(obj, m->secrets[i].name,
			    json_pack("{s:o}", "file", json_text(m->secrets[i].file)));
	return obj;
}

static json_t *port(const struct model_port *p)
{
	json_t *obj = json_object();
	char addr[INET_ADDRSTRLEN];

	set(obj, "host_ip",
	    json_text(inet_ntop(AF_INET, &p->host_addr, addr, sizeof(addr))));
	set(obj, "published", json_integer(p->host_port));
	set(obj, "target", json_integer(p->port));
	set(obj, "protocol", json_text(p->udp ? "udp" : "tcp"));
	set(obj, "mode", json_text(p->direct ? "direct" : "guarded"));
	return obj;
}

static json_t *deps(const struct model_service *s)
{
	json_t *obj = json_object();

	for (size_t i = 0; i < s->n_deps; i++) {
		json_t *dep = json_object();

		set(dep, "condition", json_text(model_condition_name(s->deps[i].cond)));
		if (s->deps[i].restart)
			set(dep, "restart", json_true());
		set(obj, s->deps[i].service, dep);
	}
	return obj;
}

static json_t *health_test(const struct model_health *h)
{
	json_t *v = json_array();

	if (h->type == MODEL_HEALTH_NONE)
		json_array_append_new(v, json_text("NONE"));
	if (h->type == MODEL_HEALTH_EXEC)
		json_array_append_new(v, json_text("CMD"));
	strv_foreach (i, &h->test)
		json_array_append_new(v, json_text(h->test.v[i]));
	return v;
}

/* null: nothing is written, the image's own holds. */
static json_t *health(const struct model_health *h)
{
	const char *probe = model_health_name(h->type);
	json_t *obj, *what;

	if (h->type == MODEL_HEALTH_IMAGE && h->pos.line == 0)
		return json_null();
	obj = json_object();
	if (probe) {
		what = json_object();
		if (h->port)
			set(what, "port", json_integer(h->port));
		if (h->path)
			set(what, "path", json_text(h->path));
		set(obj, probe, what);
	} else if (h->type != MODEL_HEALTH_IMAGE) {
		set(obj, "test", health_test(h));
	}
	if (h->type == MODEL_HEALTH_NONE)
		return obj;
	set(obj, "interval", duration(h->interval_ms));
	set(obj, "timeout", duration(h->timeout_ms));
	set(obj, "start_period", duration(h->start_period_ms));
	if (h->start_interval_ms)
		set(obj, "start_interval", duration(h->start_interval_ms));
	set(obj, "retries", json_integer(h->retries));
	return obj;
}

static json_t *limit(uint64_t v)
{
	return json_integer(v == UINT64_MAX ? -1 : (json_int_t)v);
}

static json_t *rlimits(const struct model_service *s)
{
	json_t *obj = json_object();

	for (size_t i = 0; i < s->n_rlimits; i++) {
		json_t *l = json_object();

		set(l, "soft", limit(s->rlimits[i].soft));
		set(l, "hard", limit(s->rlimits[i].hard));
		set(obj, value_rlimit_name(s->rlimits[i].resource), l);
	}
	return obj;
}

static json_t *networks(const struct model_service *s)
{
	json_t *obj = json_object(), *net = json_object();

	set(net, "aliases", json_from_strv(&s->aliases));
	set(obj, "default", net);
	return obj;
}

static void set_process(json_t *obj, const struct model_service *s, bool show_secrets)
{
	AUTO_BUF struct buf restart = BUF_INIT;

	model_format_restart(s, &restart);
	set(obj, "image", text_or_null(s->image));
	set(obj, "entrypoint",
	    s->has_entrypoint ? json_from_strv(&s->entrypoint) : json_null());
	set(obj, "command", s->has_command ? json_from_strv(&s->command) : json_null());
	set(obj, "environment", pairs(&s->env, show_secrets ? NULL : &s->env_secret));
	set(obj, "user", text_or_null(s->user));
	set(obj, "working_dir", text_or_null(s->working_dir));
	set(obj, "hostname", text_or_null(s->hostname));
	set(obj, "healthcheck", health(&s->health));
	set(obj, "restart", json_text(restart.data));
	set(obj, "init", json_boolean(s->init));
	set(obj, "tty", json_boolean(s->tty));
	set(obj, "stdin_open", json_boolean(s->stdin_open));
	set(obj, "stop_signal", text_or_null(s->stop_signal));
	set(obj, "stop_grace_period", duration(s->stop_grace_ms));
	set(obj, "logging",
	    json_pack("{s:I,s:i}", "max_size", (json_int_t)s->logging.max_size,
		      "max_files", (int)s->logging.max_files));
	set(obj, "labels", pairs(&s->labels, NULL));
	set(obj, "profiles", json_from_strv(&s->profiles));
}

static void set_links(json_t *obj, const struct model_service *s)
{
	json_t *mounts = json_array(), *ports = json_array();

	for (size_t i = 0; i < s->n_mounts; i++)
		json_array_append_new(mounts, mount(&s->mounts[i]));
	for (size_t i = 0; i < s->n_ports; i++)
		json_array_append_new(ports, port(&s->ports[i]));
	set(obj, "volumes", mounts);
	set(obj, "secrets", secret_uses(s, false));
	set(obj, "configs", secret_uses(s, true));
	set(obj, "ports", ports);
	set(obj, "expose", json_from_strv(&s->expose));
	set(obj, "depends_on", deps(s));
	set(obj, "networks", networks(s));
	set(obj, "extra_hosts", json_from_strv(&s->extra_hosts));
	set(obj, "dns", json_from_strv(&s->dns));
}

static json_t *blkio(const struct model_service *s)
{
	json_t *obj = json_object();

	set(obj, "weight", json_integer((json_int_t)s->blkio_weight));
	for (size_t k = 0; k < MODEL_RATES; k++) {
		json_t *rates = json_array();

		for (size_t i = 0; i < s->n_blkio; i++)
			if (s->blkio[i].rate[k])
				json_array_append_new(
					rates,
					json_pack("{s:o,s:I}", "path",
						  json_text(s->blkio[i].path), "rate",
						  (json_int_t)s->blkio[i].rate[k]));
		set(obj, model_blkio_name(k), rates);
	}
	return obj;
}

static json_t *devices(const struct model_service *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_devices; i++)
		json_array_append_new(list,
				      json_pack("{s:o,s:o,s:s}", "source",
						json_text(s->devices[i].source), "target",
						json_text(s->devices[i].target),
						"permissions", s->devices[i].access));
	return list;
}

static void set_finer_limits(json_t *obj, const struct model_service *s)
{
	set(obj, "mem_reservation", json_integer((json_int_t)s->mem_reservation));
	set(obj, "memswap_limit", limit(s->memswap_limit));
	set(obj, "cpu_shares", json_integer((json_int_t)s->cpu_shares));
	set(obj, "cpu_period", json_integer((json_int_t)s->cpu_period_usec));
	set(obj, "cpu_quota", json_integer((json_int_t)s->cpu_quota_usec));
	set(obj, "cpuset", text_or_null(s->cpuset));
	set(obj, "blkio_config", blkio(s));
	set(obj, "oom_group", json_boolean(s->oom_group));
	set(obj, "oom_score_adj", json_integer(s->oom_score_adj));
	set(obj, "devices", devices(s));
}

static void set_limits(json_t *obj, const struct model_service *s)
{
	json_t *opts = json_array();

	json_array_append_new(opts, json_text("no-new-privileges"));
	if (s->seccomp_off)
		json_array_append_new(opts, json_text("seccomp=unconfined"));
	if (s->seccomp_file) {
		AUTO_FREE char *word = str_fmt("seccomp=%s", s->seccomp_file);

		json_array_append_new(opts, json_text(word));
	}
	if (s->apparmor) {
		AUTO_FREE char *word = str_fmt("apparmor=%s", s->apparmor);

		json_array_append_new(opts, json_text(word));
	}
	/* its text, too: another one is a reason to make the container anew */
	set(obj, "seccomp_profile", text_or_null(s->seccomp_profile));
	set(obj, "security_opt", opts);
	set(obj, "mem_limit", json_integer((json_int_t)s->mem_limit));
	set(obj, "cpus", json_real((double)s->cpu_millis / 1000));
	set(obj, "pids_limit",
	    json_integer(s->pids_limit ? (json_int_t)s->pids_limit : -1));
	set_finer_limits(obj, s);
	set(obj, "shm_size", json_integer((json_int_t)s->shm_size));
	set(obj, "ulimits", rlimits(s));
	set(obj, "sysctls", pairs(&s->sysctls, NULL));
	set(obj, "read_only", json_boolean(s->read_only));
	set(obj, "privileged", json_boolean(s->privileged));
	set(obj, "userns", json_text(model_userns_name(s->userns)));
	set(obj, "cap_add", json_from_strv(&s->cap_add));
	set(obj, "cap_drop", json_from_strv(&s->cap_drop));
}

json_t *model_budget_json(const struct model_budget *b)
{
	json_t *obj = json_object();

	set(obj, "mem_limit", json_integer((json_int_t)b->mem_limit));
	set(obj, "cpus", json_real((double)b->cpu_millis / 1000));
	set(obj, "pids_limit", json_integer((json_int_t)b->pids_limit));
	return obj;
}

static json_t *service_json(const struct model_service *s, bool show_secrets)
{
	json_t *obj = json_object();

	set_process(obj, s, show_secrets);
	set_links(obj, s);
	set_limits(obj, s);
	return obj;
}

json_t *model_default_json(void)
{
	struct model_service s = { .name = NULL };

	decode_defaults(&s);
	return service_json(&s, false);
}

json_t *model_format_json(const struct stack_model *m, bool show_secrets)
{
	json_t *root = json_object(), *services = json_object(), *volumes = json_object();

	for (size_t i = 0; i < m->n_services; i++)
		set(services, m->services[i].name,
		    service_json(&m->services[i], show_secrets));
	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct model_volume *v = &m->volumes[i];
		json_t *obj = json_object();
		AUTO_FREE char *from =
			v->from_service ? str_fmt("%s:%s", v->from_service, v->from_path)
					: NULL;

		set(obj, "from", text_or_null(from));
		set(obj, "keep",
		    v->from_service ? json_integer(v->keep ? v->keep : 1) : json_null());
		set(volumes, v->name, obj);
	}
	set(root, "name", text_or_null(m->name));
	set(root, "budget", model_budget_json(&m->budget));
	set(root, "services", services);
	set(root, "volumes", volumes);
	set(root, "secrets", secrets(m, false));
	set(root, "configs", secrets(m, true));
	return root;
}
