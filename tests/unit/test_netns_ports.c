/* tests/unit/test_netns_ports.c - is a port free, and who has it? */
#include "netns/netns.h"

#include "tests/lib/netlab.h"

static const int type_of[] = { [NETNS_TCP] = SOCK_STREAM, [NETNS_UDP] = SOCK_DGRAM };

TEST(port_free_judges_by_overlap_of_addresses)
{
	static const struct {
		const char *held, *asked;
		int free;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", 0 }, { "0.0.0.0", "127.0.0.1", 0 },
		{ "127.0.0.1", "0.0.0.0", 0 },   { "0.0.0.0", "0.0.0.0", 0 },
		{ "127.0.0.2", "127.0.0.1", 1 }, { "127.0.0.1", "127.0.0.2", 1 },
	};
	int ns = lab_host();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (enum netns_proto p = NETNS_TCP; p <= NETNS_UDP; p++) {
			AUTO_CLOSE int fd = lab_serve(ns, type_of[p], rows[i].held, 8000);
			struct err e = ERR_INIT;
			int r = netns_port_free(p, lab_ip(rows[i].asked), 8000, &e);

			CHECK(fd >= 0);
			CHECK_INT(r, rows[i].free ? 0 : -EADDRINUSE);
			err_clear(&e);
			CHECK_OK(netns_port_free(p, lab_ip(rows[i].asked), 8001, &e), &e);
			/* TCP and UDP ports are different ports */
			CHECK_OK(netns_port_free(!p, lab_ip(rows[i].asked), 8000, &e),
				 &e);
		}
}

TEST(port_free_names_the_holder)
{
	AUTO_FREE char *want =
		str_fmt("port '127.0.0.1:8000/tcp' is in use by 'holder' (pid %d)",
			(int)getpid());
	AUTO_FREE char *want_udp = str_fmt(
		"port '0.0.0.0:53/udp' is in use by 'holder' (pid %d)", (int)getpid());
	int ns = lab_host();
	AUTO_CLOSE int fd = lab_serve(ns, SOCK_STREAM, "0.0.0.0", 8000);
	AUTO_CLOSE int udp = lab_serve(ns, SOCK_DGRAM, "127.0.0.1", 53);
	AUTO_CLOSE int self = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
	struct err e = ERR_INIT;

	CHECK(fd >= 0 && udp >= 0 && write(self, "holder", 6) == 6);
	CHECK_INT(netns_port_free(NETNS_TCP, lab_ip("127.0.0.1"), 8000, &e), -EADDRINUSE);
	CHECK_STR(err_text(&e), want);
	err_clear(&e);
	CHECK_INT(netns_port_free(NETNS_UDP, lab_ip("0.0.0.0"), 53, &e), -EADDRINUSE);
	CHECK_STR(err_text(&e), want_udp);
}

/* A server on [::] takes IPv4 too, unless it says otherwise. */
TEST(port_free_sees_a_dual_stack_listener)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(8000) };
	AUTO_CLOSE int fd = -1;
	struct err e = ERR_INIT;

	lab_host();
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		SKIP("IPv6");
	CHECK(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 1) == 0);
	CHECK_INT(netns_port_free(NETNS_TCP, lab_ip("127.0.0.1"), 8000, &e), -EADDRINUSE);
	CHECK(strstr(err_text(&e), "(pid "));
}

TEST(port_free_says_when_the_holder_cannot_be_told)
{
	int ns = lab_host();
	AUTO_CLOSE int fd = lab_socket(ns, SOCK_STREAM);
	struct sockaddr_in sa = lab_addr("127.0.0.1", 8000);
	struct err e = ERR_INIT;
	int off = 0;

	/* bound, not listening, not sharing: no row in /proc/net/tcp */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
	CHECK(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	CHECK_INT(netns_port_free(NETNS_TCP, lab_ip("127.0.0.1"), 8000, &e), -EADDRINUSE);
	CHECK_STR(err_text(&e), "port '127.0.0.1:8000/tcp' is in use by a program that "
				"/proc does not show");
}

TEST(port_free_names_an_address_the_host_does_not_have)
{
	struct err e = ERR_INIT;

	lab_host();
	CHECK_INT(netns_port_free(NETNS_TCP, lab_ip("192.0.2.77"), 80, &e),
		  -EADDRNOTAVAIL);
	CHECK_STR(err_text(&e),
		  "port '192.0.2.77:80/tcp': this host has no such address");
}
