/*
 * tests/unit/test_netns_traffic.c - what the rules mean, by packets that are really sent.
 *
 *   neighbour 192.0.2.9 --- up0 192.0.2.1 [host] mb-a 10.213.4.1 --- a1 .2, a2 .3
 *                           192.0.2.2            mb-b 10.213.5.1 --- b1 .2
 */
#include "netns/netns.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include "tests/lib/netlab.h"

struct lab {
	int host, lan, a1, a2, b1;
};

static int container(const char *bridge, const char *host_if, const char *addr,
		     const char *gateway)
{
	struct netns_port p = {
		.netns_fd = lab_ns(),
		.bridge = bridge,
		.host_if = host_if,
		.addr = lab_ip(addr),
		.prefix = 24,
		.gateway = lab_ip(gateway),
	};
	struct err e = ERR_INIT;

	CHECK_OK(netns_attach(&p, &e), &e);
	return p.netns_fd;
}

static struct lab lab_new(void)
{
	struct lab l = { .host = lab_host(), .lan = lab_ns() };
	struct err e = ERR_INIT;
	bool was_off = false;

	lab_sh(-1,
	       "ip link add up0 type veth peer name eth0 netns /proc/%d/fd/%d &&"
	       " ip addr add 192.0.2.1/24 dev up0 && ip addr add 192.0.2.2/24 dev up0 &&"
	       " ip link set up0 up && ip route add default via 192.0.2.9",
	       (int)getpid(), l.lan);
	lab_sh(l.lan, "ip addr add 192.0.2.9/24 dev eth0 && ip link set eth0 up &&"
		      " ip link set lo up && ip route add 10.213.0.0/16 via 192.0.2.1 &&"
		      " ip route add 10.99.0.0/16 via 192.0.2.1");
	CHECK_OK(netns_bridge_create("mb-a", lab_ip("10.213.4.1"), 24, &e), &e);
	CHECK_OK(netns_bridge_create("mb-b", lab_ip("10.213.5.1"), 24, &e), &e);
	l.a1 = container("mb-a", "mv1", "10.213.4.2", "10.213.4.1");
	l.a2 = container("mb-a", "mv2", "10.213.4.3", "10.213.4.1");
	l.b1 = container("mb-b", "mv3", "10.213.5.2", "10.213.5.1");
	CHECK_OK(netns_forwarding_enable(&was_off, &e), &e);
	return l;
}

/* Publishes @host:@port to a1's port 80 as TCP and UDP; NULL: nothing. */
static void apply(const char *host, int port, bool guard)
{
	struct netns_publish v[2] = { {
		.host_addr = lab_ip(host ? host : "0.0.0.0"),
		.host_port = (uint16_t)port,
		.addr = lab_ip("10.213.4.2"),
		.port = 80,
	} };
	struct netns_stack_rules s[] = {
		{ "mb-a", { lab_ip("10.213.4.0"), 24 }, v, host ? 2 : 0 },
		{ "mb-b", { lab_ip("10.213.5.0"), 24 }, NULL, 0 },
	};
	struct err e = ERR_INIT;

	v[1] = v[0];
	v[1].proto = NETNS_UDP;
	CHECK_OK(netns_rules_apply("minibox", s, 2, guard, &e), &e);
}

TEST(traffic_publish_on_127_is_for_the_host_only)
{
	struct lab l = lab_new();
	int tcp = lab_serve(l.a1, SOCK_STREAM, "0.0.0.0", 80);
	int udp = lab_serve(l.a1, SOCK_DGRAM, "0.0.0.0", 80);
	char peer[16];

	apply("127.0.0.1", 8000, true);
	CHECK(lab_tcp(l.host, "127.0.0.1", 8000, tcp, peer));
	CHECK_STR(peer, "10.213.4.1");
	CHECK(lab_udp(l.host, "127.0.0.1", 8000, udp));
	CHECK(!lab_tcp(l.host, "127.0.0.2", 8000, tcp, NULL));
	CHECK(!lab_tcp(l.host, "192.0.2.1", 8000, tcp, NULL));
	CHECK(!lab_tcp(l.lan, "192.0.2.1", 8000, tcp, NULL));
	CHECK(!lab_udp(l.lan, "192.0.2.1", 8000, udp));
	CHECK(!lab_tcp(l.b1, "10.213.5.1", 8000, tcp, NULL));
	CHECK(!lab_tcp(l.b1, "192.0.2.1", 8000, tcp, NULL));
	CHECK(!lab_tcp(l.a2, "10.213.4.1", 8000, tcp, NULL));
}

