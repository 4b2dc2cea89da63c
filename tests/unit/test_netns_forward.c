/* tests/unit/test_netns_forward.c - ip_forward, and firewalls that are not ours. */
#include "netns/netns.h"

#include <time.h>

#include "tests/lib/netlab.h"

struct lab {
	int host, a1;
};

static struct lab lab_new(const char *gateway)
{
	struct lab l = { .host = lab_host(), .a1 = lab_ns() };
	struct netns_port p = {
		.netns_fd = l.a1,
		.bridge = "mb-a",
		.host_if = "mv1",
		.addr = lab_ip("10.213.4.2"),
		.prefix = 24,
		.gateway = lab_ip(gateway),
	};
	struct netns_publish v = {
		.host_addr = lab_ip("127.0.0.1"),
		.host_port = 8000,
		.addr = lab_ip("10.213.4.2"),
		.port = 80,
	};
	struct netns_stack_rules s = { "mb-a", { lab_ip("10.213.4.0"), 24 }, &v, 1 };
	struct err e = ERR_INIT;
	bool was_off = false;

	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
	CHECK_OK(netns_attach(&p, &e), &e);
	CHECK_OK(netns_forwarding_enable(&was_off, &e), &e);
	CHECK_OK(netns_rules_apply("minibox", &s, 1, was_off, &e), &e);
	return l;
}

static char *blocked(const struct lab *l)
{
	struct err e = ERR_INIT;
	char *ret = NULL;

	CHECK_OK(netns_forward_blocked(l->a1, "mb-a", &ret, &e), &e);
	/* whatever came out, the probe's link is gone */
	CHECK(lab_true("test -z \"$(ip -o link show | grep mvprobe)\""));
	return ret;
}

TEST(forwarding_is_switched_and_its_old_state_told)
{
	struct err e = ERR_INIT;
	bool was_off;

	lab_host();
	lab_sh(-1, "echo 0 > /proc/sys/net/ipv4/ip_forward");
	CHECK_OK(netns_forwarding_enable(&was_off, &e), &e);
	CHECK(was_off && lab_true("test $(cat /proc/sys/net/ipv4/ip_forward) = 1"));
	CHECK_OK(netns_forwarding_enable(&was_off, &e), &e);
	CHECK(!was_off);
	CHECK_OK(netns_forwarding_disable(&e), &e);
	CHECK(lab_true("test $(cat /proc/sys/net/ipv4/ip_forward) = 0"));
}

TEST(forward_blocked_is_silent_and_quick_without_a_firewall)
{
	struct lab l = lab_new("10.213.4.1");
	struct timespec a, b;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK(blocked(&l) == NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	CHECK(ms < 300); /* half a second of waiting would show */
}

TEST(forward_blocked_names_a_chain_that_drops)
{
	struct lab l = lab_new("10.213.4.1");
	int tcp = lab_serve(l.a1, SOCK_STREAM, "0.0.0.0", 80);
	AUTO_FREE char *text = NULL, *again = NULL;

	lab_sh(-1, "nft 'table inet filter { chain forward {"
		   " type filter hook forward priority 0; policy drop; }; }'");
	text = blocked(&l);
	CHECK(text && strstr(text, "table 'inet filter' chain 'forward' (policy drop)"));
	/* publishing on 127.0.0.1 does not pass the forward hook */
	CHECK(lab_tcp(l.host, "127.0.0.1", 8000, tcp, NULL));
	/* the remedy, as printed, is one that helps */
	again = str_dup(strstr(text, "to allow them: ") + strlen("to allow them: "));
	lab_sh(-1, "%s", again);
	CHECK(blocked(&l) == NULL);
}

TEST(forward_blocked_believes_the_packet_and_not_the_policy)
{
	struct lab l = lab_new("10.213.4.1");
	AUTO_FREE char *text = NULL;

	/* policy drop with rules that let us through */
	lab_sh(-1, "nft 'table inet filter { chain forward {"
		   " type filter hook forward priority 0; policy drop; iifname \"mb-*\" "
		   "accept;"
		   " ct state established accept; }; }'");
	CHECK(blocked(&l) == NULL);
	/* policy accept with a rule that does not */
	lab_sh(-1, "nft 'flush ruleset; table ip own { chain c {"
		   " type filter hook forward priority 10; drop; }; }'");
	text = blocked(&l);
	CHECK(text && strstr(text, "table 'ip own' chain 'c' (policy accept)"));
}

TEST(forward_blocked_notices_that_only_answers_are_dropped)
{
	struct lab l = lab_new("10.213.4.1");
	AUTO_FREE char *text = NULL;

	lab_sh(-1, "nft 'table inet filter { chain forward {"
		   " type filter hook forward priority 0; policy drop; iifname \"mb-*\" "
		   "accept; }; }'");
	text = blocked(&l);
	CHECK(text && strstr(text, "table 'inet filter' chain 'forward'"));
}

TEST(forward_blocked_tells_when_forwarding_is_off)
{
	struct lab l = lab_new("10.213.4.1");
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;

	CHECK_OK(netns_forwarding_disable(&e), &e);
	text = blocked(&l);
	CHECK(text && strstr(text, "net.ipv4.ip_forward is 0"));
}

/* An internal network sends nothing out: nothing is in its way. */
TEST(forward_blocked_is_silent_for_a_container_without_a_route)
{
	struct lab l = lab_new("0.0.0.0");

	lab_sh(-1, "nft 'table inet filter { chain forward {"
		   " type filter hook forward priority 0; policy drop; }; }'");
	CHECK(blocked(&l) == NULL);
}
