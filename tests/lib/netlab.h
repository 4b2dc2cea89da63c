/*
 * tests/lib/netlab.h - a network in a test's own process: host, containers, a LAN
 * neighbour.
 *
 * Every namespace is made by the test and gone with it; the machine's network is not
 * touched. Sockets are made inside a namespace and used from outside, so no other process
 * is needed.
 */
#ifndef NETLAB_H
#define NETLAB_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "netns/netns.h"
#include "tests/lib/test.h"

#define LAB_WAIT_MS 300 /* a dropped packet is known by silence */

static inline struct in_addr lab_ip(const char *text)
{
	struct in_addr ret;

	CHECK(inet_pton(AF_INET, text, &ret) == 1);
	return ret;
}

static inline int lab_own_ns(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

/* The test's "host": the process moves into a fresh namespace. */
static inline int lab_host(void)
{
	struct err e = ERR_INIT;
	int fd;

	if (geteuid() != 0)
		SKIP("root");
	if (unshare(CLONE_NEWNET) < 0)
		SKIP("a network namespace");
	fd = lab_own_ns();
	CHECK_OK(netns_loopback_up(fd, &e), &e);
	return fd;
}

static inline int lab_ns(void)
{
	int back = lab_own_ns(), fd;

	CHECK(unshare(CLONE_NEWNET) == 0);
	fd = lab_own_ns();
	CHECK(setns(back, CLONE_NEWNET) == 0);
	close(back);
	return fd;
}

/* Run a shell command in @ns (-1: here); the test fails with it. */
__attribute__((format(printf, 2, 3), unused)) static void lab_sh(int ns, const char *fmt,
								 ...)
{
	int back = lab_own_ns();
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (ns >= 0)
		CHECK(setns(ns, CLONE_NEWNET) == 0);
	if (system(cmd) != 0)
		test_fail(__FILE__, __LINE__, "%s", cmd);
	CHECK(setns(back, CLONE_NEWNET) == 0);
	close(back);
}

/* Does a shell command succeed here? */
static inline bool lab_true(const char *cmd)
{
	return system(cmd) == 0;
}

static inline int lab_socket(int ns, int type)
{
	struct timeval tv = { 0, LAB_WAIT_MS * 1000 };
	int back = lab_own_ns(), fd, on = 1;

	CHECK(setns(ns, CLONE_NEWNET) == 0);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	CHECK(setns(back, CLONE_NEWNET) == 0);
	close(back);
	CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

static inline struct sockaddr_in lab_addr(const char *ip, int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = lab_ip(ip),
	};
}

/* A server of @type on @ip:@port in @ns. */
static inline int lab_serve(int ns, int type, const char *ip, int port)
{
	struct sockaddr_in sa = lab_addr(ip, port);
	int fd = lab_socket(ns, type);

	CHECK(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	if (type == SOCK_STREAM)
		CHECK(listen(fd, 16) == 0);
	return fd;
}

/*
 * Connect from @ns to @ip:@port and pass a byte to @server and back. @ret_peer: the
 * client as the server sees it, at least 16 bytes, or NULL. False when the connection
 * does not come about.
 */
static inline bool lab_tcp(int ns, const char *ip, int port, int server, char *ret_peer)
{
	struct sockaddr_in sa = lab_addr(ip, port), peer = { 0 };
	AUTO_CLOSE int client = lab_socket(ns, SOCK_STREAM);
	AUTO_CLOSE int conn = -1;
	socklen_t len = sizeof(peer);
	char c = 0;

	if (connect(client, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return false;
	conn = accept(server, (struct sockaddr *)&peer, &len);
	if (conn < 0)
		return false; /* somebody else answered */
	CHECK(send(client, "a", 1, 0) == 1 && recv(conn, &c, 1, 0) == 1 && c == 'a');
	CHECK(send(conn, "b", 1, 0) == 1 && recv(client, &c, 1, 0) == 1 && c == 'b');
	if (ret_peer)
		inet_ntop(AF_INET, &peer.sin_addr, ret_peer, 16);
	return true;
}

/* A datagram to @server and its answer back. */
static inline bool lab_udp(int ns, const char *ip, int port, int server)
{
	struct sockaddr_in sa = lab_addr(ip, port), peer = { 0 };
	AUTO_CLOSE int client = lab_socket(ns, SOCK_DGRAM);
	socklen_t len = sizeof(peer);
	char c = 0;

	if (connect(client, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    send(client, "a", 1, 0) != 1)
		return false;
	if (recvfrom(server, &c, 1, 0, (struct sockaddr *)&peer, &len) != 1)
		return false;
	CHECK(sendto(server, "b", 1, 0, (struct sockaddr *)&peer, len) == 1);
	return recv(client, &c, 1, 0) == 1 && c == 'b';
}

#endif
