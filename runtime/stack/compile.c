/*
 * stack/compile.c - the supervisor's spec, made of the record.
 *
 * Knows both formats; makes no kernel object.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/stack/record.h"

/* Index in the compiled spec, where one-off containers have no place; -1: not there. */
static int sup_index(const struct record *r, const char *name)
{
	int n = 0;

	for (size_t i = 0; i < r->n_services; i++) {
		if (r->services[i].oneoff)
			continue;
		if (strcmp(r->services[i].name, name) == 0)
			return n;
		n++;
	}
	return -1;
}

/* '?' was left open: healthy where the other service has a healthcheck. */
static uint16_t condition(const struct record *r, const char *name, char written)
{
	if (written != '?')
		return (uint16_t)(written - '0');
	return record_service(r, name)->has_health ? SUP_DEP_HEALTHY : SUP_DEP_STARTED;
}

static void compile_deps(const struct record *r, const struct record_service *s,
			 struct sup_service *out)
{
	strv_foreach (i, &s->dep_names) {
		AUTO_FREE char *name = str_dup(s->dep_names.v[i]);
		char *cond = strrchr(name, '=');
		int at;

		*cond = '\0';
		at = sup_index(r, name);
		/* A dependency that was not brought up (`up SERVICE`) gates nothing. */
		if (at < 0 || out->n_deps == SUP_DEPS)
			continue;
		out->deps[out->n_deps].service = (uint16_t)at;
		out->deps[out->n_deps++].condition = condition(r, name, cond[1]);
	}
}

int record_compile(const struct stack_host *h, const struct record *r, int stack_fd,
		   struct err *e)
{
	struct sup_header head = { .magic = SUP_MAGIC,
				   .version = SUP_VERSION,
				   .service_size = sizeof(struct sup_service) };
	struct sup_service *list = mem_new(r->n_services + 1, sizeof(*list));
	int ret;

	snprintf(head.stack, sizeof(head.stack), "%s", r->name);
	snprintf(head.run_dir, sizeof(head.run_dir), "%s", h->run);
	snprintf(head.root_dir, sizeof(head.root_dir), "%s", h->root);
	snprintf(head.minibox, sizeof(head.minibox), "%s/minibox", h->exe_dir);
	for (size_t i = 0; i < r->n_services; i++) {
		const struct record_service *s = &r->services[i];
		struct sup_service *out = &list[head.n_services];
		struct in_addr addr;

		if (s->oneoff)
			continue;
		*out = s->sup;
		snprintf(out->name, sizeof(out->name), "%s", s->name);
		out->instance = s->instance;
		if (netns_subnet_host(&r->subnet, s->host, &addr))
			out->address = addr.s_addr;
		compile_deps(r, s, out);
		head.n_services++;
	}
	ret = sup_spec_write(stack_fd, &head, list, e);
	free(list);
	return ret;
}
