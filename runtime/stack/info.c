/*
 * stack/info.c - looking at what runs: ps, inspect, logs. Changes nothing, takes no lock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"
#include "runtime/stack/instance.h"
#include "runtime/stack/oom.h"

static char *publish_text(const struct netns_publish *p)
{
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &p->host_addr, addr, sizeof(addr));
	return str_fmt("%s:%u->%u/%s", addr, p->host_port, p->port,
		       p->proto == NETNS_UDP ? "udp" : "tcp");
}

/* "starting": runs, but its healthcheck has not passed yet. A dead supervisor leaves a
 * status behind that may be stale: then the pid decides. */
static const char *state_text(const struct record_service *rs,
			      const struct sup_status *st)
{
	AUTO_CLOSE int pidfd = -1;

	if (st->pid > 0) {
		pidfd = proc_pidfd_as(st->pid, st->start_time);
		if (pidfd < 0)
			return sup_state_name(SUP_EXITED);
	}
	if (st->state == SUP_RUNNING && rs->has_health)
		return sup_state_name(SUP_STARTING);
	return sup_state_name((enum sup_state)st->state);
}

static uint64_t memory_of(struct stack_host *h, const char *stack, const char *service)
{
	AUTO_FREE char *path = host_cgroup(h, stack, service);
	struct err ignored = ERR_INIT;
	struct cgroup_usage use = { 0 };
	struct cgroup_host *cg = NULL;
	struct cgroup *g = NULL;

	if (host_cgroups(h, &cg, &ignored) == 0 &&
	    cgroup_open(cg, path, &g, &ignored) == 0)
		(void)!cgroup_usage(g, &use, &ignored);
	cgroup_free(g);
	return use.memory_bytes;
}

static char *reason_text(const struct sup_status *st, const char *oom)
{
	bool tell = oom && oom_may_have_ended(st) && st->text[0];

	return str_fmt("%.*s%s%s", (int)sizeof(st->text), st->text, tell ? ": " : "",
		       tell ? oom : "");
}

static int fill_info(struct stack_host *h, const struct record *rec, int stack_fd,
		     const struct record_service *rs, struct stack_service_info *out,
		     struct err *e)
{
	char addr[INET_ADDRSTRLEN] = "";
	struct in_addr a;
	int r = sup_status_read(stack_fd, rs->name, &out->status, e);

	if (r < 0)
		return r;
	if (netns_subnet_host(&rec->subnet, rs->host, &a))
		inet_ntop(AF_INET, &a, addr, sizeof(addr));
	out->stack = str_dup(rec->name);
	out->service = str_dup(rs->name);
	out->image = str_dup(rs->image);
	out->image_id = str_dup(rs->image_id);
	out->id = str_fmt("%s/%s.%u", rec->name, rs->name, rs->instance);
	out->address = str_dup(addr);
	out->oom_kills = oom_look(h, rec->name, rs->name, &out->oom);
	out->text = reason_text(&out->status, out->oom);
	out->state = rs->oneoff ? "running" : state_text(rs, &out->status);
	out->has_health = rs->has_health;
	out->userns = rs->userns;
	out->oneoff = rs->oneoff;
	out->memory_bytes = memory_of(h, rec->name, rs->name);
	for (size_t i = 0; i < rs->n_publish; i++)
		strv_take(&out->publish, publish_text(&rs->publish[i]));
	return 0;
}

int stack_ps(struct stack_host *h, const char *stack, struct stack_service_info **ret,
	     size_t *n, struct err *e)
{
	struct stack_service_info *list;
	AUTO_CLOSE int stack_fd = -1;
	struct record *rec = NULL;
	size_t done = 0;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r != 0)
		return r;
	list = mem_new(rec->n_services + 1, sizeof(*list));
	while (r == 0 && done < rec->n_services) {
		r = fill_info(h, rec, stack_fd, &rec->services[done], &list[done], e);
		done += r == 0;
	}
	record_free(rec);
	if (r < 0) {
		stack_ps_free(list, done);
		return r;
	}
	*ret = list;
	*n = done;
	return 0;
}

void stack_ps_free(struct stack_service_info *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].stack);
		free(list[i].service);
		free(list[i].image);
		free(list[i].image_id);
		free(list[i].id);
		free(list[i].address);
		free(list[i].text);
		free(list[i].oom);
		strv_free(&list[i].publish);
	}
	free(list);
}

/* Values of environment variables may be secrets: names stay, values go. */
static void mask_env(json_t *spec)
{
	json_t *env = json_object_get(json_object_get(spec, "spec"), "env"), *item;
	size_t i;

	json_array_foreach (env, i, item) {
		const char *s = json_string_value(item);
		AUTO_FREE char *masked =
			str_fmt("%.*s=******", (int)strcspn(s ? s : "", "="), s ? s : "");

		json_array_set_new(env, i, json_string(masked));
	}
}

static json_t *status_json(const struct sup_status *st)
{
	AUTO_FREE char *reason = reason_text(st, NULL);

	return json_pack("{s:s,s:i,s:i,s:i,s:b,s:i,s:o}", "state",
			 sup_state_name((enum sup_state)st->state), "pid", (int)st->pid,
			 "wait_status", (int)st->exit_status, "restarts",
			 (int)st->restarts, "wanted", (int)st->wanted, "failures",
			 (int)st->failures, "reason", json_text(reason));
}

int stack_inspect(struct stack_host *h, const char *stack, const char *service,
		  json_t **ret, struct err *e)
{
	AUTO_CLOSE int stack_fd = -1;
	struct record *rec = NULL;
	struct record_service *rs;
	struct sup_status st;
	json_t *spec = NULL;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r == 0)
		r = instance_spec(h, stack, service, &spec, e);
	if (r == 0)
		r = sup_status_read(stack_fd, service, &st, e);
	rs = r == 0 ? record_service(rec, service) : NULL;
	if (rs) {
		mask_env(spec);
		*ret = json_pack("{s:s,s:s,s:s,s:s,s:i,s:b,s:o,s:O}", "stack", stack,
				 "service", service, "image", rs->image, "image_id",
				 rs->image_id, "instance", (int)rs->instance, "userns",
				 rs->userns, "status", status_json(&st), "container",
				 spec);
	}
	json_decref(spec);
	record_free(rec);
	return r == 0 && !rs ? STACK_E_ABSENT : r;
}

int stack_files(const struct stack_host *h, const char *stack, struct strv *ret,
		struct err *e)
{
	AUTO_CLOSE int stack_fd = -1;
	struct record *rec = NULL;
	int r = host_stack_fd(h, stack, &stack_fd, e);

	if (r == 0)
		r = record_load(stack_fd, &rec, e);
	if (r == 0)
		strv_copy(ret, &rec->files);
	record_free(rec);
	return r;
}

int stack_logs_fd(const struct stack_host *h, const char *stack, int *ret, struct err *e)
{
	AUTO_FREE char *rel = str_fmt("logs/%s", stack);
	int fd = openat(h->root_fd, rel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? STACK_E_ABSENT
				       : err_set(e, errno, "open '%s'", rel);
	*ret = fd;
	return 0;
}
