/*
 * netns/routes.c - what the host routes: subnets in use, and the link of the default
 * route.
 *
 * Knows the kernel's route and address dumps. Does not know what they are wanted for.
 */
#include "netns/netns.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "netns/request.h"

struct found {
	struct nl_sock *sk; /* for names by ioctl, which may happen amid its dump */
	const char *skip;
	struct netns_subnet *v;
	size_t n;
};

static void found_add(struct found *f, int link, struct in_addr addr, unsigned prefix)
{
	char name[IFNAMSIZ];

	if (prefix == 0)
		return;
	if (f->skip && link > 0 &&
	    str_starts(netns_link_name(f->sk, link, name), f->skip))
		return;
	addr.s_addr &= htonl(UINT32_MAX << (32 - prefix));
	f->v = mem_grow(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct netns_subnet){ .addr = addr, .prefix = prefix };
}

static uint32_t attr_u32(struct nlattr *a, uint32_t fallback)
{
	return a ? nla_get_u32(a) : fallback;
}

static void on_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *rt = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];
	struct in_addr dst;

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof(*rt), tb, RTA_MAX, NULL) < 0)
		return;
	/* the table "local" repeats own addresses; they come with their subnets below */
	if (rt->rtm_table == RT_TABLE_LOCAL || (rt->rtm_flags & RTM_F_CLONED) ||
	    !tb[RTA_DST])
		return;
	dst.s_addr = nla_get_u32(tb[RTA_DST]);
	found_add(arg, (int)attr_u32(tb[RTA_OIF], 0), dst, rt->rtm_dst_len);
}

static void on_addr(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1];
	struct in_addr addr;

	if (nlmsg_parse((struct nlmsghdr *)h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0 ||
	    !tb[IFA_ADDRESS])
		return;
	addr.s_addr = nla_get_u32(tb[IFA_ADDRESS]);
	found_add(arg, (int)ifa->ifa_index, addr, ifa->ifa_prefixlen);
}

static int dump_routes(struct nl_sock *sk, netns_answer_fn *fn, void *arg)
{
	struct rtmsg head = { .rtm_family = AF_INET };
	struct netns_request q;

	netns_request_start(&q, RTM_GETROUTE, NLM_F_DUMP, &head, sizeof(head));
	return netns_request_run(sk, &q, fn, arg);
}

int netns_addr_dump(struct nl_sock *sk, netns_answer_fn *fn, void *arg)
{
	struct ifaddrmsg head = { .ifa_family = AF_INET };
	struct netns_request q;

	netns_request_start(&q, RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head));
	return netns_request_run(sk, &q, fn, arg);
}

int netns_host_routes(const char *skip_link, struct netns_subnet **ret, size_t *n,
		      struct err *e)
{
	AUTO_SOCKET struct nl_sock *sk = NULL;
	struct found f = { .skip = skip_link, .v = *ret, .n = *n };
	int r = netns_socket_open(-1, &sk, e);

	if (r < 0)
		return r;
	f.sk = sk;
	r = dump_routes(sk, on_route, &f);
	if (r == 0)
		r = netns_addr_dump(sk, on_addr, &f);
	*ret = f.v;
	*n = f.n;
	return r < 0 ? err_set(e, -r, "list the routes of the host, family 'inet'") : 0;
}

struct uplink {
	int link;
	uint32_t metric;
};

static void on_default_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *rt = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];
	struct uplink *up = arg;
	uint32_t metric;

	if (rt->rtm_dst_len != 0 || rt->rtm_table != RT_TABLE_MAIN ||
	    rt->rtm_type != RTN_UNICAST ||
	    nlmsg_parse((struct nlmsghdr *)h, sizeof(*rt), tb, RTA_MAX, NULL) < 0 ||
	    !tb[RTA_OIF])
		return;
	metric = attr_u32(tb[RTA_PRIORITY], 0);
	if (up->link && metric >= up->metric)
		return;
	up->link = (int)nla_get_u32(tb[RTA_OIF]);
	up->metric = metric;
}

uint32_t netns_uplink_mtu(struct nl_sock *sk)
{
	struct uplink up = { 0, 0 };
	char name[IFNAMSIZ];

	/* without an answer the usual mtu will do: nothing depends on it but speed */
	if (dump_routes(sk, on_default_route, &up) < 0 || !up.link)
		return 1500;
	return netns_link_mtu(sk, netns_link_name(sk, up.link, name), 1500);
}
