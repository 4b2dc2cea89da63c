/*
 * netns/rules.c - our nftables table: isolation, published ports, masquerade.
 *
 * Knows nftables' language. Does not know what runs behind an address, and touches no
 * table but the one named. The text is made by pure functions; one call hands it to the
 * kernel.
 *
 * The family is "ip", not "inet": every rule is about IPv4, and inet is missing from
 * kernels that were built without IPv6. A lookup in a map replaces a rule per
 * publication.
 */
#include "netns/rules.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "netns/nft.h"

/* The three ways a port is published; each is a map of its own. */
enum scope {
	SCOPE_LOOPBACK, /* 127.x: looked up on output only */
	SCOPE_ONE,      /* one of the host's addresses */
	SCOPE_ANY,      /* all of them, 127.x included */
	N_SCOPES
};

static enum scope scope_of(const struct netns_publish *p)
{
	uint32_t addr = ntohl(p->host_addr.s_addr);

	if (addr == INADDR_ANY)
		return SCOPE_ANY;
	return addr >> 24 == IN_LOOPBACKNET ? SCOPE_LOOPBACK : SCOPE_ONE;
}

static const char *proto_name(enum netns_proto proto)
{
	return proto == NETNS_UDP ? "udp" : "tcp";
}

/* Pointers to all publications, sorted: the same model gives the same text. */
struct list {
	const struct netns_publish **v;
	size_t n;
};

static int by_key(const void *a, const void *b)
{
	const struct netns_publish *x = *(const struct netns_publish *const *)a;
	const struct netns_publish *y = *(const struct netns_publish *const *)b;
	uint32_t xa = ntohl(x->host_addr.s_addr), ya = ntohl(y->host_addr.s_addr);

	if (xa != ya)
		return xa < ya ? -1 : 1;
	if (x->proto != y->proto)
		return x->proto < y->proto ? -1 : 1;
	return (int)x->host_port - (int)y->host_port;
}

static int list_publications(const struct netns_stack_rules *stacks, size_t n,
			     struct list *ret, struct err *e)
{
	char addr[INET_ADDRSTRLEN];

	for (size_t i = 0; i < n; i++) {
		ret->v = mem_grow(ret->v, ret->n + stacks[i].n_publish + 1,
				  sizeof(*ret->v));
		for (size_t k = 0; k < stacks[i].n_publish; k++)
			ret->v[ret->n++] = &stacks[i].publish[k];
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_key);
	for (size_t i = 1; i < ret->n; i++) {
		const struct netns_publish *p = ret->v[i];

		if (by_key(&ret->v[i - 1], &ret->v[i]) != 0)
			continue;
		inet_ntop(AF_INET, &p->host_addr, addr, sizeof(addr));
		return err_msg(e, EADDRINUSE, "port '%s:%u/%s' is published twice", addr,
			       p->host_port, proto_name(p->proto));
	}
	return 0;
}

/* Braces and quotes in a name would be commands to nftables. */
static bool is_name(const char *s, const char *punctuation, size_t max)
{
	size_t len = strlen(s);

	if (len == 0 || len > max)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(punctuation, *s))
			return false;
	return true;
}

static int check_names(const char *table, const struct netns_stack_rules *stacks,
		       size_t n, struct err *e)
{
	if (!isalpha((unsigned char)table[0]) || !is_name(table, "-_", 31))
		return err_msg(e, EINVAL, "'%s' is no name for an nftables table", table);
	for (size_t i = 0; i < n; i++)
		if (!is_name(stacks[i].bridge, "-_.", 15))
			return err_msg(e, EINVAL, "'%s' is no name for a bridge",
				       stacks[i].bridge);
	return 0;
}

