/*
 * netns/probe.c - see probe.h.
 *
 * Knows sockets in several network namespaces. Does not know firewalls: rules by foreign
 * programs can mean anything, one packet shows what they do.
 */
#include "netns/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>

#include "netns/netns.h"
#include "netns/request.h"
#include "runtime/base/fd.h"

/* TEST-NET-2 of RFC 5737: nobody's, so no route of the host is hidden for the moment. */
#define PROBE_HOST 0xc6336401U /* 198.51.100.1 */
#define PROBE_PEER 0xc6336402U
#define PROBE_PREFIX 30
#define PROBE_PORT 9
#define TRIES 8
#define TRY_MS 50

static int new_namespace(int *ret_fd, struct err *e)
{
	AUTO_CLOSE int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int fd = -1;
	int r, code;

	if (back < 0 || unshare(CLONE_NEWNET) < 0)
		return err_set(e, errno,
			       "make a network namespace for the probe 'forward'");
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	code = errno;
	r = netns_leave(back, e);
	if (r < 0)
		return r;
	if (fd < 0)
		return err_set(e, code,
			       "open the network namespace of the probe 'forward'");
	*ret_fd = fd_take(&fd);
	return 0;
}

/* A UDP socket that lives in @netns_fd, bound to @port (0: any). */
static int socket_in(int netns_fd, uint16_t port, int *ret_fd, struct err *e)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	AUTO_CLOSE int back = -1, fd = -1;
	int r = netns_enter(netns_fd, &back, e), code;

	if (r < 0)
		return r;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	code = fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? errno : 0;
	r = netns_leave(back, e);
	if (r < 0)
		return r;
	if (code)
		return err_set(e, code, "socket of the probe 'forward'");
	*ret_fd = fd_take(&fd);
	return 0;
}

static int link_up(const char *name, int peer_ns, struct err *e)
{
	struct netns_port port = {
		.netns_fd = peer_ns,
		.host_if = name,
		.addr.s_addr = htonl(PROBE_PEER),
		.prefix = PROBE_PREFIX,
		.gateway.s_addr = htonl(PROBE_HOST),
	};
	AUTO_SOCKET struct nl_sock *sk = NULL;
	struct in_addr host = { htonl(PROBE_HOST) };
	int r = netns_socket_open(-1, &sk, e);

	if (r == 0)
		r = netns_attach(&port, e);
	if (r < 0)
		return r;
	r = netns_addr_add(sk, netns_link_index(sk, name), host, PROBE_PREFIX);
	return r < 0 ? err_set(e, -r, "add an address to link '%s'", name) : 0;
}

static bool readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, TRY_MS) > 0;
}

/* There and back: a firewall that lets packets out may still drop the answers. */
static bool packet_passes(int from, int to)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons(PROBE_PORT),
		.sin_addr.s_addr = htonl(PROBE_PEER),
	};
	struct sockaddr_in back;
	socklen_t len;
	char c;

	for (int i = 0; i < TRIES; i++) {
		/* a container without a route out loses nothing by a firewall */
		if (sendto(from, "?", 1, 0, (struct sockaddr *)&sa, sizeof(sa)) < 0 &&
		    errno == ENETUNREACH)
			return true;
		len = sizeof(back);
		if (readable(to) &&
		    recvfrom(to, &c, 1, 0, (struct sockaddr *)&back, &len) == 1 &&
		    sendto(to, "!", 1, 0, (struct sockaddr *)&back, len) == 1 &&
		    readable(from))
			return true;
	}
	return false;
}

int netns_probe_forward(int netns_fd, bool *ret_passed, struct err *e)
{
	AUTO_CLOSE int peer_ns = -1, from = -1, to = -1;
	struct err ignored = ERR_INIT;
	char name[16];
	int r;

	snprintf(name, sizeof(name), "mvprobe%d", (int)getpid());
	r = new_namespace(&peer_ns, e);
	if (r == 0)
		r = socket_in(netns_fd, 0, &from, e);
	if (r == 0)
		r = socket_in(peer_ns, PROBE_PORT, &to, e);
	if (r < 0)
		return r;
	r = link_up(name, peer_ns, e);
	if (r == 0)
		*ret_passed = packet_passes(from, to);
	if (netns_link_destroy(name, r < 0 ? &ignored : e) < 0 && r == 0)
		r = -e->code;
	return r;
}