TEST(traffic_publish_on_any_address_is_for_all)
{
	struct lab l = lab_new();
	int tcp = lab_serve(l.a1, SOCK_STREAM, "0.0.0.0", 80);
	int udp = lab_serve(l.a1, SOCK_DGRAM, "0.0.0.0", 80);
	char peer[16];

	apply("0.0.0.0", 8000, true);
	CHECK(lab_tcp(l.lan, "192.0.2.1", 8000, tcp, peer));
	CHECK_STR(peer, "192.0.2.9"); /* the client's own address arrives */
	CHECK(lab_tcp(l.lan, "192.0.2.2", 8000, tcp, NULL));
	CHECK(lab_udp(l.lan, "192.0.2.2", 8000, udp));
	CHECK(lab_tcp(l.host, "127.0.0.1", 8000, tcp, NULL));
	CHECK(lab_tcp(l.host, "127.0.0.5", 8000, tcp, NULL));
	CHECK(lab_tcp(l.host, "192.0.2.1", 8000, tcp, NULL));
	CHECK(lab_udp(l.host, "127.0.0.1", 8000, udp));
	/* another stack by the host's address and by its own gateway's */
	CHECK(lab_tcp(l.b1, "192.0.2.1", 8000, tcp, NULL));
	CHECK(lab_tcp(l.b1, "10.213.5.1", 8000, tcp, NULL));
	CHECK(lab_udp(l.b1, "192.0.2.1", 8000, udp));
	/* hairpin: a neighbour in the stack, and the container itself */
	CHECK(lab_tcp(l.a2, "192.0.2.1", 8000, tcp, peer));
	CHECK_STR(peer, "10.213.4.1");
	CHECK(lab_tcp(l.a1, "192.0.2.1", 8000, tcp, NULL));
	CHECK(lab_udp(l.a1, "192.0.2.1", 8000, udp));
	/* the container's own port is published, not its address */
	CHECK(!lab_tcp(l.lan, "10.213.4.2", 80, tcp, NULL));
	/* nor is a foreign address's port that passes through */
	CHECK(!lab_tcp(l.a2, "192.0.2.9", 8000, tcp, NULL));
}

TEST(traffic_publish_on_one_address_is_for_that_only)
{
	struct lab l = lab_new();
	int tcp = lab_serve(l.a1, SOCK_STREAM, "0.0.0.0", 80);
	int udp = lab_serve(l.a1, SOCK_DGRAM, "0.0.0.0", 80);

	apply("192.0.2.2", 8000, true);
	CHECK(lab_tcp(l.lan, "192.0.2.2", 8000, tcp, NULL));
	CHECK(lab_udp(l.lan, "192.0.2.2", 8000, udp));
	CHECK(lab_tcp(l.host, "192.0.2.2", 8000, tcp, NULL));
	CHECK(lab_tcp(l.b1, "192.0.2.2", 8000, tcp, NULL));
	CHECK(lab_tcp(l.a1, "192.0.2.2", 8000, tcp, NULL));
	CHECK(!lab_tcp(l.lan, "192.0.2.1", 8000, tcp, NULL));
	CHECK(!lab_tcp(l.host, "127.0.0.1", 8000, tcp, NULL));
}

TEST(traffic_unpublished_port_is_out_of_reach)
{
	struct lab l = lab_new();
	int tcp = lab_serve(l.a1, SOCK_STREAM, "0.0.0.0", 81);
	int udp = lab_serve(l.a1, SOCK_DGRAM, "0.0.0.0", 81);

	/* without the rules both get there, or the test would prove nothing */
	CHECK(lab_tcp(l.lan, "10.213.4.2", 81, tcp, NULL));
	CHECK(lab_tcp(l.b1, "10.213.4.2", 81, tcp, NULL));
	apply("0.0.0.0", 8000, false);
	CHECK(!lab_tcp(l.lan, "10.213.4.2", 81, tcp, NULL));
	CHECK(!lab_udp(l.lan, "10.213.4.2", 81, udp));
	CHECK(!lab_tcp(l.b1, "10.213.4.2", 81, tcp, NULL));
	CHECK(!lab_udp(l.b1, "10.213.4.2", 81, udp));
	/* the host and the same stack may */
	CHECK(lab_tcp(l.host, "10.213.4.2", 81, tcp, NULL));
	CHECK(lab_tcp(l.a2, "10.213.4.2", 81, tcp, NULL));
	CHECK(lab_udp(l.a2, "10.213.4.2", 81, udp));
}

