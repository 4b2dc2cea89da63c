/*
 * stack/ports.c - can the ports of a plan be published? Asked before anything is touched.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/stack/host.h"
#include "runtime/stack/up.h"

static bool same_port(const struct netns_publish *a, const struct model_port *b)
{
	bool any = a->host_addr.s_addr == INADDR_ANY ||
		   b->host_addr.s_addr == INADDR_ANY ||
		   a->host_addr.s_addr == b->host_addr.s_addr;

	return any && a->host_port == b->host_port && (a->proto == NETNS_UDP) == b->udp;
}

/* Who has the port among our own containers (DNAT leaves no socket to find)?
 * "stack/service", owned by the caller; NULL: nobody. */
static char *port_holder(struct up *u, const struct model_port *port)
{
	AUTO_STRV struct strv stacks = STRV_INIT;
	struct err ignored = ERR_INIT;

	(void)!stack_list(u->h, &stacks, &ignored);
	strv_foreach (i, &stacks) {
		AUTO_CLOSE int fd = -1;
		struct record *rec = NULL;
		char *found = NULL;

		if (str_eq(stacks.v[i], u->name) ||
		    host_stack_fd(u->h, stacks.v[i], &fd, &ignored) != 0 ||
		    record_load(fd, &rec, &ignored) != 0)
			continue;
		for (size_t s = 0; !found && s < rec->n_services; s++)
			for (size_t p = 0; p < rec->services[s].n_publish; p++)
				if (same_port(&rec->services[s].publish[p], port))
					found = str_fmt("%s/%s", rec->name,
							rec->services[s].name);
		record_free(rec);
		if (found)
			return found;
	}
	return NULL;
}

static int check_port(struct up *u, const struct model_service *svc,
		      const struct model_port *p, struct err *e)
{
	AUTO_FREE char *holder = port_holder(u, p);
	char addr[INET_ADDRSTRLEN];
	int r;

	inet_ntop(AF_INET, &p->host_addr, addr, sizeof(addr));
	if (holder)
		r = err_msg(e, EADDRINUSE, "port %s:%u is published by '%s'", addr,
			    p->host_port, holder);
	else
		r = netns_port_free(p->udp ? NETNS_UDP : NETNS_TCP, p->host_addr,
				    p->host_port, e);
	if (r < 0)
		return err_ctx(e, "%s:%u:%u: service '%s'", p->pos.file, p->pos.line,
			       p->pos.col, svc->name);
	return 0;
}

int up_check_ports(struct up *u, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->plan.n; i++) {
		const struct model_service *svc =
			model_service(u->model, u->plan.steps[i].service);

		if (u->plan.steps[i].kind == STEP_KEEP ||
		    u->plan.steps[i].kind == STEP_START || !svc)
			continue;
		for (size_t p = 0; r == 0 && p < svc->n_ports; p++)
			r = check_port(u, svc, &svc->ports[p], e);
	}
	return r;
}
