/*
 * stack/decode_net.c - words that name other services and machines: depends_on, networks,
 * extra_hosts, dns. Does not know whether a named service exists: that is validate's.
 */
#include "runtime/stack/conf/decode.h"

#include <arpa/inet.h>
#include <string.h>

#include "runtime/stack/conf/value.h"

static const struct {
	const char *word; /* ours, then Compose's */
	enum model_condition cond;
} conditions[] = {
	{ "started", MODEL_STARTED },
	{ "healthy", MODEL_HEALTHY },
	{ "completed", MODEL_COMPLETED },
	{ "service_started", MODEL_STARTED },
	{ "service_healthy", MODEL_HEALTHY },
	{ "service_completed_successfully", MODEL_COMPLETED },
};

static bool is_condition(const char *word, enum model_condition *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		if (strcmp(conditions[i].word, word) != 0)
			continue;
		*ret = conditions[i].cond;
		return true;
	}
	return false;
}

static struct model_dep *add_dep(struct model_service *s, const struct conf_word *w)
{
	struct model_dep *dep = NULL;

	for (size_t i = 0; i < s->n_deps; i++)
		if (strcmp(s->deps[i].service, w->text) == 0)
			dep = &s->deps[i];
	if (!dep) {
		s->deps = mem_grow(s->deps, s->n_deps + 1, sizeof(*s->deps));
		dep = &s->deps[s->n_deps++];
		*dep = (struct model_dep){ .service = str_dup(w->text) };
	}
	dep->cond_written = dep->restart = false;
	dep->cond = MODEL_STARTED;
	dep->pos = w->pos;
	return dep;
}

/* A condition, or `restart`, belongs to the service before it; at the start it can only
 * be a service. */
void decode_depends_on(struct decode *d, struct model_service *s,
		       const struct conf_node *node)
{
	struct model_dep *dep = NULL;

	for (size_t i = 0; i < node->n_words; i++) {
		const struct conf_word *w = &node->words[i];
		enum model_condition cond;

		if (i > 0 && is_condition(w->text, &cond)) {
			if (dep && dep->cond_written)
				diag_at(d->diag, w->pos, "'%s' has a condition already",
					dep->service);
			else if (dep)
				dep->cond = cond, dep->cond_written = true;
			continue;
		}
		if (dep && !dep->restart && strcmp(w->text, "restart") == 0) {
			dep->restart = true;
			continue;
		}
		dep = NULL;
		if (!value_name(w->text)) {
			decode_bad(d, node, w,
				   "SERVICE [started|healthy|completed] [restart]");
			continue;
		}
		if (decode_turn(d, node, w, "dependency", w->text) != DECODE_REPEATED)
			dep = add_dep(s, w);
	}
}

static void decode_aliases(struct decode *d, struct model_service *s,
			   const struct conf_node *node)
{
	if (!decode_shape(d, node, 1, 0, false, "names"))
		return;
	for (size_t i = 0; i < node->n_words; i++) {
		if (!value_hostname(node->words[i].text))
			decode_bad(d, node, &node->words[i], "host names");
		else if (!strv_has(&s->aliases, node->words[i].text))
			strv_add(&s->aliases, node->words[i].text);
	}
}

void decode_networks(struct decode *d, struct model_service *s,
		     const struct conf_node *node)
{
	static const char *const names[] = { "aliases",      "ipv4_address",
					     "ipv6_address", "link_local_ips",
					     "priority",     NULL };
	bool ours = true;

	for (size_t i = 0; i < node->n_words; i++) {
		if (strcmp(node->words[i].text, "default") == 0)
			continue;
		ours = false;
		diag_at(d->diag, node->words[i].pos,
			"network '%s': networks other than 'default' "
			"are not supported yet",
			node->words[i].text);
		diag_hint(d->diag, "services of a stack reach each other without it");
	}
	for (size_t i = 0; i < node->n_children && ours; i++) {
		const struct conf_node *c = &node->children[i];
		size_t k = 1;

		while (names[k] && strcmp(names[k], c->name) != 0)
			k++;
		if (strcmp(c->name, "aliases") == 0)
			decode_aliases(d, s, c);
		else if (names[k])
			diag_at(d->diag, c->pos, "'%s' of a network is not supported yet",
				c->name);
		else
			decode_unknown(d, c, "in 'networks'", names);
	}
}

static bool is_address(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET, s, &a) == 1 || inet_pton(AF_INET6, s, &a) == 1;
}

/* NAME:ADDRESS or NAME=ADDRESS, an IPv6 address with or without brackets; host-gateway is
 * the host as seen from the stack's network. */
void decode_extra_hosts(struct decode *d, struct model_service *s,
			const struct conf_node *node)
{
	for (size_t i = 0; i < node->n_words; i++) {
		const struct conf_word *w = &node->words[i];
		size_t n = strcspn(w->text, ":=");
		AUTO_FREE char *name = str_ndup(w->text, n);
		const char *at = w->text[n] ? w->text + n + 1 : "";
		bool brackets = *at == '[' && str_ends(at, "]");
		AUTO_FREE char *addr = str_ndup(at + brackets, strlen(at) - 2 * brackets);
		AUTO_FREE char *pair = str_fmt("%s=%s", name, addr);

		if (!value_hostname(name) ||
		    (!is_address(addr) && strcmp(addr, "host-gateway") != 0)) {
			decode_bad(d, node, w, "NAME:ADDRESS");
			continue;
		}
		if (decode_turn(d, node, w, "host", name) != DECODE_REPEATED)
			strv_set_env(&s->extra_hosts, pair);
	}
}

void decode_dns(struct decode *d, struct model_service *s, const struct conf_node *node)
{
	for (size_t i = 0; i < node->n_words; i++) {
		if (!is_address(node->words[i].text))
			decode_bad(d, node, &node->words[i], "addresses");
		else if (!strv_has(&s->dns, node->words[i].text))
			strv_add(&s->dns, node->words[i].text);
	}
}