TEST(traffic_egress_is_masqueraded)
{
	struct lab l = lab_new();
	int tcp = lab_serve(l.lan, SOCK_STREAM, "0.0.0.0", 82);
	int udp = lab_serve(l.lan, SOCK_DGRAM, "0.0.0.0", 82);
	char peer[16];

	apply(NULL, 0, true);
	CHECK(lab_tcp(l.a1, "192.0.2.9", 82, tcp, peer));
	CHECK_STR(peer, "192.0.2.1");
	CHECK(lab_tcp(l.b1, "192.0.2.9", 82, tcp, peer));
	CHECK_STR(peer, "192.0.2.1");
	CHECK(lab_udp(l.a1, "192.0.2.9", 82, udp));
}

/* A raw UDP datagram on eth0 of @ns to the MAC of @bridge: what a container with NET_RAW
 * can do. */
static void send_frame(int ns, const char *bridge, const char *from, const char *to,
		       int port)
{
	struct {
		struct ether_header eth;
		struct iphdr ip;
		struct udphdr udp;
		char data[4];
	} __attribute__((packed)) f = { .data = "raw" };
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int back = lab_own_ns(), fd;
	unsigned mac[6], sum = 0;
	char path[64];
	FILE *in;

	snprintf(path, sizeof(path), "ip -o link show %s | sed 's/.*link.ether //'",
		 bridge);
	in = popen(path, "r");
	CHECK(in && fscanf(in, "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3],
			   &mac[4], &mac[5]) == 6);
	pclose(in);
	for (int i = 0; i < 6; i++)
		f.eth.ether_dhost[i] = (uint8_t)mac[i];
	f.eth.ether_shost[0] = 0x02; /* a bridge drops frames from 00:00:00:00:00:00 */
	f.eth.ether_type = htons(ETHERTYPE_IP);
	f.ip.version = 4;
	f.ip.ihl = 5;
	f.ip.ttl = 64;
	f.ip.protocol = IPPROTO_UDP;
	f.ip.tot_len = htons(sizeof(f) - sizeof(f.eth));
	f.ip.saddr = lab_ip(from).s_addr;
	f.ip.daddr = lab_ip(to).s_addr;
	for (size_t i = 0; i < sizeof(f.ip); i += 2)
		sum += *(uint16_t *)((char *)&f.ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	f.ip.check = (uint16_t) ~(sum + (sum >> 16));
	f.udp.source = htons(4000);
	f.udp.dest = htons((uint16_t)port);
	f.udp.len = htons(sizeof(f.udp) + sizeof(f.data));
	CHECK(setns(ns, CLONE_NEWNET) == 0);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));
	sll.sll_ifindex = (int)if_nametoindex("eth0");
	CHECK(sendto(fd, &f, sizeof(f), 0, (struct sockaddr *)&sll, sizeof(sll)) ==
	      sizeof(f));
	CHECK(setns(back, CLONE_NEWNET) == 0);
	close(back);
	close(fd);
}

static bool arrives(int server)
{
	char c;

	return recv(server, &c, 1, 0) == 1;
}

TEST(traffic_container_cannot_reach_loopback_services_of_the_host)
{
	struct lab l = lab_new();
	int local = lab_serve(l.host, SOCK_DGRAM, "127.0.0.1", 83);
	int open_to_all = lab_serve(l.host, SOCK_DGRAM, "0.0.0.0", 84);
	int tcp = lab_serve(l.host, SOCK_STREAM, "127.0.0.1", 83);

	/* route_localnet lets it through, the rules alone stand in the way */
	send_frame(l.a1, "mb-a", "10.213.4.2", "127.0.0.1", 83);
	CHECK(arrives(local));
	apply("127.0.0.1", 8000, true);
	send_frame(l.a1, "mb-a", "10.213.4.2", "127.0.0.1", 83);
	CHECK(!arrives(local));
	/* a source of 127.0.0.1 would be trusted */
	send_frame(l.a1, "mb-a", "127.0.0.1", "10.213.4.1", 84);
	CHECK(!arrives(open_to_all));
	send_frame(l.a1, "mb-a", "10.213.4.2", "10.213.4.1", 84);
	CHECK(arrives(open_to_all));
	CHECK(!lab_tcp(l.a1, "10.213.4.1", 83, tcp, NULL));
}

