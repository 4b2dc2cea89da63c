/* tests/unit/test_netns_rules.c - the text of our nftables table, and its way into the
 * kernel. */
#include "netns/rules.h"

#include "tests/lib/netlab.h"

static struct netns_publish publish(enum netns_proto proto, const char *host,
				    int host_port, const char *addr, int port)
{
	return (struct netns_publish){
		.proto = proto,
		.host_addr = lab_ip(host),
		.host_port = (uint16_t)host_port,
		.addr = lab_ip(addr),
		.port = (uint16_t)port,
	};
}

static struct netns_stack_rules stack(const char *bridge, const char *subnet,
				      struct netns_publish *v, size_t n)
{
	struct netns_stack_rules ret = { .publish = v, .n_publish = n };
	struct err e = ERR_INIT;

	snprintf(ret.bridge, sizeof(ret.bridge), "%s", bridge);
	CHECK_OK(netns_subnet_parse(subnet, &ret.subnet, &e), &e);
	return ret;
}

#define TEXT_HEAD                                                                        \
	"add table ip t\n"                                                               \
	"delete table ip t\n"

TEST(rules_text_of_no_stack_only_removes_the_table)
{
	AUTO_FREE char *there = NULL, *absent = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(netns_rules_text("t", true, NULL, 0, true, &there, &e), &e);
	CHECK_STR(there, TEXT_HEAD);
	CHECK_OK(netns_rules_text("t", false, NULL, 0, true, &absent, &e), &e);
	CHECK_STR(absent, "");
}

TEST(rules_text_of_two_stacks_is_golden)
{
	static const char want[] = TEXT_HEAD
		"table ip t {\n"
		"\tset bridges {\n\t\ttype ifname\n\t\telements = { \"mb-a\", \"mb-b\" "
		"}\n\t}\n"
		"\tset pairs {\n\t\ttype ifname . ifname\n"
		"\t\telements = { \"mb-a\" . \"mb-a\", \"mb-b\" . \"mb-b\" }\n\t}\n"
		"\tset subnets {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
		"\t\telements = { 10.213.4.0/24, 10.213.5.0/24 }\n\t}\n"
		"\tmap loopback {\n"
		"\t\ttype ipv4_addr . inet_proto . inet_service : ipv4_addr . "
		"inet_service\n"
		"\t\telements = {\n"
		"\t\t\t127.0.0.1 . tcp . 8000 : 10.213.4.2 . 80,\n"
		"\t\t\t127.0.0.1 . tcp . 8001 : 10.213.5.2 . 81\n"
		"\t\t}\n\t}\n"
		"\tmap one {\n"
		"\t\ttype ipv4_addr . inet_proto . inet_service : ipv4_addr . "
		"inet_service\n"
		"\t\telements = {\n"
		"\t\t\t192.0.2.1 . udp . 53 : 10.213.4.3 . 53\n"
		"\t\t}\n\t}\n"
		"\tmap any {\n"
		"\t\ttype inet_proto . inet_service : ipv4_addr . inet_service\n"
		"\t\telements = {\n"
		"\t\t\ttcp . 80 : 10.213.4.2 . 8080\n"
		"\t\t}\n\t}\n"
		"\tchain raw {\n"
		"\t\ttype filter hook prerouting priority -300; policy accept;\n"
		"\t\tiifname @bridges ip daddr 127.0.0.0/8 drop\n"
		"\t\tiifname @bridges ip saddr 127.0.0.0/8 drop\n\t}\n"
		"\tchain into {\n"
		"\t\tct state established,related accept\n"
		"\t\tct status dnat accept\n"
		"\t\tiifname . oifname @pairs accept\n"
		"\t\tdrop\n\t}\n"
		"\tchain minibox_forward {\n"
		"\t\ttype filter hook forward priority 0; policy accept;\n"
		"\t\toifname @bridges goto into\n"
		"\t\tiifname @bridges accept\n"
		"\t\tiifname \"mb-*\" accept\n"
		"\t\toifname \"mb-*\" accept\n"
		"\t\tdrop\n\t}\n"
		"\tchain prerouting {\n"
		"\t\ttype nat hook prerouting priority -100; policy accept;\n"
		"\t\tip daddr 127.0.0.0/8 accept\n"
		"\t\tdnat to ip daddr . meta l4proto . th dport map @one\n"
		"\t\tfib daddr type local dnat to meta l4proto . th dport map @any\n\t}\n"
		"\tchain output {\n"
		"\t\ttype nat hook output priority -100; policy accept;\n"
		"\t\tdnat to ip daddr . meta l4proto . th dport map @loopback\n"
		"\t\tdnat to ip daddr . meta l4proto . th dport map @one\n"
		"\t\tfib daddr type local dnat to meta l4proto . th dport map @any\n\t}\n"
		"\tchain postrouting {\n"
		"\t\ttype nat hook postrouting priority 100; policy accept;\n"
		"\t\toifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
		"\t\toifname @bridges ct status dnat ip saddr @subnets masquerade\n"
		"\t\toifname != @bridges ip saddr @subnets masquerade\n\t}\n"
		"}\n";
	struct netns_publish a[] = {
		publish(NETNS_TCP, "0.0.0.0", 80, "10.213.4.2", 8080),
		publish(NETNS_UDP, "192.0.2.1", 53, "10.213.4.3", 53),
		publish(NETNS_TCP, "127.0.0.1", 8000, "10.213.4.2", 80),
	};
	struct netns_publish b[] = { publish(NETNS_TCP, "127.0.0.1", 8001, "10.213.5.2",
					     81) };
	struct netns_stack_rules stacks[] = {
		stack("mb-a", "10.213.4.0/24", a, 3),
		stack("mb-b", "10.213.5.0/24", b, 1),
	};
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(netns_rules_text("t", true, stacks, 2, true, &text, &e), &e);
	CHECK_STR(text, want);
}

