/*
 * stack/model_format.c - the model as a stack.conf that parses back to it; see model.h.
 *
 * Knows how values are written and quoted. Does not know how they are read.
 */
#include "runtime/stack/conf/model_format.h"

#include <arpa/inet.h>
#include <string.h>

#include "runtime/stack/conf/value.h"

void model_format_duration(uint32_t ms, struct buf *ret)
{
	if (ms % 1000 == 0)
		buf_addf(ret, "%us", ms / 1000);
	else
		buf_addf(ret, "%ums", ms);
}

void model_format_restart(const struct model_service *s, struct buf *ret)
{
	static const char *const names[] = {
		[MODEL_NO] = "no",
		[MODEL_ALWAYS] = "always",
		[MODEL_UNLESS_STOPPED] = "unless-stopped",
		[MODEL_ON_FAILURE] = "on-failure",
	};

	buf_adds(ret, names[s->restart]);
	if (s->restart == MODEL_ON_FAILURE && s->restart_max > 0)
		buf_addf(ret, ":%u", s->restart_max);
}

const char *model_condition_name(enum model_condition c)
{
	static const char *const names[] = {
		[MODEL_STARTED] = "started",
		[MODEL_HEALTHY] = "healthy",
		[MODEL_COMPLETED] = "completed",
	};

	return names[c];
}

const char *model_blkio_name(size_t rate)
{
	static const char *const names[MODEL_RATES] = {
		[MODEL_READ_BPS] = "device_read_bps",
		[MODEL_WRITE_BPS] = "device_write_bps",
		[MODEL_READ_IOPS] = "device_read_iops",
		[MODEL_WRITE_IOPS] = "device_write_iops",
	};

	return names[rate];
}

const char *model_userns_name(enum model_userns u)
{
	static const char *const names[] = {
		[MODEL_USERNS_ON] = "on",
		[MODEL_USERNS_REQUIRED] = "required",
		[MODEL_USERNS_HOST] = "host",
		[MODEL_USERNS_ISOLATED] = "isolated",
	};

	return names[u];
}

const char *model_health_name(enum model_health_type t)
{
	static const char *const names[] = {
		[MODEL_HEALTH_TCP] = "tcp",           [MODEL_HEALTH_HTTP] = "http",
		[MODEL_HEALTH_POSTGRES] = "postgres", [MODEL_HEALTH_REDIS] = "redis",
		[MODEL_HEALTH_UNIX] = "unix",
	};

	return (size_t)t < ARRAY_LEN(names) ? names[t] : NULL;
}

