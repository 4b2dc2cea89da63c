/* tests/unit/test_netns_attach.c - a container's network namespace, configured from
 * outside. */
#include "netns/netns.h"

#include <signal.h>
#include <time.h>

#include "tests/lib/netlab.h"

static struct netns_port port_of(int ns, const char *host_if, const char *addr)
{
	return (struct netns_port){
		.netns_fd = ns,
		.bridge = "mb-a",
		.host_if = host_if,
		.addr = lab_ip(addr),
		.prefix = 24,
		.gateway = lab_ip("10.213.4.1"),
	};
}

static void bridge(void)
{
	struct err e = ERR_INIT;

	lab_host();
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
}

TEST(attach_gives_eth0_with_address_route_and_fixed_mac)
{
	struct err e = ERR_INIT;
	struct netns_port p;
	int host, ns;

	bridge();
	lab_sh(-1, "ip link set mb-a mtu 1400");
	ns = lab_ns();
	host = lab_own_ns();
	p = port_of(ns, "mv1", "10.213.4.2");
	CHECK_OK(netns_attach(&p, &e), &e);
	lab_sh(ns, "ip link show eth0 | grep -q 'mtu 1400.*state UP'");
	lab_sh(ns, "ip link show eth0 | grep -q 'link/ether 02:6d:0a:d5:04:02 '");
	lab_sh(ns, "ip -4 -o addr show eth0 | grep -q 'inet 10.213.4.2/24 brd\\|inet "
		   "10.213.4.2/24 '");
	lab_sh(ns, "ip -4 -o addr show lo | grep -q 'inet 127.0.0.1/8 '");
	lab_sh(ns, "ip route | grep -q 'default via 10.213.4.1 dev eth0'");
	CHECK(lab_true("ip link show mv1 | grep -q 'mtu 1400.*master mb-a state UP'"));
	CHECK(lab_tcp(host, "10.213.4.2", 80, lab_serve(ns, SOCK_STREAM, "0.0.0.0", 80),
		      NULL));
	CHECK(lab_tcp(ns, "10.213.4.1", 80, lab_serve(host, SOCK_STREAM, "0.0.0.0", 80),
		      NULL));
}

TEST(attach_without_a_gateway_adds_no_default_route)
{
	struct err e = ERR_INIT;
	struct netns_port p;
	int ns;

	bridge();
	ns = lab_ns();
	p = port_of(ns, "mv1", "10.213.4.2");
	p.gateway.s_addr = htonl(INADDR_ANY);
	CHECK_OK(netns_attach(&p, &e), &e);
	lab_sh(ns, "test -z \"$(ip route show default)\"");
}

TEST(attach_replaces_a_host_end_that_is_there)
{
	struct err e = ERR_INIT;
	struct netns_port p;
	int old, ns;

	bridge();
	old = lab_ns();
	ns = lab_ns();
	p = port_of(old, "mv1", "10.213.4.2");
	CHECK_OK(netns_attach(&p, &e), &e);
	p.netns_fd = ns;
	CHECK_OK(netns_attach(&p, &e), &e);
	lab_sh(ns, "ip link show eth0 > /dev/null");
	lab_sh(old, "! ip link show eth0 2> /dev/null");
	/* the same namespace again, as after a crash between attach and its record */
	CHECK_OK(netns_attach(&p, &e), &e);
	lab_sh(ns, "ip route | grep -q default");
}

TEST(ports_destroy_takes_what_was_attached_and_nothing_else)
{
	struct err e = ERR_INIT;
	struct netns_port p;

	bridge();
	CHECK_OK(netns_ports_destroy("mb-a", &e), &e);
	lab_sh(-1, "ip link add other type veth peer name other1");
	lab_sh(-1, "ip link set other master mb-a");
	p = port_of(lab_ns(), "mv1", "10.213.4.2");
	CHECK_OK(netns_attach(&p, &e), &e);
	p = port_of(lab_ns(), "mv2", "10.213.4.3");
	CHECK_OK(netns_attach(&p, &e), &e);
	CHECK_OK(netns_ports_destroy("mb-a", &e), &e);
	lab_sh(-1, "! ip link show mv1 2> /dev/null");
	lab_sh(-1, "! ip link show mv2 2> /dev/null");
	lab_sh(-1, "ip link show mb-a && ip link show other");
	CHECK_OK(netns_ports_destroy("mb-b", &e), &e);
}

