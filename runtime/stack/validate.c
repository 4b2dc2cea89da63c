/*
 * stack/validate.c - see validate.h.
 */
#include "runtime/stack/validate.h"

#include <arpa/inet.h>
#include <string.h>

#include "runtime/supervisor/supervisor.h"

struct check {
	struct stack_model *m;
	const bool *active;
	struct diag *diag;
};

static size_t index_of(const struct stack_model *m, const struct model_service *s)
{
	return (size_t)(s - m->services);
}

static void suggest_service(struct check *c, const char *word, struct model_pos pos,
			    const char *what)
{
	AUTO_FREE const char **names = mem_new(c->m->n_services + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < c->m->n_services; i++)
		names[i] = c->m->services[i].name;
	near = diag_suggest(word, names);
	diag_at(c->diag, pos, "%s: there is no service '%s'%s%s%s", what, word,
		near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* The service that @word names, if it runs whenever @by does (NULL: somebody does); else
 * the error is noted. */
static const struct model_service *need_service(struct check *c, const char *word,
						struct model_pos pos, const char *what,
						bool by_active)
{
	const struct model_service *s = model_service(c->m, word);

	if (!s) {
		suggest_service(c, word, pos, what);
		return NULL;
	}
	if (by_active && !c->active[index_of(c->m, s)]) {
		diag_at(c->diag, pos,
			"%s: service '%s' is left out: none of its profiles is active",
			what, word);
		diag_hint(c->diag, "its profiles are at %s:%u", s->pos.file, s->pos.line);
		return NULL;
	}
	return s;
}

static bool has_healthcheck(const struct model_service *s)
{
	return s->health.type != MODEL_HEALTH_NONE &&
	       s->health.type != MODEL_HEALTH_IMAGE;
}

static void check_dep(struct check *c, const struct model_service *s,
		      struct model_dep *dep)
{
	const struct model_service *on = need_service(
		c, dep->service, dep->pos, "depends_on", c->active[index_of(c->m, s)]);

	if (!on)
		return;
	if (on == s) {
		diag_at(c->diag, dep->pos, "service '%s' depends on itself", s->name);
		return;
	}
	if (!dep->cond_written)
		dep->cond = has_healthcheck(on) ? MODEL_HEALTHY : MODEL_STARTED;
	if (dep->cond == MODEL_HEALTHY && on->health.type == MODEL_HEALTH_NONE)
		diag_at(c->diag, dep->pos,
			"service '%s' has its healthcheck off: it will never "
			"be healthy",
			on->name);
	if (dep->cond == MODEL_COMPLETED &&
	    (on->restart == MODEL_ALWAYS || on->restart == MODEL_UNLESS_STOPPED)) {
		diag_at(c->diag, dep->pos,
			"service '%s' is started again whenever it ends: it "
			"will never be completed",
			on->name);
		diag_hint(c->diag, "'restart no;' or 'restart on-failure;' there");
	}
}

static void check_deps(struct check *c, struct model_service *s)
{
	for (size_t i = 0; i < s->n_deps; i++)
		check_dep(c, s, &s->deps[i]);
	if (s->n_deps > SUP_DEPS)
		diag_at(c->diag, s->deps[SUP_DEPS].pos,
			"service '%s' depends on more than %d others", s->name, SUP_DEPS);
}

enum colour { WHITE, GREY, BLACK };

struct walk {
	struct check *c;
	enum colour *colour;
	size_t *path; /* the services being walked, from the first */
	size_t depth;
};

static void report_cycle(struct walk *w, size_t to, struct model_pos pos)
{
	AUTO_BUF struct buf text = BUF_INIT;
	size_t from = 0;

	while (w->path[from] != to)
		from++;
	for (; from < w->depth; from++)
		buf_addf(&text, "%s -> ", w->c->m->services[w->path[from]].name);
	buf_adds(&text, w->c->m->services[to].name);
	diag_at(w->c->diag, pos, "services depend on each other in a circle: %s",
		text.data);
}

/* Depth first; as deep as there are services, which are few. */
static void walk_from(struct walk *w, size_t at)
{
	const struct model_service *s = &w->c->m->services[at];

	w->colour[at] = GREY;
	w->path[w->depth++] = at;
	for (size_t i = 0; i < s->n_deps; i++) {
		const struct model_service *on =
			model_service(w->c->m, s->deps[i].service);
		size_t to = on ? index_of(w->c->m, on) : at;

		if (to == at)
			continue;
		if (w->colour[to] == GREY)
			report_cycle(w, to, s->deps[i].pos);
		else if (w->colour[to] == WHITE)
			walk_from(w, to);
	}
	w->depth--;
	w->colour[at] = BLACK;
}

static void check_cycles(struct check *c)
{
	AUTO_FREE enum colour *colour = mem_new(c->m->n_services, sizeof(*colour));
	AUTO_FREE size_t *path = mem_new(c->m->n_services, sizeof(*path));
	struct walk w = { .c = c, .colour = colour, .path = path };

	for (size_t i = 0; i < c->m->n_services; i++)
		if (colour[i] == WHITE)
			walk_from(&w, i);
}

static void check_mount(struct check *c, const struct model_service *s,
			const struct model_mount *mount)
{
	const struct model_volume *v = model_volume(c->m, mount->source);

	if (!v) {
		diag_at(c->diag, mount->pos, "volume '%s' is not declared",
			mount->source);
		diag_hint(c->diag,
			  "add 'volume %s;', or write ./%s for a path on the host",
			  mount->source, mount->source);
		return;
	}
	if (!v->from_service)
		return;
	if (strcmp(v->from_service, s->name) == 0) {
		diag_at(c->diag, mount->pos, "volume '%s' is a directory of '%s' itself",
			v->name, s->name);
		diag_hint(c->diag, "the readers mount it; '%s' has it at %s", s->name,
			  v->from_path);
		return;
	}
	(void)need_service(c, v->from_service, mount->pos, "from",
			   c->active[index_of(c->m, s)]);
}

static void check_volumes(struct check *c)
{
	for (size_t i = 0; i < c->m->n_volumes; i++) {
		const struct model_volume *v = &c->m->volumes[i];

		if (v->from_service)
			(void)need_service(c, v->from_service, v->pos, "from", false);
	}
	for (size_t i = 0; i < c->m->n_services; i++)
		for (size_t j = 0; j < c->m->services[i].n_mounts; j++)
			if (c->m->services[i].mounts[j].type == MODEL_VOLUME)
				check_mount(c, &c->m->services[i],
					    &c->m->services[i].mounts[j]);
}

static void check_secrets(struct check *c, const struct model_service *s)
{
	for (size_t i = 0; i < s->n_secrets; i++) {
		const struct model_secret_use *u = &s->secrets[i];
		const char *kind = u->config ? "config" : "secret";

		if (model_secret(c->m, u->config, u->name))
			continue;
		diag_at(c->diag, u->pos, "%s '%s' is not declared", kind, u->name);
		diag_hint(c->diag, "add '%s %s { file PATH; }'", kind, u->name);
	}
}

static bool ports_clash(const struct model_port *a, const struct model_port *b)
{
	bool any = a->host_addr.s_addr == INADDR_ANY || b->host_addr.s_addr == INADDR_ANY;

	return a->host_port == b->host_port && a->udp == b->udp &&
	       (any || a->host_addr.s_addr == b->host_addr.s_addr);
}

/* All published ports in one row, so that each is held against those before it. */
struct published {
	const struct model_port *port;
	const struct model_service *by;
};

static int by_port(const void *a, const void *b)
{
	const struct published *x = a, *y = b;

	if (x->port->host_port != y->port->host_port)
		return x->port->host_port < y->port->host_port ? -1 : 1;
	return x->by != y->by       ? (x->by < y->by ? -1 : 1)
	       : x->port != y->port ? (x->port < y->port ? -1 : 1)
				    : 0;
}

static void check_clash(struct check *c, const struct published *first,
			const struct published *second)
{
	if (!ports_clash(first->port, second->port))
		return;
	diag_at(c->diag, second->port->pos,
		"port %u of the host is published twice%s%s%s", second->port->host_port,
		first->by != second->by ? ", also by service '" : "",
		first->by != second->by ? first->by->name : "",
		first->by != second->by ? "'" : "");
	diag_hint(c->diag, "first at %s:%u", first->port->pos.file,
		  first->port->pos.line);
}

static void check_ports(struct check *c)
{
	AUTO_FREE struct published *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->m->n_services; i++) {
		const struct model_service *s = &c->m->services[i];

		if (!c->active[i])
			continue;
		all = mem_grow(all, n + s->n_ports, sizeof(*all));
		for (size_t j = 0; j < s->n_ports; j++)
			all[n++] = (struct published){ &s->ports[j], s };
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), by_port);
	for (size_t i = 1; i < n; i++)
		for (size_t j = i;
		     j-- > 0 && all[j].port->host_port == all[i].port->host_port;)
			check_clash(c, &all[j], &all[i]);
}

