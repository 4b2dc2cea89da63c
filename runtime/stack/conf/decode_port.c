/*
 * stack/decode_port.c - ports and expose: [ADDRESS:]HOST[-HOST]:PORT[-PORT][/udp]
 * [direct].
 *
 * Knows the words. That no two services publish the same is validate's.
 */
#include "runtime/stack/conf/decode.h"

#include <arpa/inet.h>
#include <string.h>

#include "runtime/stack/conf/value.h"

struct range {
	uint16_t first, last;
};

static bool read_range(const char *s, struct range *ret)
{
	AUTO_FREE char *first = str_ndup(s, strcspn(s, "-"));
	const char *dash = s + strlen(first);

	if (!value_port(first, &ret->first))
		return false;
	ret->last = ret->first;
	return !*dash || (value_port(dash + 1, &ret->last) && ret->last >= ret->first);
}

/* Cuts /tcp or /udp off @text. */
static bool read_protocol(char *text, bool *ret_udp)
{
	char *slash = strchr(text, '/');

	*ret_udp = slash && strcmp(slash, "/udp") == 0;
	if (slash && !*ret_udp && strcmp(slash, "/tcp") != 0)
		return false;
	if (slash)
		*slash = '\0';
	return true;
}

static bool same_port(const struct model_port *a, const struct model_port *b)
{
	return a->host_addr.s_addr == b->host_addr.s_addr &&
	       a->host_port == b->host_port && a->udp == b->udp;
}

static void add_port(struct decode *d, struct model_service *s,
		     const struct conf_node *node, const struct conf_word *w,
		     const struct model_port *p)
{
	char addr[INET_ADDRSTRLEN];
	AUTO_FREE char *name =
		str_fmt("%s:%u/%s", inet_ntop(AF_INET, &p->host_addr, addr, sizeof(addr)),
			p->host_port, p->udp ? "udp" : "tcp");
	enum decode_turn turn = decode_turn(d, node, w, "host port", name);

	if (turn == DECODE_REPEATED)
		return;
	for (size_t i = 0; i < s->n_ports && turn == DECODE_REPLACE; i++) {
		if (same_port(&s->ports[i], p)) {
			s->ports[i] = *p;
			return;
		}
	}
	s->ports = mem_grow(s->ports, s->n_ports + 1, sizeof(*s->ports));
	s->ports[s->n_ports++] = *p;
}

static bool read_address(struct decode *d, const struct conf_word *w, const char *text,
			 struct in_addr *ret)
{
	if (inet_pton(AF_INET, text, ret) == 1)
		return true;
	if (*text == '[' || strchr(text, ':')) {
		diag_at(d->diag, w->pos, "'%s': publishing on IPv6 is not supported yet",
			w->text);
		return false;
	}
	diag_at(d->diag, w->pos, "'%s': '%s' is not an address", w->text, text);
	if (strcmp(text, "localhost") == 0)
		diag_hint(d->diag, "write 127.0.0.1, or leave it out: it is the default");
	return false;
}

/* Splits [ADDRESS:]HOST:PORT and reads its parts; notes what is wrong. */
static bool read_parts(struct decode *d, const struct conf_node *node,
		       const struct conf_word *w, struct model_port *p,
		       struct range *host, struct range *inside)
{
	AUTO_FREE char *text = str_dup(w->text);
	char *last, *first;

	if (!read_protocol(text, &p->udp)) {
		decode_bad(d, node, w, "[ADDRESS:]HOST_PORT:PORT[/udp]");
		return false;
	}
	last = strrchr(text, ':');
	if (!last && read_range(text, inside)) {
		diag_at(d->diag, w->pos, "'%s' says no port of the host", w->text);
		diag_hint(d->diag, "HOST_PORT:PORT, such as 8000:%s", w->text);
		return false;
	}
	if (last)
		*last++ = '\0';
	first = last ? strrchr(text, ':') : NULL;
	if (first && !read_address(d, w, (*first = '\0', text), &p->host_addr))
		return false;
	first = first ? first + 1 : text;
	if (!last || !read_range(first, host) || !read_range(last, inside)) {
		decode_bad(d, node, w,
			   "[ADDRESS:]HOST_PORT:PORT[/udp], ports 1 to 65535");
		return false;
	}
	if (host->last - host->first == inside->last - inside->first)
		return true;
	diag_at(d->diag, w->pos, "'%s': both ranges must be of one length", w->text);
	return false;
}

static void decode_port(struct decode *d, struct model_service *s,
			const struct conf_node *node, const struct conf_word *w,
			bool direct)
{
	struct model_port p = { .host_addr.s_addr = htonl(INADDR_LOOPBACK),
				.direct = direct,
				.pos = w->pos };
	struct range host, inside;

	if (!read_parts(d, node, w, &p, &host, &inside))
		return;
	for (unsigned i = 0; i <= (unsigned)(host.last - host.first); i++) {
		p.host_port = (uint16_t)(host.first + i);
		p.port = (uint16_t)(inside.first + i);
		add_port(d, s, node, w, &p);
	}
}

static bool is_mode(const char *text)
{
	return strcmp(text, "direct") == 0 || strcmp(text, "guarded") == 0;
}

DECODER(decode_ports)
{
	for (size_t i = 0; i < node->n_words; i++) {
		const char *mode = i + 1 < node->n_words ? node->words[i + 1].text : "";

		if (is_mode(node->words[i].text)) {
			decode_bad(d, node, &node->words[i], "a port before its mode");
			continue;
		}
		decode_port(d, s, node, &node->words[i], strcmp(mode, "direct") == 0);
		i += is_mode(mode);
	}
}

DECODER(decode_expose)
{
	for (size_t i = 0; i < node->n_words; i++) {
		AUTO_FREE char *text = str_dup(node->words[i].text);
		struct range r;
		bool udp;

		if (!read_protocol(text, &udp) || !read_range(text, &r))
			decode_bad(d, node, &node->words[i], "ports");
		else if (!strv_has(&s->expose, node->words[i].text))
			strv_add(&s->expose, node->words[i].text);
	}
}
