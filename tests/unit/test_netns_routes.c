/* tests/unit/test_netns_routes.c - subnets the host uses. */
#include "netns/netns.h"

#include "tests/lib/netlab.h"

static bool has(const struct netns_subnet *v, size_t n, const char *want)
{
	char text[20];

	for (size_t i = 0; i < n; i++)
		if (strcmp(netns_subnet_format(&v[i], text), want) == 0)
			return true;
	return false;
}

TEST(host_routes_lists_routes_and_addresses_except_our_links)
{
	AUTO_FREE struct netns_subnet *v = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	lab_host();
	lab_sh(-1,
	       "ip link add up0 type veth peer name mb-a &&"
	       " ip link set up0 up && ip link set mb-a up &&"
	       " ip addr add 192.0.2.1/24 dev up0 && ip route add default via 192.0.2.9 "
	       "&&"
	       " ip route add 10.9.0.0/16 via 192.0.2.9 &&"
	       " ip route add blackhole 10.10.0.0/16 &&"
	       " ip route add 10.12.0.0/16 via 192.0.2.9 table 77 &&"
	       " ip route add 10.11.0.0/16 nexthop via 192.0.2.8 nexthop via 192.0.2.9 &&"
	       " ip link add idle type veth peer name idle2 && ip addr add 172.20.5.6/20 "
	       "dev idle &&"
	       " ip addr add 10.213.4.1/24 dev mb-a && ip route add 10.214.0.0/16 dev "
	       "mb-a");
	v = mem_grow(v, 1, sizeof(*v));
	CHECK_OK(netns_subnet_parse("10.1.0.0/16", &v[n++], &e), &e);
	CHECK_OK(netns_host_routes("mb-", &v, &n, &e), &e);
	CHECK(has(v, n, "10.1.0.0/16")); /* what was there stays */
	CHECK(has(v, n, "192.0.2.0/24"));
	CHECK(has(v, n, "10.9.0.0/16"));
	CHECK(has(v, n, "10.10.0.0/16"));
	CHECK(has(v, n, "10.11.0.0/16"));
	CHECK(has(v, n, "10.12.0.0/16"));
	CHECK(has(v, n, "172.20.0.0/20")); /* a link that is down routes nothing yet */
	CHECK(has(v, n, "127.0.0.0/8"));
	CHECK(!has(v, n, "0.0.0.0/0"));
	CHECK(!has(v, n, "10.213.4.0/24"));
	CHECK(!has(v, n, "10.214.0.0/16"));
}
