/* tests/unit/test_netns_subnet.c - arithmetic on subnets. */
#include "netns/netns.h"

#include <arpa/inet.h>

#include "tests/lib/test.h"

static struct netns_subnet subnet(const char *text)
{
	struct netns_subnet ret = { { 0 }, 0 };
	struct err e = ERR_INIT;

	CHECK_OK(netns_subnet_parse(text, &ret, &e), &e);
	return ret;
}

TEST(subnet_parse_and_format_are_inverse)
{
	static const char *const texts[] = {
		"10.213.0.0/16",    "0.0.0.0/0",   "255.255.255.255/32",
		"192.168.7.128/25", "10.0.0.2/31",
	};
	char text[20];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct netns_subnet s = subnet(texts[i]);

		CHECK_STR(netns_subnet_format(&s, text), texts[i]);
	}
}

TEST(subnet_parse_names_what_is_wrong)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "10.213.0.0", "'10.213.0.0' is not a subnet like 10.213.0.0/16" },
		{ "10.213.0/16", "'10.213.0/16' is not a subnet like 10.213.0.0/16" },
		{ "10.213.0.0/33", "'10.213.0.0/33' is not a subnet like 10.213.0.0/16" },
		{ "10.213.0.0/", "'10.213.0.0/' is not a subnet like 10.213.0.0/16" },
		{ "10.213.0.0/-1", "'10.213.0.0/-1' is not a subnet like 10.213.0.0/16" },
		{ "/16", "'/16' is not a subnet like 10.213.0.0/16" },
		{ "", "'' is not a subnet like 10.213.0.0/16" },
		{ "100.200.100.2000/16",
		  "'100.200.100.2000/16' is not a subnet like 10.213.0.0/16" },
		{ "10.213.0.1/16", "subnet '10.213.0.1/16' has bits set beyond its /16" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct netns_subnet s;
		struct err e = ERR_INIT;

		CHECK_INT(netns_subnet_parse(rows[i].text, &s, &e), -EINVAL);
		CHECK_STR(err_text(&e), rows[i].message);
	}
}

TEST(subnet_host_counts_from_the_network_address_to_the_last_host)
{
	static const struct {
		const char *subnet;
		uint32_t i;
		const char *host; /* NULL: beyond */
	} rows[] = {
		{ "10.1.2.0/24", 0, "10.1.2.0" },     { "10.1.2.0/24", 1, "10.1.2.1" },
		{ "10.1.2.0/24", 254, "10.1.2.254" }, { "10.1.2.0/24", 255, NULL },
		{ "10.1.2.0/24", UINT32_MAX, NULL },  { "10.0.0.0/16", 256, "10.0.1.0" },
		{ "10.1.2.4/30", 2, "10.1.2.6" },     { "10.1.2.4/30", 3, NULL },
		{ "10.1.2.4/31", 1, "10.1.2.5" },     { "10.1.2.4/31", 2, NULL },
		{ "10.1.2.4/32", 0, "10.1.2.4" },     { "10.1.2.4/32", 1, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct netns_subnet s = subnet(rows[i].subnet);
		struct in_addr host;
		bool ok = netns_subnet_host(&s, rows[i].i, &host);

		CHECK_INT(ok, rows[i].host != NULL);
		if (ok)
			CHECK_STR(inet_ntoa(host), rows[i].host);
	}
}

TEST(subnet_pick_takes_the_hint_unless_taken)
{
	static const struct {
		const char *pool;
		unsigned prefix;
		uint32_t hint;
		const char *taken[3], *want;
	} rows[] = {
		{ "10.213.0.0/16", 24, 0, { NULL }, "10.213.0.0/24" },
		{ "10.213.0.0/16", 24, 7, { NULL }, "10.213.7.0/24" },
		{ "10.213.0.0/16", 24, 256 + 7, { NULL }, "10.213.7.0/24" },
		{ "10.213.0.0/16", 24, 7, { "10.213.7.0/24" }, "10.213.8.0/24" },
		{ "10.213.0.0/16", 24, 7, { "10.213.7.64/26" }, "10.213.8.0/24" },
		{ "10.213.0.0/16", 24, 7, { "10.213.0.0/17" }, "10.213.128.0/24" },
		{ "10.213.0.0/16", 24, 255, { "10.213.255.0/24" }, "10.213.0.0/24" },
		{ "10.213.0.0/16",
		  24,
		  9,
		  { "10.0.0.0/9", "10.213.9.1/32" },
		  "10.213.10.0/24" },
		{ "10.213.0.0/16", 20, 1, { "10.213.16.0/24" }, "10.213.32.0/20" },
		{ "255.255.255.0/24",
		  25,
		  1,
		  { "255.255.255.128/25" },
		  "255.255.255.0/25" },
		{ "0.0.0.0/0", 30, 0, { "0.0.0.0/1", "128.0.0.0/2" }, "192.0.0.0/30" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct netns_subnet pool = subnet(rows[i].pool), taken[3], got;
		struct err e = ERR_INIT;
		char text[20];
		size_t n = 0;

		for (; n < 3 && rows[i].taken[n]; n++)
			taken[n] = subnet(rows[i].taken[n]);
		CHECK_OK(netns_subnet_pick(&pool, rows[i].prefix, rows[i].hint, taken, n,
					   &got, &e),
			 &e);
		CHECK_STR(netns_subnet_format(&got, text), rows[i].want);
	}
}

TEST(subnet_pick_names_a_full_pool)
{
	struct netns_subnet pool = subnet("10.213.0.0/23"), got;
	struct netns_subnet taken[] = { subnet("10.213.0.0/24"),
					subnet("10.213.1.8/32") };
	struct err e = ERR_INIT;

	CHECK_INT(netns_subnet_pick(&pool, 24, 1, taken, 2, &got, &e), -EADDRNOTAVAIL);
	CHECK_STR(err_text(&e), "the address pool '10.213.0.0/23' has no free /24 left");
	err_clear(&e);
	CHECK_INT(netns_subnet_pick(&pool, 22, 1, taken, 2, &got, &e), -EINVAL);
	CHECK_STR(err_text(&e), "a /22 cannot be taken from the pool '10.213.0.0/23'");
}

/* 256 stacks of one pool get 256 different subnets, whatever their hints. */
TEST(subnet_pick_fills_a_pool_without_overlap)
{
	struct netns_subnet pool = subnet("10.213.0.0/16"), taken[256];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 256; i++)
		CHECK_OK(netns_subnet_pick(&pool, 24, (uint32_t)i * 2654435761U, taken, i,
					   &taken[i], &e),
			 &e);
	for (size_t i = 0; i < 256; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(taken[i].addr.s_addr != taken[k].addr.s_addr);
}
