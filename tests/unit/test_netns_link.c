/* tests/unit/test_netns_link.c - bridges: made, adopted, removed. */
#include "netns/netns.h"

#include <sys/mount.h>

#include "tests/lib/netlab.h"

TEST(bridge_create_sets_all_it_promises)
{
	struct err e = ERR_INIT;

	lab_host();
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
	CHECK(lab_true("ip -d link show mb-a | grep -q ',UP.*mtu 1500'"));
	CHECK(lab_true("ip -d link show mb-a | grep -q 'forward_delay 0 .*stp_state 0'"));
	CHECK(lab_true("ip link show mb-a | grep -q 'link/ether 02:62:'"));
	CHECK(lab_true("ip -4 -o addr show mb-a | grep -q 'inet 10.213.4.1/24 '"));
	CHECK(lab_true("test $(cat /proc/sys/net/ipv4/conf/mb-a/route_localnet) = 1"));
	CHECK(lab_true("test $(cat /proc/sys/net/ipv4/conf/lo/route_localnet) = 0"));
	CHECK(lab_true("test -z \"$(ip -6 addr show mb-a)\""));
}

TEST(bridge_create_takes_the_mtu_of_the_uplink)
{
	struct err e = ERR_INIT;

	lab_host();
	lab_sh(-1, "ip link add up0 mtu 1400 type veth peer name up1 mtu 1300 &&"
		   " ip addr add 192.0.2.1/24 dev up0 && ip addr add 198.51.100.1/24 dev "
		   "up1 &&"
		   " ip link set up0 up && ip link set up1 up &&"
		   " ip route add default via 198.51.100.9 metric 20 &&"
		   " ip route add default via 192.0.2.9 metric 10");
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
	CHECK(lab_true("ip link show mb-a | grep -q 'mtu 1400'"));
}

TEST(bridge_create_adopts_a_bridge_and_drops_its_old_address)
{
	struct err e = ERR_INIT;

	lab_host();
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
	lab_sh(-1, "ip link set mb-a down && ip addr add 10.213.4.9/24 dev mb-a");
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.5.1"), 24, &e), &e);
	CHECK(lab_true("test \"$(ip -4 -o addr show mb-a | grep -o 'inet [^ ]*')\" = "
		       "'inet 10.213.5.1/24'"));
	CHECK(lab_true("ip link show mb-a | grep -q ',UP'"));
	/* once more, unchanged: the address must survive */
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.5.1"), 24, &e), &e);
	CHECK(lab_true("ip -4 -o addr show mb-a | grep -q 'inet 10.213.5.1/24 '"));
}

TEST(bridge_create_refuses_what_is_no_bridge)
{
	struct err e = ERR_INIT;

	lab_host();
	lab_sh(-1, "ip link add mb-a type veth peer name other");
	CHECK_INT(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), -EEXIST);
	CHECK_STR(err_text(&e), "link 'mb-a' exists and is not a bridge");
	CHECK(lab_true("ip link show mb-a > /dev/null"));
	err_clear(&e);
	CHECK_INT(netns_bridge_create("mb-0123456789abc", lab_ip("10.213.4.1"), 24, &e),
		  -EINVAL);
}

TEST(bridge_create_leaves_nothing_when_a_step_fails)
{
	struct err e = ERR_INIT;

	lab_host();
	CHECK_INT(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 33, &e), -EINVAL);
	CHECK_STR(err_text(&e), "add an address to bridge 'mb-a': Invalid argument");
	CHECK(!lab_true("ip link show mb-a > /dev/null 2>&1"));
}

TEST(link_destroy_is_done_when_there_is_none)
{
	struct err e = ERR_INIT;

	lab_host();
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
	CHECK_OK(netns_link_destroy("mb-a", &e), &e);
	CHECK(!lab_true("ip link show mb-a > /dev/null 2>&1"));
	CHECK_OK(netns_link_destroy("mb-a", &e), &e);
}

TEST(bridge_create_says_when_it_is_not_allowed)
{
	struct err e = ERR_INIT;

	lab_host();
	CHECK(setresuid(65534, 65534, 65534) == 0);
	CHECK_INT(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), -EPERM);
	CHECK_STR(err_text(&e), "create bridge 'mb-a': Operation not permitted");
}

/* As with ipv6.disable=1: no /proc/sys/net/ipv6. The mount is this process's own. */
TEST(bridge_create_works_on_a_kernel_without_ipv6)
{
	struct err e = ERR_INIT;

	lab_host();
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/proc/sys/net/ipv6", "tmpfs", 0, NULL) < 0)
		SKIP("a mount namespace");
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
	CHECK(lab_true("ip -4 -o addr show mb-a | grep -q 'inet 10.213.4.1/24 '"));
}