/* A frame to 127.0.0.1 from the LAN must not be DNATed past the martian check. */
TEST(traffic_neighbour_cannot_reach_127_publications)
{
	struct lab l = lab_new();
	int udp = lab_serve(l.a1, SOCK_DGRAM, "0.0.0.0", 80);

	apply("127.0.0.1", 8000, true);
	send_frame(l.lan, "up0", "192.0.2.9", "127.0.0.1", 8000);
	CHECK(!arrives(udp));
	send_frame(l.b1, "mb-b", "10.213.5.2", "127.0.0.1", 8000);
	CHECK(!arrives(udp));
	apply("0.0.0.0", 8000, true);
	send_frame(l.lan, "up0", "192.0.2.9", "127.0.0.1", 8000);
	CHECK(!arrives(udp));
	send_frame(l.lan, "up0", "192.0.2.9", "192.0.2.1", 8000);
	CHECK(arrives(udp));
}

TEST(traffic_guard_drops_forwarding_between_foreign_links)
{
	struct lab l = lab_new();
	int far = lab_ns(), tcp;

	lab_sh(-1,
	       "ip link add far0 type veth peer name eth0 netns /proc/%d/fd/%d &&"
	       " ip addr add 10.99.0.1/24 dev far0 && ip link set far0 up",
	       (int)getpid(), far);
	lab_sh(far, "ip addr add 10.99.0.2/24 dev eth0 && ip link set eth0 up &&"
		    " ip route add default via 10.99.0.1");
	tcp = lab_serve(far, SOCK_STREAM, "0.0.0.0", 80);
	apply("0.0.0.0", 8000, false);
	CHECK(lab_tcp(l.lan, "10.99.0.2", 80, tcp, NULL));
	apply("0.0.0.0", 8000, true);
	CHECK(!lab_tcp(l.lan, "10.99.0.2", 80, tcp, NULL));
	/* the host's own traffic is none of the guard's business, nor is a container's
	 * egress */
	CHECK(lab_tcp(l.host, "10.99.0.2", 80, tcp, NULL));
	CHECK(lab_tcp(l.a1, "10.99.0.2", 80, tcp, NULL));
}

/* Two run directories on one host, each with its guard, must leave each other alone. */
TEST(traffic_guards_of_two_tables_do_not_drop_each_others)
{
	struct lab l = lab_new();
	int tcp = lab_serve(l.lan, SOCK_STREAM, "0.0.0.0", 82);
	struct netns_stack_rules a = { "mb-a", { lab_ip("10.213.4.0"), 24 }, NULL, 0 };
	struct netns_stack_rules b = { "mb-b", { lab_ip("10.213.5.0"), 24 }, NULL, 0 };
	struct err e = ERR_INIT;

	CHECK_OK(netns_rules_apply("minibox", &a, 1, true, &e), &e);
	CHECK_OK(netns_rules_apply("minibox-other", &b, 1, true, &e), &e);
	CHECK(lab_tcp(l.a1, "192.0.2.9", 82, tcp, NULL));
	CHECK(lab_tcp(l.b1, "192.0.2.9", 82, tcp, NULL));
	CHECK(!lab_tcp(l.b1, "10.213.4.2", 82,
		       lab_serve(l.a1, SOCK_STREAM, "0.0.0.0", 82), NULL));
}

TEST(traffic_open_connection_survives_a_replaced_table)
{
	struct lab l = lab_new();
	struct sockaddr_in sa = lab_addr("127.0.0.1", 8000);
	int server = lab_serve(l.a1, SOCK_STREAM, "0.0.0.0", 80);
	int client = lab_socket(l.host, SOCK_STREAM), conn;
	char c = 0;

	apply("127.0.0.1", 8000, true);
	CHECK(connect(client, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	conn = accept(server, NULL, NULL);
	CHECK(conn >= 0);
	apply("127.0.0.1", 8000, false);
	CHECK(send(client, "a", 1, 0) == 1 && recv(conn, &c, 1, 0) == 1 && c == 'a');
	CHECK(send(conn, "b", 1, 0) == 1 && recv(client, &c, 1, 0) == 1 && c == 'b');
}