static void put_sets(struct buf *b, const struct netns_stack_rules *stacks, size_t n)
{
	char subnet[20];

	buf_adds(b, "\tset bridges {\n\t\ttype ifname\n\t\telements = { ");
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%s\"%s\"", i ? ", " : "", stacks[i].bridge);
	/* nftables cannot compare iifname with oifname: a set of equal pairs does */
	buf_adds(b,
		 " }\n\t}\n\tset pairs {\n\t\ttype ifname . ifname\n\t\telements = { ");
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%s\"%s\" . \"%s\"", i ? ", " : "", stacks[i].bridge,
			 stacks[i].bridge);
	buf_adds(b, " }\n\t}\n\tset subnets {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
		    "\t\telements = { ");
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%s%s", i ? ", " : "",
			 netns_subnet_format(&stacks[i].subnet, subnet));
	buf_adds(b, " }\n\t}\n");
}

static void put_element(struct buf *b, const struct netns_publish *p, bool first)
{
	char host[INET_ADDRSTRLEN], addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &p->host_addr, host, sizeof(host));
	inet_ntop(AF_INET, &p->addr, addr, sizeof(addr));
	buf_adds(b, first ? "\n\t\t\t" : ",\n\t\t\t");
	if (scope_of(p) != SCOPE_ANY)
		buf_addf(b, "%s . ", host);
	buf_addf(b, "%s . %u : %s . %u", proto_name(p->proto), p->host_port, addr,
		 p->port);
}

static void put_maps(struct buf *b, const struct list *all, bool used[N_SCOPES])
{
	static const char *const name[N_SCOPES] = {
		[SCOPE_LOOPBACK] = "loopback",
		[SCOPE_ONE] = "one",
		[SCOPE_ANY] = "any",
	};

	for (enum scope s = 0; s < N_SCOPES; s++) {
		used[s] = false;
		for (size_t i = 0; i < all->n; i++) {
			if (scope_of(all->v[i]) != s)
				continue;
			if (!used[s])
				buf_addf(b,
					 "\tmap %s {\n\t\ttype %sinet_proto . "
					 "inet_service : "
					 "ipv4_addr . inet_service\n\t\telements = {",
					 name[s], s == SCOPE_ANY ? "" : "ipv4_addr . ");
			put_element(b, all->v[i], !used[s]);
			used[s] = true;
		}
		if (used[s])
			buf_adds(b, "\n\t\t}\n\t}\n");
	}
}

static void put_dnat(struct buf *b, const bool used[N_SCOPES])
{
	if (used[SCOPE_ONE])
		buf_adds(b, "\t\tdnat to ip daddr . meta l4proto . th dport map @one\n");
	if (used[SCOPE_ANY])
		buf_adds(b, "\t\tfib daddr type local "
			    "dnat to meta l4proto . th dport map @any\n");
}

static void put_filter(struct buf *b, bool guard_forwarding)
{
	/* On the wire 127/8 is never right: not as a destination (with route_localnet it
	 * would reach the host's own services), nor as a source (services trust it).
	 * Replies to our masqueraded loopback clients carry the bridge's address here. */
	buf_adds(b, "\tchain raw {\n"
		    "\t\ttype filter hook prerouting priority -300; policy accept;\n"
		    "\t\tiifname @bridges ip daddr 127.0.0.0/8 drop\n"
		    "\t\tiifname @bridges ip saddr 127.0.0.0/8 drop\n"
		    "\t}\n"
		    "\tchain into {\n"
		    "\t\tct state established,related accept\n"
		    "\t\tct status dnat accept\n"
		    "\t\tiifname . oifname @pairs accept\n"
		    "\t\tdrop\n"
		    "\t}\n"
		    "\tchain " NETNS_FORWARD_CHAIN " {\n"
		    "\t\ttype filter hook forward priority 0; policy accept;\n"
		    "\t\toifname @bridges goto into\n");
	/* by prefix: bridges of other run directories are not foreign, they guard
	 * themselves */
	if (guard_forwarding)
		buf_adds(b, "\t\tiifname @bridges accept\n"
			    "\t\tiifname \"mb-*\" accept\n"
			    "\t\toifname \"mb-*\" accept\n"
			    "\t\tdrop\n");
	buf_adds(b, "\t}\n");
}