TEST(attach_names_a_missing_bridge_and_leaves_no_link)
{
	struct err e = ERR_INIT;
	struct netns_port p;
	int ns;

	lab_host();
	ns = lab_ns();
	p = port_of(ns, "mv1", "10.213.4.2");
	CHECK_INT(netns_attach(&p, &e), -ENODEV);
	CHECK_STR(err_text(&e), "bridge 'mb-a': No such device");
}

TEST(attach_leaves_no_link_when_a_step_fails)
{
	struct err e = ERR_INIT;
	struct netns_port p;
	int ns;

	bridge();
	ns = lab_ns();
	p = port_of(ns, "mv1", "10.213.4.2");
	p.gateway = lab_ip("10.99.0.1"); /* not on the link: the route is refused */
	CHECK_INT(netns_attach(&p, &e), -ENETUNREACH);
	CHECK_STR(err_text(&e),
		  "add the default route by 'eth0': Network is unreachable");
	CHECK(!lab_true("ip link show mv1 > /dev/null 2>&1"));
	lab_sh(ns, "! ip link show eth0 2> /dev/null");
}

/* The real case: the namespace was made inside a user namespace and belongs to it. */
TEST(attach_works_on_a_namespace_of_another_user_namespace)
{
	int ready[2], ns, host;
	struct err e = ERR_INIT;
	struct netns_port p;
	char path[64], c;
	pid_t pid;

	bridge();
	host = lab_own_ns();
	CHECK(pipe2(ready, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	p = port_of(ns, "mv1", "10.213.4.2");
	CHECK_OK(netns_attach(&p, &e), &e);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(lab_tcp(host, "10.213.4.2", 80, lab_serve(ns, SOCK_STREAM, "0.0.0.0", 80),
		      NULL));
}

TEST(loopback_up_brings_up_only_lo)
{
	struct err e = ERR_INIT;
	int ns;

	lab_host();
	ns = lab_ns();
	CHECK_OK(netns_loopback_up(ns, &e), &e);
	CHECK(lab_tcp(ns, "127.0.0.1", 80, lab_serve(ns, SOCK_STREAM, "127.0.0.1", 80),
		      NULL));
}

/* A namespace that ends takes its veth along: nothing stays on the host. */
TEST(attach_of_a_namespace_that_ends_leaves_no_host_end)
{
	struct err e = ERR_INIT;
	struct netns_port p;
	int ns;

	bridge();
	ns = lab_ns();
	p = port_of(ns, "mv1", "10.213.4.2");
	CHECK_OK(netns_attach(&p, &e), &e);
	close(ns);
	for (int i = 0; i < 100 && lab_true("ip link show mv1 > /dev/null 2>&1"); i++)
		usleep(20000); /* the kernel tears namespaces down in the background */
	CHECK(!lab_true("ip link show mv1 > /dev/null 2>&1"));
}

TEST(attach_is_quick)
{
	enum { N = 20 };
	struct err e = ERR_INIT;
	struct timespec a, b;
	char name[16], addr[16];
	int ns[N];
	long us;

	bridge();
	for (int i = 0; i < N; i++)
		ns[i] = lab_ns();
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < N; i++) {
		struct netns_port p;

		snprintf(name, sizeof(name), "mv%d", i);
		snprintf(addr, sizeof(addr), "10.213.4.%d", i + 2);
		p = port_of(ns[i], name, addr);
		CHECK_OK(netns_attach(&p, &e), &e);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
	printf("# %ld us an attach\n", us / N);
	CHECK(us / N < 20000); /* a loose bound: machines and their load differ */
}
