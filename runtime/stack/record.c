/*
 * stack/record.c - the record of a stack as JSON.
 *
 * Knows formats only; makes no kernel object.
 */
#include "runtime/stack/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"

#define FILE_NAME ".stack.json"

struct record *record_new(const char *name, const char *dir)
{
	struct record *r = mem_new(1, sizeof(*r));

	r->name = str_dup(name);
	r->dir = str_dup(dir);
	return r;
}

static void service_free(struct record_service *s)
{
	free(s->name);
	free(s->base);
	free(s->image);
	free(s->image_id);
	free(s->publish);
	json_decref(s->config);
	strv_free(&s->aliases);
	strv_free(&s->hosts);
	strv_free(&s->anonymous);
	strv_free(&s->dep_names);
}

void record_undescribe(struct record_service *s)
{
	free(s->publish);
	s->publish = NULL;
	s->n_publish = 0;
	json_decref(s->config);
	s->config = NULL;
	strv_free(&s->aliases);
	strv_free(&s->hosts);
	strv_free(&s->dep_names);
}

void record_shares_free(struct record_share *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].volume);
		free(list[i].service);
		free(list[i].path);
	}
	free(list);
}

struct record *record_free(struct record *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->n_services; i++)
		service_free(&r->services[i]);
	record_shares_free(r->shares, r->n_shares);
	json_decref(r->budget);
	for (size_t i = 0; i < r->n_leases; i++)
		free(r->leases[i].service);
	for (size_t i = 0; i < r->n_hosts; i++)
		free(r->hosts[i].service);
	strv_free(&r->hidden);
	free(r->hosts);
	free(r->leases);
	free(r->services);
	strv_free(&r->files);
	free(r->name);
	free(r->dir);
	free(r);
	return NULL;
}

struct record_service *record_service(const struct record *r, const char *name)
{
	for (size_t i = 0; i < r->n_services; i++)
		if (strcmp(r->services[i].name, name) == 0)
			return &r->services[i];
	return NULL;
}

uid_t record_ids(const struct record *r, const char *service)
{
	for (size_t i = 0; i < r->n_leases; i++)
		if (strcmp(r->leases[i].service, service) == 0)
			return r->leases[i].base;
	return r->uid_base;
}

struct record_service *record_add(struct record *r, const char *name)
{
	struct record_service *s;

	r->services = mem_grow(r->services, r->n_services + 1, sizeof(*r->services));
	s = &r->services[r->n_services++];
	memset(s, 0, sizeof(*s));
	s->name = str_dup(name);
	return s;
}

void record_remove(struct record *r, const char *name)
{
	struct record_service *s = record_service(r, name);
	size_t i;

	if (!s)
		return;
	i = (size_t)(s - r->services);
	service_free(s);
	memmove(s, s + 1, (r->n_services - i - 1) * sizeof(*s));
	r->n_services--;
}

uint32_t record_free_host(const struct record *r)
{
	for (uint32_t host = 2;; host++) {
		bool taken = false;

		for (size_t i = 0; i < r->n_services; i++)
			taken |= r->services[i].host == host;
		for (size_t i = 0; i < r->n_hosts; i++)
			taken |= r->hosts[i].host == host;
		if (!taken)
			return host;
	}
}

static struct record_host *find_host(const struct record *r, const char *service)
{
	for (size_t i = 0; i < r->n_hosts; i++)
		if (strcmp(r->hosts[i].service, service) == 0)
			return &r->hosts[i];
	return NULL;
}

uint32_t record_host(const struct record *r, const char *service)
{
	const struct record_host *h = find_host(r, service);

	return h ? h->host : 0;
}

void record_keep_host(struct record *r, const char *service, uint32_t host)
{
	struct record_host *h = find_host(r, service);

	if (!h) {
		r->hosts = mem_grow(r->hosts, r->n_hosts + 1, sizeof(*r->hosts));
		h = &r->hosts[r->n_hosts++];
		h->service = str_dup(service);
	}
	h->host = host;
}

void record_drop_host(struct record *r, const char *service)
{
	struct record_host *h = find_host(r, service);

	if (!h)
		return;
	free(h->service);
	*h = r->hosts[--r->n_hosts];
}

static json_t *publish_json(const struct record_service *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_publish; i++) {
		const struct netns_publish *p = &s->publish[i];

		json_array_append_new(list, json_pack("[i,I,i,I,i]", (int)p->proto,
						      (json_int_t)p->host_addr.s_addr,
						      (int)p->host_port,
						      (json_int_t)p->addr.s_addr,
						      (int)p->port));
	}
	return list;
}

