/*
 * netns/link.c - links of the host: a stack's bridge, and removing links.
 *
 * Knows the kernel's bridge options. Does not know what is attached to a bridge
 * (attach.c) nor what may pass it (rules.c). The host's other links and their sysctls are
 * not touched.
 */
#include "netns/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "netns/request.h"
#include "runtime/base/fd.h"

/* A bridge without a MAC of its own takes its lowest port's and changes it as ports come
 * and go; containers would lose their gateway until they ask again. Locally administered.
 */
static void mac_of_bridge(const char *name, unsigned char mac[6])
{
	uint32_t h = 2166136261U;

	for (const char *c = name; *c; c++)
		h = (h ^ (unsigned char)*c) * 16777619U;
	mac[0] = 0x02;
	mac[1] = 0x62;
	memcpy(mac + 2, &h, sizeof(h));
}

static int bridge_new(struct nl_sock *sk, const char *name, uint32_t mtu)
{
	struct ifinfomsg head = { 0 };
	struct nlattr *info, *data;
	struct netns_request q;
	unsigned char mac[6];

	mac_of_bridge(name, mac);
	netns_request_start(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head,
			    sizeof(head));
	netns_request_put_str(&q, IFLA_IFNAME, name);
	netns_request_put(&q, IFLA_ADDRESS, mac, sizeof(mac));
	netns_request_put_u32(&q, IFLA_MTU, mtu);
	info = netns_request_nest(&q, IFLA_LINKINFO);
	netns_request_put_str(&q, IFLA_INFO_KIND, "bridge");
	data = netns_request_nest(&q, IFLA_INFO_DATA);
	netns_request_put_u32(&q, IFLA_BR_FORWARD_DELAY, 0);
	netns_request_put_u32(&q, IFLA_BR_STP_STATE, 0);
	netns_request_unnest(&q, data);
	netns_request_unnest(&q, info);
	return netns_request_run(sk, &q, NULL, NULL);
}

static void on_link(const struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	bool *is_bridge = arg;

	if (h->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof(struct ifinfomsg), tb, IFLA_MAX,
			NULL) < 0 ||
	    !tb[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) < 0)
		return;
	if (info[IFLA_INFO_KIND] && nla_strcmp(info[IFLA_INFO_KIND], "bridge") == 0)
		*is_bridge = true;
}

struct addrs {
	int link;
	struct in_addr keep;
	struct ifaddrmsg head[16];
	struct in_addr addr[16];
	size_t n;
};

static void on_addr(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1];
	struct addrs *a = arg;
	struct in_addr addr;

	if ((int)ifa->ifa_index != a->link || a->n == ARRAY_LEN(a->addr) ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0 ||
	    !tb[IFA_LOCAL])
		return;
	addr.s_addr = nla_get_u32(tb[IFA_LOCAL]);
	if (addr.s_addr == a->keep.s_addr)
		return;
	a->head[a->n] = *ifa;
	a->addr[a->n++] = addr;
}

/* An adopted bridge may carry the address of a subnet the stack had once. */
static int drop_other_addrs(struct nl_sock *sk, int link, struct in_addr keep)
{
	struct addrs a = { .link = link, .keep = keep };
	int r = netns_addr_dump(sk, on_addr, &a);

	for (size_t i = 0; r == 0 && i < a.n; i++) {
		struct netns_request q;

		netns_request_start(&q, RTM_DELADDR, 0, &a.head[i], sizeof(a.head[i]));
		netns_request_put(&q, IFA_LOCAL, &a.addr[i], sizeof(a.addr[i]));
		r = netns_request_run(sk, &q, NULL, NULL);
		if (r == -EADDRNOTAVAIL) /* a secondary address goes with its primary */
			r = 0;
	}
	return r;
}