TEST(rules_text_has_only_the_chains_it_needs)
{
	struct netns_stack_rules none = stack("mb-a", "10.213.4.0/24", NULL, 0);
	struct netns_publish p = publish(NETNS_TCP, "127.0.0.1", 8000, "10.213.4.2", 80);
	struct netns_stack_rules local = stack("mb-a", "10.213.4.0/24", &p, 1);
	AUTO_FREE char *text = NULL, *text2 = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(netns_rules_text("t", true, &none, 1, false, &text, &e), &e);
	CHECK(!strstr(text, "map ") && !strstr(text, "hook output") &&
	      !strstr(text, "dnat to"));
	CHECK(!strstr(text, "mb-*"));
	CHECK_OK(netns_rules_text("t", false, &local, 1, false, &text2, &e), &e);
	CHECK(str_starts(text2, "create table ip t\ntable ip t {\n"));
	CHECK(strstr(text2, "hook output") && !strstr(text2, "chain prerouting"));
}

TEST(rules_text_refuses_names_that_would_be_commands)
{
	static const struct {
		const char *table, *bridge, *message;
	} rows[] = {
		{ "t; flush ruleset", "mb-a",
		  "'t; flush ruleset' is no name for an nftables table" },
		{ "", "mb-a", "'' is no name for an nftables table" },
		{ "1t", "mb-a", "'1t' is no name for an nftables table" },
		{ "t", "mb\" drop", "'mb\" drop' is no name for a bridge" },
		{ "t", "", "'' is no name for a bridge" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct netns_stack_rules s =
			stack(rows[i].bridge, "10.213.4.0/24", NULL, 0);
		struct err e = ERR_INIT;
		char *text = NULL;

		CHECK_INT(netns_rules_text(rows[i].table, true, &s, 1, false, &text, &e),
			  -EINVAL);
		CHECK_STR(err_text(&e), rows[i].message);
	}
}

TEST(rules_text_names_a_port_published_twice)
{
	struct netns_publish a = publish(NETNS_UDP, "127.0.0.1", 53, "10.213.4.2", 53);
	struct netns_publish b[] = {
		publish(NETNS_TCP, "127.0.0.1", 53, "10.213.5.2", 53),
		publish(NETNS_UDP, "127.0.0.1", 53, "10.213.5.2", 53),
	};
	struct netns_stack_rules stacks[] = {
		stack("mb-a", "10.213.4.0/24", &a, 1),
		stack("mb-b", "10.213.5.0/24", b, 2),
	};
	struct err e = ERR_INIT;
	char *text = NULL;

	CHECK_INT(netns_rules_text("t", true, stacks, 2, false, &text, &e), -EADDRINUSE);
	CHECK_STR(err_text(&e), "port '127.0.0.1:53/udp' is published twice");
}

TEST(rules_apply_replaces_and_removes_only_its_own_table)
{
	struct netns_publish p = publish(NETNS_TCP, "127.0.0.1", 8000, "10.213.4.2", 80);
	struct netns_stack_rules a = stack("mb-a", "10.213.4.0/24", &p, 1);
	struct netns_stack_rules b = stack("mb-b", "10.213.5.0/24", NULL, 0);
	AUTO_BUF struct buf before = BUF_INIT, after = BUF_INIT;
	AUTO_CLOSE int dir = -1;
	struct err e = ERR_INIT;

	lab_host();
	dir = scratch_dir();
	CHECK(fchdir(dir) == 0);
	lab_sh(-1, "nft 'table inet filter { chain forward { type filter hook forward "
		   "priority 0;"
		   " policy drop; counter accept; }; }; table ip nat { chain x { }; }'");
	lab_sh(-1, "nft list ruleset > before");
	CHECK_OK(netns_rules_apply("minibox", &a, 1, true, &e), &e);
	CHECK_OK(netns_rules_apply("minibox", &a, 1, true, &e), &e);
	CHECK(lab_true("nft list table ip minibox | grep -q 'mb-a'"));
	CHECK_OK(netns_rules_apply("other", &b, 1, false, &e), &e);
	CHECK_OK(netns_rules_apply("minibox", &b, 1, false, &e), &e);
	CHECK(lab_true("! nft list table ip minibox | grep -q 'mb-a'"));
	CHECK_OK(netns_rules_apply("minibox", NULL, 0, false, &e), &e);
	CHECK(lab_true("! nft list table ip minibox 2> /dev/null"));
	CHECK(lab_true("nft list table ip other > /dev/null"));
	CHECK_OK(netns_rules_apply("other", NULL, 0, false, &e), &e);
	CHECK_OK(netns_rules_apply("other", NULL, 0, false, &e), &e);
	lab_sh(-1, "nft list ruleset > after");
	CHECK_OK(fd_read_file(dir, "before", 1 << 16, &before, &e), &e);
	CHECK_OK(fd_read_file(dir, "after", 1 << 16, &after, &e), &e);
	CHECK_STR(after.data, before.data);
}

/* Overlapping subnets are the caller's bug; it is refused, and the old table stays. */
TEST(rules_apply_keeps_the_old_table_when_the_new_one_is_refused)
{
	struct netns_stack_rules ok = stack("mb-a", "10.213.4.0/24", NULL, 0);
	struct netns_stack_rules bad[] = {
		stack("mb-b", "10.213.0.0/16", NULL, 0),
		stack("mb-c", "10.213.4.0/24", NULL, 0),
	};
	struct err e = ERR_INIT;

	lab_host();
	CHECK_OK(netns_rules_apply("minibox", &ok, 1, false, &e), &e);
	CHECK(netns_rules_apply("minibox", bad, 2, false, &e) < 0);
	CHECK(strncmp(err_text(&e), "nftables table 'minibox': ", 26) == 0);
	CHECK(lab_true("nft list table ip minibox | grep -q 'mb-a'"));
}

TEST(rules_apply_takes_thousands_of_publications)
{
	enum { N = 5000 };
	struct netns_publish *v = mem_new(N, sizeof(*v));
	struct netns_stack_rules s;
	struct err e = ERR_INIT;

	lab_host();
	for (int i = 0; i < N; i++)
		v[i] = publish(i % 2 ? NETNS_TCP : NETNS_UDP,
			       i % 3 ? "127.0.0.1" : "0.0.0.0", 1024 + i, "10.213.4.2",
			       1024 + i);
	s = stack("mb-a", "10.213.4.0/24", v, N);
	CHECK_OK(netns_rules_apply("minibox", &s, 1, false, &e), &e);
	CHECK(lab_true("test $(nft list table ip minibox | grep -c ' \\. 10[2-9][0-9] : "
		       "') -gt 70"));
	free(v);
}
