/*
 * netns/attach.c - a container's network namespace: lo, eth0 on a veth pair, default
 * route.
 *
 * Knows the two ends of a veth pair. The namespace belongs to the container's user
 * namespace; it is configured from outside, through a socket opened inside.
 */
#include "netns/netns.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#include "netns/request.h"

#define GUEST_LINK "eth0"
#define LOOPBACK_INDEX 1 /* in every network namespace */

/* From the address, so that a recreated container is the same to its neighbours. */
static void mac_of_addr(struct in_addr addr, unsigned char mac[6])
{
	mac[0] = 0x02;
	mac[1] = 0x6d;
	memcpy(mac + 2, &addr.s_addr, 4);
}

static void put_peer(struct netns_request *q, const struct netns_port *p, uint32_t mtu)
{
	struct ifinfomsg head = { 0 };
	unsigned char mac[6];
	struct nlattr *peer = netns_request_nest(q, VETH_INFO_PEER);

	if (!peer)
		return;
	mac_of_addr(p->addr, mac);
	if (nlmsg_append(q->msg, &head, sizeof(head), NLMSG_ALIGNTO) < 0)
		q->overflow = true;
	netns_request_put_str(q, IFLA_IFNAME, GUEST_LINK);
	netns_request_put(q, IFLA_ADDRESS, mac, sizeof(mac));
	netns_request_put_u32(q, IFLA_MTU, mtu);
	netns_request_put_u32(q, IFLA_NET_NS_FD, (uint32_t)p->netns_fd);
	netns_request_unnest(q, peer);
}

/* One request: both ends, the host's one in the bridge and up. The peer cannot be made
 * up: it is configured before it knows its partner, and the kernel answers ENOTCONN. */
static int veth_new(struct nl_sock *sk, const struct netns_port *p, int bridge,
		    uint32_t mtu)
{
	struct ifinfomsg head = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nlattr *info, *data;
	struct netns_request q;

	netns_request_start(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head,
			    sizeof(head));
	netns_request_put_str(&q, IFLA_IFNAME, p->host_if);
	netns_request_put_u32(&q, IFLA_MTU, mtu);
	if (bridge) {
		netns_request_put_u32(&q, IFLA_MASTER, (uint32_t)bridge);
		netns_request_put_u32(&q, IFLA_GROUP, netns_group_of(bridge));
	}
	info = netns_request_nest(&q, IFLA_LINKINFO);
	netns_request_put_str(&q, IFLA_INFO_KIND, "veth");
	data = netns_request_nest(&q, IFLA_INFO_DATA);
	put_peer(&q, p, mtu);
	netns_request_unnest(&q, data);
	netns_request_unnest(&q, info);
	return netns_request_run(sk, &q, NULL, NULL);
}

/* A container that calls its own published port: with br_netfilter the DNAT happens
 * within the bridge, which sends a frame back by its own port only in hairpin mode. The
 * module may be loaded at any time, by whoever comes later, so this does not ask for it.
 */
static int hairpin_on(struct nl_sock *sk, const char *host_if)
{
	struct ifinfomsg head = {
		.ifi_family = AF_BRIDGE,
		.ifi_index = netns_link_index(sk, host_if),
	};
	unsigned char on = 1;
	struct nlattr *port;
	struct netns_request q;

	netns_request_start(&q, RTM_SETLINK, 0, &head, sizeof(head));
	port = netns_request_nest(&q, IFLA_PROTINFO | NLA_F_NESTED);
	netns_request_put(&q, IFLA_BRPORT_MODE, &on, sizeof(on));
	netns_request_unnest(&q, port);
	return netns_request_run(sk, &q, NULL, NULL);
}

static int route_default(struct nl_sock *sk, int link, struct in_addr gateway)
{
	struct rtmsg head = {
		.rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct netns_request q;

	netns_request_start(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &head,
			    sizeof(head));
	netns_request_put(&q, RTA_GATEWAY, &gateway, sizeof(gateway));
	netns_request_put_u32(&q, RTA_OIF, (uint32_t)link);
	return netns_request_run(sk, &q, NULL, NULL);
}

static int guest_setup(struct nl_sock *sk, const struct netns_port *p, struct err *e)
{
	int link = netns_link_index(sk, GUEST_LINK), r;

	r = netns_link_up(sk, LOOPBACK_INDEX);
	if (r < 0)
		return err_set(e, -r, "set link 'lo' up");
	r = netns_addr_add(sk, link, p->addr, p->prefix);
	if (r < 0)
		return err_set(e, -r, "add an address to link '" GUEST_LINK "'");
	r = netns_link_up(sk, link);
	if (r < 0)
		return err_set(e, -r, "set link '" GUEST_LINK "' up");
	if (p->gateway.s_addr == htonl(INADDR_ANY))
		return 0;
	r = route_default(sk, link, p->gateway);
	return r < 0 ? err_set(e, -r, "add the default route by '" GUEST_LINK "'") : 0;
}

static int veth_replace(struct nl_sock *sk, const struct netns_port *p, struct err *e)
{
	int bridge = p->bridge ? netns_link_index(sk, p->bridge) : 0, r;
	uint32_t mtu = bridge ? netns_link_mtu(sk, p->bridge, 1500) : 1500;

	if (p->bridge && !bridge)
		return err_set(e, ENODEV, "bridge '%s'", p->bridge);
	r = veth_new(sk, p, bridge, mtu);
	if (r == -EEXIST) {
		/* left by a crash; or the guest has an eth0 already, then the second try
		 * tells */
		r = netns_link_delete(sk, p->host_if);
		if (r < 0 && r != -ENODEV)
			return err_set(e, -r, "remove link '%s'", p->host_if);
		r = veth_new(sk, p, bridge, mtu);
	}
	return r < 0 ? err_set(e, -r, "create the link pair '%s', '" GUEST_LINK "'",
			       p->host_if)
		     : 0;
}

int netns_attach(const struct netns_port *p, struct err *e)
{
	AUTO_SOCKET struct nl_sock *host = NULL, *guest = NULL;
	int r;

	if (p->host_if[0] == '\0' || strlen(p->host_if) >= IFNAMSIZ)
		return err_msg(e, EINVAL, "'%s' is no name for a link", p->host_if);
	r = netns_socket_open(-1, &host, e);
	if (r == 0)
		r = netns_socket_open(p->netns_fd, &guest, e);
	if (r == 0)
		r = veth_replace(host, p, e);
	if (r < 0)
		return r;
	r = p->bridge ? hairpin_on(host, p->host_if) : 0;
	if (r < 0)
		r = err_set(e, -r, "set hairpin mode of link '%s'", p->host_if);
	else
		r = guest_setup(guest, p, e);
	if (r < 0) {
		(void)!netns_link_delete(host, p->host_if);
		return r;
	}
	/* eth0 was the second to come up and saw its partner; the bridge waits for its
	 * first port */
	netns_link_settle(host, netns_link_index(host, p->host_if));
	if (p->bridge)
		netns_link_settle(host, netns_link_index(host, p->bridge));
	return 0;
}

int netns_loopback_up(int netns_fd, struct err *e)
{
	AUTO_SOCKET struct nl_sock *sk = NULL;
	int r = netns_socket_open(netns_fd, &sk, e);

	if (r < 0)
		return r;
	r = netns_link_up(sk, LOOPBACK_INDEX);
	return r < 0 ? err_set(e, -r, "set link 'lo' up") : 0;
}