static void put_nat(struct buf *b, const bool used[N_SCOPES])
{
	/* 127/8 from a wire must not become a container's address before it is seen as
	 * martian */
	if (used[SCOPE_ONE] || used[SCOPE_ANY]) {
		buf_adds(b, "\tchain prerouting {\n"
			    "\t\ttype nat hook prerouting priority -100; policy accept;\n"
			    "\t\tip daddr 127.0.0.0/8 accept\n");
		put_dnat(b, used);
		buf_adds(b, "\t}\n");
	}
	if (used[SCOPE_LOOPBACK] || used[SCOPE_ONE] || used[SCOPE_ANY]) {
		buf_adds(b, "\tchain output {\n"
			    "\t\ttype nat hook output priority -100; policy accept;\n");
		if (used[SCOPE_LOOPBACK])
			buf_adds(b, "\t\tdnat to ip daddr . meta l4proto . th dport "
				    "map @loopback\n");
		put_dnat(b, used);
		buf_adds(b, "\t}\n");
	}
	/* 127.0.0.1 clients; a container that reaches a published port (its answer would
	 * else go straight to its neighbour, who asked somebody else); egress */
	buf_adds(b, "\tchain postrouting {\n"
		    "\t\ttype nat hook postrouting priority 100; policy accept;\n"
		    "\t\toifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
		    "\t\toifname @bridges ct status dnat ip saddr @subnets masquerade\n"
		    "\t\toifname != @bridges ip saddr @subnets masquerade\n"
		    "\t}\n");
}

int netns_rules_text(const char *table, bool exists,
		     const struct netns_stack_rules *stacks, size_t n,
		     bool guard_forwarding, char **ret, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT;
	AUTO_FREE const struct netns_publish **all = NULL;
	struct list list = { NULL, 0 };
	bool used[N_SCOPES];
	int r = check_names(table, stacks, n, e);

	if (r < 0)
		return r;
	r = list_publications(stacks, n, &list, e);
	all = list.v;
	if (r < 0)
		return r;
	/* "add" before "delete": a transaction's way to say "if it is there" */
	if (exists)
		buf_addf(&b, "add table ip %s\ndelete table ip %s\n", table, table);
	else if (n > 0)
		buf_addf(&b, "create table ip %s\n", table);
	if (n > 0) {
		buf_addf(&b, "table ip %s {\n", table);
		put_sets(&b, stacks, n);
		put_maps(&b, &list, used);
		put_filter(&b, guard_forwarding);
		put_nat(&b, used);
		buf_adds(&b, "}\n");
	}
	*ret = buf_take(&b);
	return 0;
}

static int table_exists(const char *table, bool *ret, struct err *e)
{
	AUTO_JSON json_t *tables = NULL;
	const json_t *item;
	size_t i;
	int r = netns_nft_query("list tables ip", &tables, e);

	if (r < 0)
		return r;
	*ret = false;
	json_array_foreach (json_object_get(tables, "nftables"), i, item)
		if (str_eq(json_str(json_object_get(item, "table"), "name", NULL), table))
			*ret = true;
	return 0;
}

int netns_rules_apply(const char *table, const struct netns_stack_rules *stacks, size_t n,
		      bool guard_forwarding, struct err *e)
{
	AUTO_FREE char *text = NULL, *what = NULL;
	bool exists = false;
	/* asking takes 0.3 ms; deleting makes the kernel wait 8 ms for its readers (RCU),
	 * so the first stack of a host and the last "down" of none should not delete */
	int r = table_exists(table, &exists, e);

	if (r == 0)
		r = netns_rules_text(table, exists, stacks, n, guard_forwarding, &text,
				     e);
	if (r < 0 || (n == 0 && !exists))
		return r;
	what = str_fmt("table '%s'", table);
	return netns_nft_run(text, what, e);
}