static int bridge_adopt(struct nl_sock *sk, const char *name, struct in_addr addr,
			uint32_t mtu, struct err *e)
{
	struct ifinfomsg head = { .ifi_index = netns_link_index(sk, name) };
	bool is_bridge = false;
	struct netns_request q;
	int r;

	netns_request_start(&q, RTM_GETLINK, 0, &head, sizeof(head));
	r = netns_request_run(sk, &q, on_link, &is_bridge);
	if (r < 0)
		return err_set(e, -r, "look at link '%s'", name);
	if (!is_bridge)
		return err_msg(e, EEXIST, "link '%s' exists and is not a bridge", name);
	netns_request_start(&q, RTM_NEWLINK, 0, &head, sizeof(head));
	netns_request_put_u32(&q, IFLA_MTU, mtu);
	r = netns_request_run(sk, &q, NULL, NULL);
	if (r == 0)
		r = drop_other_addrs(sk, head.ifi_index, addr);
	return r < 0 ? err_set(e, -r, "adopt bridge '%s'", name) : 0;
}

static int bridge_sysctl(const char *family, const char *name, const char *key,
			 const char *value, struct err *e)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, key);
	return fd_write_str(AT_FDCWD, path, value, e);
}

static int bridge_setup(struct nl_sock *sk, const char *name, struct in_addr addr,
			unsigned prefix, struct err *e)
{
	int link = netns_link_index(sk, name), r;

	/* 127.0.0.1 as a source may leave by this link, or DNAT of loopback clients is
	 * "martian" */
	r = bridge_sysctl("ipv4", name, "route_localnet", "1", e);
	if (r < 0)
		return r;
	/* no IPv6 on the host's end: containers would reach the host's services by
	 * fe80::. A kernel without IPv6 has no such file, and nothing to switch off. */
	r = bridge_sysctl("ipv6", name, "disable_ipv6", "1", e);
	if (r == -ENOENT)
		err_clear(e);
	else if (r < 0)
		return r;
	r = netns_addr_add(sk, link, addr, prefix);
	if (r < 0)
		return err_set(e, -r, "add an address to bridge '%s'", name);
	r = netns_link_up(sk, link);
	return r < 0 ? err_set(e, -r, "set bridge '%s' up", name) : 0;
}

int netns_bridge_create(const char *name, struct in_addr addr, unsigned prefix,
			struct err *e)
{
	AUTO_SOCKET struct nl_sock *sk = NULL;
	bool made;
	uint32_t mtu;
	int r;

	if (name[0] == '\0' || strlen(name) >= IFNAMSIZ)
		return err_msg(e, EINVAL, "'%s' is no name for a link", name);
	r = netns_socket_open(-1, &sk, e);
	if (r < 0)
		return r;
	mtu = netns_uplink_mtu(sk);
	r = bridge_new(sk, name, mtu);
	made = r == 0;
	if (r == -EEXIST)
		r = bridge_adopt(sk, name, addr, mtu, e);
	else if (r < 0)
		r = err_set(e, -r, "create bridge '%s'", name);
	if (r == 0)
		r = bridge_setup(sk, name, addr, prefix, e);
	/* an adopted bridge stays: running containers hang on it */
	if (r < 0 && made)
		(void)!netns_link_delete(sk, name);
	return r;
}

int netns_ports_destroy(const char *bridge, struct err *e)
{
	AUTO_SOCKET struct nl_sock *sk = NULL;
	struct ifinfomsg head = { 0 };
	struct netns_request q;
	int r = netns_socket_open(-1, &sk, e), index;

	if (r < 0)
		return r;
	index = netns_link_index(sk, bridge);
	if (index == 0)
		return 0;
	netns_request_start(&q, RTM_DELLINK, 0, &head, sizeof(head));
	netns_request_put_u32(&q, IFLA_GROUP, netns_group_of(index));
	r = netns_request_run(sk, &q, NULL, NULL);
	if (r < 0 && r != -ENODEV) /* no link is in the group */
		return err_set(e, -r, "remove the links in bridge '%s'", bridge);
	return 0;
}

int netns_link_destroy(const char *name, struct err *e)
{
	AUTO_SOCKET struct nl_sock *sk = NULL;
	int r = netns_socket_open(-1, &sk, e);

	if (r < 0)
		return r;
	r = netns_link_delete(sk, name);
	if (r < 0 && r != -ENODEV)
		return err_set(e, -r, "remove link '%s'", name);
	return 0;
}