static void publish_parse(const json_t *list, struct record_service *s)
{
	const json_t *item;
	size_t i;

	s->publish = mem_new(json_array_size(list), sizeof(*s->publish));
	json_array_foreach (list, i, item) {
		struct netns_publish *p = &s->publish[s->n_publish++];

		p->proto = (enum netns_proto)json_integer_value(json_array_get(item, 0));
		p->host_addr.s_addr =
			(in_addr_t)json_integer_value(json_array_get(item, 1));
		p->host_port = (uint16_t)json_integer_value(json_array_get(item, 2));
		p->addr.s_addr = (in_addr_t)json_integer_value(json_array_get(item, 3));
		p->port = (uint16_t)json_integer_value(json_array_get(item, 4));
	}
}

/* The numbers of struct sup_service that come from the service itself, by one table. */
static const struct {
	const char *key;
	size_t offset;
} sup_fields[] = {
/* clang-format off */
#define FIELD(name) { #name, offsetof(struct sup_service, name) }
	/* clang-format on */
	FIELD(restart),
	FIELD(restart_max),
	FIELD(stop_signal),
	FIELD(stop_grace_ms),
	FIELD(health),
	FIELD(health_port),
	FIELD(health_interval_ms),
	FIELD(health_timeout_ms),
	FIELD(health_start_ms),
	FIELD(health_start_interval_ms),
	FIELD(health_retries),
	FIELD(log_segment_bytes),
	FIELD(log_segments),
	FIELD(has_readers),
#undef FIELD
};

static uint32_t *sup_field(struct sup_service *s, size_t i)
{
	return (uint32_t *)(void *)((char *)s + sup_fields[i].offset);
}

static json_t *sup_json(const struct record_service *s)
{
	struct sup_service copy = s->sup;
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_LEN(sup_fields); i++)
		json_object_set_new(j, sup_fields[i].key,
				    json_integer(*sup_field(&copy, i)));
	json_object_set_new(j, "health_path", json_string(copy.health_path));
	return j;
}

static void sup_parse(const json_t *j, struct sup_service *s)
{
	for (size_t i = 0; i < ARRAY_LEN(sup_fields); i++)
		*sup_field(s, i) = (uint32_t)json_int(j, sup_fields[i].key, 0);
	snprintf(s->health_path, sizeof(s->health_path), "%s",
		 json_str(j, "health_path", ""));
}

static json_t *service_json(const struct record_service *s)
{
	return json_pack(
		"{s:s,s:s,s:s,s:s,s:i,s:i,s:b,s:b,s:b,s:O,s:o,s:o,s:o,s:o,s:o,s:o}",
		"name", s->name, "base", s->base, "image", s->image, "image_id",
		s->image_id, "instance", (int)s->instance, "host", (int)s->host, "userns",
		s->userns, "oneoff", s->oneoff, "has_health", s->has_health, "config",
		s->config, "aliases", json_from_strv(&s->aliases), "hosts",
		json_from_strv(&s->hosts), "anonymous", json_from_strv(&s->anonymous),
		"depends", json_from_strv(&s->dep_names), "publish", publish_json(s),
		"supervise", sup_json(s));
}

static void service_parse(const json_t *j, struct record *r)
{
	struct record_service *s = record_add(r, json_str(j, "name", ""));

	s->base = str_dup(json_str(j, "base", ""));
	s->image = str_dup(json_str(j, "image", ""));
	s->image_id = str_dup(json_str(j, "image_id", ""));
	s->instance = (uint32_t)json_int(j, "instance", 0);
	s->host = (uint32_t)json_int(j, "host", 0);
	s->userns = json_bool(j, "userns", false);
	s->oneoff = json_bool(j, "oneoff", false);
	s->has_health = json_bool(j, "has_health", false);
	s->config = json_incref(json_object_get(j, "config"));
	json_strv(j, "aliases", &s->aliases);
	json_strv(j, "hosts", &s->hosts);
	json_strv(j, "anonymous", &s->anonymous);
	json_strv(j, "depends", &s->dep_names);
	publish_parse(json_object_get(j, "publish"), s);
	sup_parse(json_object_get(j, "supervise"), &s->sup);
}

static void share_parse(const json_t *j, struct record *r)
{
	struct record_share *s;

	r->shares = mem_grow(r->shares, r->n_shares + 1, sizeof(*r->shares));
	s = &r->shares[r->n_shares++];
	s->volume = str_dup(json_str(j, "volume", ""));
	s->service = str_dup(json_str(j, "service", ""));
	s->path = str_dup(json_str(j, "path", ""));
	s->keep = (uint32_t)json_int(j, "keep", 1);
}