/* @s as one word of the language. */
static void add_word(struct buf *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:=@,+*%?^!~()<>|&";

	if (*s && !s[strspn(s, plain)]) {
		buf_adds(b, s);
		return;
	}
	buf_addc(b, '"');
	for (; *s; s++) {
		if (strchr("\"\\$", *s))
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

static void add_line(struct buf *b, const char *name, const char *word)
{
	if (!word)
		return;
	buf_addf(b, "    %s ", name);
	add_word(b, word);
	buf_adds(b, ";\n");
}

static void add_bool(struct buf *b, const char *name, bool on)
{
	add_line(b, name, on ? "on" : "off");
}

static void add_words(struct buf *b, const char *name, const struct strv *v)
{
	buf_addf(b, "    %s", name);
	strv_foreach (i, v) {
		buf_addc(b, ' ');
		add_word(b, v->v[i]);
	}
	buf_adds(b, ";\n");
}

static void add_list(struct buf *b, const char *name, const struct strv *v)
{
	if (v->n > 0)
		add_words(b, name, v);
}

static void add_size(struct buf *b, const char *name, uint64_t bytes)
{
	static const char units[] = { 0, 'k', 'm', 'g' };
	size_t u = 0;

	while (bytes > 0 && bytes % 1024 == 0 && u + 1 < sizeof(units)) {
		bytes /= 1024;
		u++;
	}
	buf_addf(b, "    %s %llu", name, (unsigned long long)bytes);
	if (units[u])
		buf_addc(b, units[u]);
	buf_adds(b, ";\n");
}

static void add_argv(struct buf *b, const char *name, bool has, const struct strv *v)
{
	if (has && v->n == 0)
		add_line(b, name, "");
	else if (has)
		add_words(b, name, v);
}

static void add_env(struct buf *b, const struct model_service *s, bool show_secrets)
{
	strv_foreach (i, &s->env) {
		size_t n = strcspn(s->env.v[i], "=");
		AUTO_FREE char *name = str_ndup(s->env.v[i], n);
		bool masked = !show_secrets && strv_has(&s->env_secret, name);
		AUTO_FREE char *pair =
			masked ? str_fmt("%s=******", name) : str_dup(s->env.v[i]);

		add_line(b, "environment", pair);
	}
}

static void add_mount(struct buf *b, const struct model_mount *m)
{
	AUTO_FREE char *word = NULL;

	if (m->type == MODEL_TMPFS)
		word = str_fmt("%s:%s%s%s", m->target, m->read_only ? "ro" : "rw",
			       m->options ? "," : "", m->options ? m->options : "");
	else
		word = str_fmt("%s:%s:%s%s", m->source, m->target,
			       m->read_only ? "ro" : "rw", m->nocopy ? ",nocopy" : "");
	add_line(b, m->type == MODEL_TMPFS ? "tmpfs" : "volumes", word);
}

static void add_secret_use(struct buf *b, const struct model_secret_use *u)
{
	AUTO_FREE char *word = str_fmt("%s:%s", u->name, u->target);

	buf_addf(b, "    %s ", u->config ? "configs" : "secrets");
	add_word(b, word);
	buf_addf(b, " { uid %u; gid %u; mode %04o; }\n", u->uid, u->gid, u->mode);
}

static void add_port(struct buf *b, const struct model_port *p)
{
	char addr[INET_ADDRSTRLEN];

	buf_addf(b, "    ports %s:%u:%u/%s%s;\n",
		 inet_ntop(AF_INET, &p->host_addr, addr, sizeof(addr)), p->host_port,
		 p->port, p->udp ? "udp" : "tcp", p->direct ? " direct" : "");
}

/* A condition that the image may still decide is left to it. */
static void add_dep(struct buf *b, const struct stack_model *m,
		    const struct model_dep *dep)
{
	const struct model_service *on = model_service(m, dep->service);
	bool open = !dep->cond_written && on && on->health.type == MODEL_HEALTH_IMAGE;

	buf_addf(b, "    depends_on %s%s%s%s;\n", dep->service, open ? "" : " ",
		 open ? "" : model_condition_name(dep->cond),
		 dep->restart ? " restart" : "");
}

static void add_ms(struct buf *b, const char *name, uint32_t ms)
{
	AUTO_BUF struct buf text = BUF_INIT;

	model_format_duration(ms, &text);
	add_line(b, name, text.data);
}

static void add_health(struct buf *b, const struct model_health *h)
{
	const char *probe = model_health_name(h->type);

	if (h->type == MODEL_HEALTH_NONE)
		add_line(b, "healthcheck", "off");
	/* Nothing written: the image's own, with the image's times. */
	if (h->type == MODEL_HEALTH_NONE ||
	    (h->type == MODEL_HEALTH_IMAGE && h->pos.line == 0))
		return;
	buf_adds(b, "    healthcheck {\n");
	if (h->type == MODEL_HEALTH_EXEC) {
		buf_adds(b, "    ");
		/* CMD: a program may be called 'shell' or 'NONE' */
		add_words(b, "test CMD", &h->test);
	}
	if (probe)
		buf_addf(b, "        %s", probe);
	if (h->port)
		buf_addf(b, " %u", h->port);
	if (h->path) {
		buf_addc(b, ' ');
		add_word(b, h->path);
	}
	buf_adds(b, probe ? ";\n    " : "    ");
	add_ms(b, "interval", h->interval_ms);
	buf_adds(b, "    ");
	add_ms(b, "timeout", h->timeout_ms);
	buf_addf(b, "        retries %u;\n    ", h->retries);
	add_ms(b, "start_period", h->start_period_ms);
	if (h->start_interval_ms) {
		buf_adds(b, "    ");
		add_ms(b, "start_interval", h->start_interval_ms);
	}
	buf_adds(b, "    }\n");
}

static void add_rlimit(struct buf *b, const struct model_rlimit *l)
{
	buf_addf(b, "    ulimits %s=", value_rlimit_name(l->resource));
	if (l->soft == UINT64_MAX)
		buf_adds(b, "unlimited:");
	else
		buf_addf(b, "%llu:", (unsigned long long)l->soft);
	if (l->hard == UINT64_MAX)
		buf_adds(b, "unlimited;\n");
	else
		buf_addf(b, "%llu;\n", (unsigned long long)l->hard);
}

static void add_links(struct buf *b, const struct stack_model *m,
		      const struct model_service *s)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		add_mount(b, &s->mounts[i]);
	for (size_t i = 0; i < s->n_secrets; i++)
		add_secret_use(b, &s->secrets[i]);
	for (size_t i = 0; i < s->n_ports; i++)
		add_port(b, &s->ports[i]);
	add_list(b, "expose", &s->expose);
	for (size_t i = 0; i < s->n_deps; i++)
		add_dep(b, m, &s->deps[i]);
	add_list(b, "extra_hosts", &s->extra_hosts);
	add_list(b, "dns", &s->dns);
	if (s->aliases.n > 0) {
		buf_adds(b, "    networks default {\n    ");
		add_words(b, "aliases", &s->aliases);
		buf_adds(b, "    }\n");
	}
}

static void add_cpus(struct buf *b, uint64_t millis)
{
	buf_addf(b, "    cpus %llu.%03llu", (unsigned long long)(millis / 1000),
		 (unsigned long long)(millis % 1000));
	while (b->data[b->len - 1] == '0')
		b->len--;
	b->len -= b->data[b->len - 1] == '.';
	buf_adds(b, ";\n");
}

static void add_number(struct buf *b, const char *name, long long n)
{
	buf_addf(b, "    %s %lld;\n", name, n);
}

static void add_blkio(struct buf *b, const struct model_service *s)
{
	if (s->blkio_weight == 0 && s->n_blkio == 0)
		return;
	buf_adds(b, "    blkio_config {\n");
	if (s->blkio_weight)
		buf_addf(b, "        weight %llu;\n",
			 (unsigned long long)s->blkio_weight);
	for (size_t i = 0; i < s->n_blkio; i++)
		for (size_t k = 0; k < MODEL_RATES; k++) {
			if (s->blkio[i].rate[k] == 0)
				continue;
			buf_addf(b, "        %s ", model_blkio_name(k));
			add_word(b, s->blkio[i].path);
			buf_addf(b, " %llu;\n", (unsigned long long)s->blkio[i].rate[k]);
		}
	buf_adds(b, "    }\n");
}

static void add_finer_limits(struct buf *b, const struct model_service *s)
{
	add_size(b, "mem_reservation", s->mem_reservation);
	if (s->memswap_limit == UINT64_MAX)
		add_line(b, "memswap_limit", "-1");
	else
		add_size(b, "memswap_limit", s->memswap_limit);
	add_number(b, "cpu_shares", (long long)s->cpu_shares);
	if (s->cpu_millis == 0) {
		add_number(b, "cpu_period", (long long)s->cpu_period_usec);
		add_number(b, "cpu_quota", (long long)s->cpu_quota_usec);
	}
	add_line(b, "cpuset", s->cpuset);
	add_blkio(b, s);
	add_bool(b, "oom_group", s->oom_group);
	add_number(b, "oom_score_adj", s->oom_score_adj);
	for (size_t i = 0; i < s->n_devices; i++) {
		const struct model_device *dev = &s->devices[i];
		AUTO_FREE char *word =
			str_fmt("%s:%s:%s", dev->source, dev->target, dev->access);

		add_line(b, "devices", word);
	}
}

static void add_limits(struct buf *b, const struct model_service *s)
{
	add_size(b, "mem_limit", s->mem_limit);
	add_cpus(b, s->cpu_millis);
	if (s->pids_limit == 0)
		add_line(b, "pids_limit", "-1");
	else
		buf_addf(b, "    pids_limit %llu;\n", (unsigned long long)s->pids_limit);
	add_finer_limits(b, s);
	add_size(b, "shm_size", s->shm_size);
	for (size_t i = 0; i < s->n_rlimits; i++)
		add_rlimit(b, &s->rlimits[i]);
	add_list(b, "sysctls", &s->sysctls);
	add_bool(b, "read_only", s->read_only);
	add_bool(b, "privileged", s->privileged);
	add_line(b, "userns", model_userns_name(s->userns));
	add_list(b, "cap_add", &s->cap_add);
	add_list(b, "cap_drop", &s->cap_drop);
	add_line(b, "security_opt", "no-new-privileges");
	if (s->seccomp_off)
		add_line(b, "security_opt", "seccomp=unconfined");
	if (s->seccomp_file) {
		AUTO_FREE char *word = str_fmt("seccomp=%s", s->seccomp_file);

		add_line(b, "security_opt", word);
	}
	if (s->apparmor) {
		AUTO_FREE char *word = str_fmt("apparmor=%s", s->apparmor);

		add_line(b, "security_opt", word);
	}
}

static void add_service(struct buf *b, const struct stack_model *m,
			const struct model_service *s, bool show_secrets)
{
	AUTO_BUF struct buf restart = BUF_INIT;

	model_format_restart(s, &restart);
	buf_addf(b, "\nservice %s {\n", s->name);
	add_line(b, "image", s->image);
	add_argv(b, "entrypoint", s->has_entrypoint, &s->entrypoint);
	add_argv(b, "command", s->has_command, &s->command);
	add_env(b, s, show_secrets);
	add_line(b, "user", s->user);
	add_line(b, "working_dir", s->working_dir);
	add_line(b, "hostname", s->hostname);
	add_links(b, m, s);
	add_health(b, &s->health);
	add_line(b, "restart", restart.data);
	add_bool(b, "init", s->init);
	add_bool(b, "tty", s->tty);
	add_bool(b, "stdin_open", s->stdin_open);
	add_line(b, "stop_signal", s->stop_signal);
	add_ms(b, "stop_grace_period", s->stop_grace_ms);
	buf_addf(b, "    logging { max_size %llu; max_files %u; }\n",
		 (unsigned long long)s->logging.max_size, s->logging.max_files);
	add_limits(b, s);
	add_list(b, "labels", &s->labels);
	add_list(b, "profiles", &s->profiles);
	buf_adds(b, "}\n");
}

void model_format_service(const struct stack_model *m, const struct model_service *s,
			  struct buf *ret)
{
	add_service(ret, m, s, true);
}

static void add_stack(struct buf *b, const struct stack_model *m)
{
	const struct model_budget *l = &m->budget;

	buf_addf(b, "stack %s", m->name);
	if (!l->mem_limit && !l->cpu_millis && !l->pids_limit) {
		buf_adds(b, ";\n");
		return;
	}
	buf_adds(b, " {\n");
	add_size(b, "mem_limit", l->mem_limit);
	add_cpus(b, l->cpu_millis);
	add_number(b, "pids_limit", (long long)l->pids_limit);
	buf_adds(b, "}\n");
}

void model_format_conf(const struct stack_model *m, bool show_secrets, struct buf *ret)
{
	add_stack(ret, m);
	for (size_t i = 0; i < m->n_services; i++)
		add_service(ret, m, &m->services[i], show_secrets);
	if (m->n_volumes > 0)
		buf_addc(ret, '\n');
	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct model_volume *v = &m->volumes[i];

		buf_addf(ret, "volume %s", v->name);
		if (v->from_service) {
			AUTO_FREE char *from =
				str_fmt("%s:%s", v->from_service, v->from_path);

			buf_adds(ret, " { from ");
			add_word(ret, from);
			if (v->keep)
				buf_addf(ret, "; keep %u", v->keep);
			buf_adds(ret, "; }\n");
		} else {
			buf_adds(ret, ";\n");
		}
	}
	for (size_t i = 0; i < m->n_secrets; i++) {
		const struct model_secret *x = &m->secrets[i];

		buf_addf(ret, "%s%s %s { file ", i == 0 ? "\n" : "",
			 x->config ? "config" : "secret", x->name);
		add_word(ret, x->file);
		buf_adds(ret, "; }\n");
	}
}