/* A service's names within the network: its own name, and aliases. */
static void check_aliases(struct check *c, const struct model_service *s)
{
	strv_foreach (i, &s->aliases) {
		const struct model_service *other = model_service(c->m, s->aliases.v[i]);

		if (other && other != s)
			diag_at(c->diag, s->pos,
				"alias '%s' of service '%s' is another service's "
				"name",
				s->aliases.v[i], s->name);
	}
}

/* v1 refuses a child more of the processors than its parent; and what is more than all
 * there is was not meant. */
static void check_budget(struct check *c, const struct model_service *s)
{
	const struct model_budget *b = &c->m->budget;

	if (b->mem_limit && s->mem_limit > b->mem_limit)
		diag_at(c->diag, s->mem_pos, "'mem_limit' is above that of the stack");
	if (b->cpu_millis && s->cpu_millis > b->cpu_millis)
		diag_at(c->diag, s->cpus_pos, "'cpus' is above that of the stack");
}

void validate_model(struct stack_model *m, const bool *active, struct diag *diag)
{
	struct check c = { .m = m, .active = active, .diag = diag };

	for (size_t i = 0; i < m->n_services; i++) {
		struct model_service *s = &m->services[i];

		if (!s->image && s->image_pos.line == 0) {
			diag_at(diag, s->pos, "service '%s' has no image", s->name);
			diag_hint(diag, "image FILE.tar; or image NAME;");
		}
		check_deps(&c, s);
		check_aliases(&c, s);
		check_secrets(&c, s);
		check_budget(&c, s);
	}
	check_cycles(&c);
	check_volumes(&c);
	check_ports(&c);
	if (m->n_services > SUP_SERVICES)
		diag_at(diag, m->services[SUP_SERVICES].pos, "more than %d services",
			SUP_SERVICES);
}