static json_t *leases_json(const struct record *r)
{
	json_t *obj = json_object();

	for (size_t i = 0; i < r->n_leases; i++)
		json_object_set_new(obj, r->leases[i].service,
				    json_integer((json_int_t)r->leases[i].base));
	return obj;
}

static void leases_parse(json_t *obj, struct record *r)
{
	const char *service;
	json_t *base;

	json_object_foreach (obj, service, base) {
		r->leases = mem_grow(r->leases, r->n_leases + 1, sizeof(*r->leases));
		r->leases[r->n_leases++] =
			(struct record_lease){ str_dup(service),
					       (uid_t)json_integer_value(base) };
	}
}

static json_t *hosts_json(const struct record *r)
{
	json_t *obj = json_object();

	for (size_t i = 0; i < r->n_hosts; i++)
		json_object_set_new(obj, r->hosts[i].service,
				    json_integer((json_int_t)r->hosts[i].host));
	return obj;
}

static void hosts_parse(json_t *obj, struct record *r)
{
	const char *service;
	json_t *host;

	json_object_foreach (obj, service, host)
		record_keep_host(r, service, (uint32_t)json_integer_value(host));
}

int record_save(int stack_fd, const struct record *r, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	json_t *services = json_array(), *shares = json_array();
	char subnet[20];

	for (size_t i = 0; i < r->n_services; i++)
		json_array_append_new(services, service_json(&r->services[i]));
	for (size_t i = 0; i < r->n_shares; i++)
		json_array_append_new(shares, json_pack("{s:s,s:s,s:s,s:i}", "volume",
							r->shares[i].volume, "service",
							r->shares[i].service, "path",
							r->shares[i].path, "keep",
							(int)r->shares[i].keep));
	j = json_pack(
		"{s:s,s:s,s:o,s:I,s:s,s:s,s:o,s:o,s:O*,s:o,s:o,s:o,s:b,s:b,s:b,s:i,s:i}",
		"name", r->name, "dir", r->dir, "files", json_from_strv(&r->files),
		"uid_base", (json_int_t)r->uid_base, "subnet",
		netns_subnet_format(&r->subnet, subnet), "bridge", r->bridge, "services",
		services, "shares", shares, "budget", r->budget, "leases", leases_json(r),
		"hosts", hosts_json(r), "hidden", json_from_strv(&r->hidden), "whole",
		r->whole, "proven", r->proven, "rolled_back", r->rolled_back, "before",
		(int)r->before, "next_before", (int)r->next_before);
	return json_write(stack_fd, FILE_NAME, j, 0600, e);
}

int record_load(int stack_fd, struct record **ret, struct err *e)
{
	AUTO_JSON json_t *j = NULL;
	const json_t *item;
	struct record *rec;
	size_t i;
	int r;

	if (faccessat(stack_fd, FILE_NAME, F_OK, 0) < 0 && errno == ENOENT)
		return STACK_E_ABSENT;
	r = json_read(stack_fd, FILE_NAME, &j, e);
	if (r < 0)
		return r;
	rec = record_new(json_str(j, "name", ""), json_str(j, "dir", ""));
	json_strv(j, "files", &rec->files);
	leases_parse(json_object_get(j, "leases"), rec);
	hosts_parse(json_object_get(j, "hosts"), rec);
	json_strv(j, "hidden", &rec->hidden);
	rec->whole = json_bool(j, "whole", false);
	rec->proven = json_bool(j, "proven", false);
	rec->rolled_back = json_bool(j, "rolled_back", false);
	rec->before = (uint32_t)json_int(j, "before", 0);
	rec->next_before = (uint32_t)json_int(j, "next_before", 0);
	rec->budget = json_incref(json_object_get(j, "budget"));
	rec->uid_base = (uid_t)json_int(j, "uid_base", 0);
	snprintf(rec->bridge, sizeof(rec->bridge), "%s", json_str(j, "bridge", ""));
	r = netns_subnet_parse(json_str(j, "subnet", ""), &rec->subnet, e);
	if (r < 0) {
		record_free(rec);
		return r;
	}
	json_array_foreach (json_object_get(j, "services"), i, item)
		service_parse(item, rec);
	json_array_foreach (json_object_get(j, "shares"), i, item)
		share_parse(item, rec);
	*ret = rec;
	return 0;
}
