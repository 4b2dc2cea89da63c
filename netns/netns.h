/*
 * netns/netns.h - one bridge per stack, one veth pair per container, one nftables table.
 *
 * Knows links, addresses, routes, NAT, forwarding. Does not know containers, images or
 * stack files. Calls return once the kernel has acknowledged; nothing sleeps. IPv4
 * addresses are struct in_addr in network byte order.
 */
#ifndef NETNS_H
#define NETNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"
#include "runtime/base/str.h"

struct netns_subnet {
	struct in_addr addr; /* network address */
	unsigned prefix;     /* bits */
};

/** netns_subnet_parse() - "10.213.0.0/16"; -EINVAL names it (host bits set is an error
 * too) */
must_check int netns_subnet_parse(const char *text, struct netns_subnet *ret,
				  struct err *e);
/** netns_subnet_format() - into @ret, at least 20 bytes; returns @ret */
char *netns_subnet_format(const struct netns_subnet *s, char *ret);
/** netns_subnet_host() - the @i-th address (0: network address); false beyond the last
 * host */
bool netns_subnet_host(const struct netns_subnet *s, uint32_t i, struct in_addr *ret);

/**
 * netns_subnet_pick() - pure: the first /@prefix of @pool that overlaps none of @taken
 * @hint: tried first (hash of the stack's name), so that subnets rarely move
 * -EADDRNOTAVAIL naming the pool when it is full.
 */
must_check int netns_subnet_pick(const struct netns_subnet *pool, unsigned prefix,
				 uint32_t hint, const struct netns_subnet *taken,
				 size_t n_taken, struct netns_subnet *ret, struct err *e);
/** netns_host_routes() - subnets that the host routes or has addresses in, except by
 * links whose name starts with @skip_prefix; appended to a heap array; default routes
 * left out */
must_check int netns_host_routes(const char *skip_link, struct netns_subnet **ret,
				 size_t *n, struct err *e);

/** netns_bridge_name() - pure: "mb-" + 8 hex of a hash of @stack and the run directory;
 * 15 bytes max */
void netns_bridge_name(const char *run_dir, const char *stack, char ret[16]);
/** netns_veth_name() - pure: "mv" + 10 hex of a hash of run directory, stack and service
 */
void netns_veth_name(const char *run_dir, const char *stack, const char *service,
		     char ret[16]);

/**
 * netns_bridge_create() - make the bridge or adopt one of that name; address, mtu, up
 * Fixed MAC from the name, no STP delay, route_localnet on (127.0.0.1 publishing). The
 * mtu is that of the default route's link. Of an adopted bridge other IPv4 addresses are
 * removed. On failure no link is left that this call made.
 */
must_check int netns_bridge_create(const char *name, struct in_addr addr, unsigned prefix,
				   struct err *e);
/** netns_link_destroy() - remove a link of the host by name; absent is done */
must_check int netns_link_destroy(const char *name, struct err *e);
/** netns_ports_destroy() - remove all that netns_attach() put into @bridge, at once: one
 * by one each link costs the kernel's waiting for its readers. Links that were attached
 * to an earlier bridge of that name stay; no bridge: done. */
must_check int netns_ports_destroy(const char *bridge, struct err *e);

struct netns_port {
	int netns_fd;        /* the container's network namespace */
	const char *bridge;  /* host link name; NULL: the host end stands alone */
	const char *host_if; /* veth's host end */
	struct in_addr addr; /* container's address */
	unsigned prefix;
	struct in_addr gateway; /* the bridge's address; INADDR_ANY: no default route */
};
/** netns_attach() - veth pair, eth0 in the namespace, address, lo up, default route
 * An existing host end of that name is replaced. The first packet after the return
 * passes. On failure no link is left behind. */
must_check int netns_attach(const struct netns_port *p, struct err *e);
/** netns_loopback_up() - only lo (network none) */
must_check int netns_loopback_up(int netns_fd, struct err *e);

enum netns_proto { NETNS_TCP, NETNS_UDP };
struct netns_publish {
	enum netns_proto proto;
	struct in_addr host_addr; /* 127.x: host's own programs only; INADDR_ANY: any own
				     address */
	uint16_t host_port;
	struct in_addr addr; /* container */
	uint16_t port;
};
struct netns_stack_rules {
	char bridge[16];
	struct netns_subnet subnet;
	struct netns_publish *publish;
	size_t n_publish;
};
/**
 * netns_rules_apply() - our whole table for all stacks of this run directory, in one
 * transaction The table is of family "ip" (nft list table ip minibox). Callers hold a
 * lock of theirs.
 * @table:     "minibox", or another name for another run directory
 * @guard_forwarding: drop forwarding between links that are not ours (we turned
 * ip_forward on) n == 0 removes the table. No foreign table, chain or policy is touched.
 * What it holds: packets from a bridge to 127.0.0.0/8 dropped; into a bridge only
 * established, same bridge, or dnat'ed; DNAT for published ports on output (and
 * prerouting unless 127.x); masquerade for 127.0.0.1 clients, hairpin and egress.
 */
must_check int netns_rules_apply(const char *table,
				 const struct netns_stack_rules *stacks, size_t n,
				 bool guard_forwarding, struct err *e);

/** netns_forwarding_enable() - net.ipv4.ip_forward on; *@ret_was_off tells if we changed
 * it */
must_check int netns_forwarding_enable(bool *ret_was_off, struct err *e);
must_check int netns_forwarding_disable(struct err *e);

/**
 * netns_port_free() - can @host_addr:@port be published? By binding a socket for a
 * moment. Return: 0; -EADDRINUSE with the holder's name and pid where /proc tells it.
 */
must_check int netns_port_free(enum netns_proto proto, struct in_addr host_addr,
			       uint16_t port, struct err *e);

/**
 * netns_forward_blocked() - does something foreign drop what we forward?
 * Only when a foreign base chain hooks forward (or bridge-nf-call-iptables is on): probes
 * with one packet from @netns_fd's container through the host to a namespace made for the
 * probe.
 * @ret: a heap string naming table, chain and the remedy, or NULL when nothing is in the
 * way. Wants netns_attach() and netns_rules_apply() done before. 0.3 ms where nothing is
 * foreign, 20 ms where a packet passes, 0.4 s where none does.
 */
must_check int netns_forward_blocked(int netns_fd, const char *bridge, char **ret,
				     struct err *e);

struct netns_counters {
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets; /* of all links but lo */
};
/** netns_counters() - what went through the network namespace of process @pid
 * (/proc/PID/net/dev); -ESRCH and -ENOENT: it has ended */
must_check int netns_counters(pid_t pid, struct netns_counters *ret, struct err *e);

/** netns_resolv_conf() - text for containers' resolv.conf: the host's real upstreams
 * A loopback stub (127.0.0.53) is looked through (/run/systemd/resolve/resolv.conf);
 * loopback servers left over are dropped. @etc: "/etc" (a test passes another). Owned by
 * the caller. */
must_check int netns_resolv_conf(const char *etc, const char *run, char **ret,
				 struct err *e);

#endif
