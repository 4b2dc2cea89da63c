/*
 * netns/request.h - private: one netlink request, acknowledged, in any network namespace.
 *
 * Knows libnl's sockets and messages. Does not know what is asked.
 */
#ifndef NETNS_REQUEST_H
#define NETNS_REQUEST_H

#include <netinet/in.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/err.h"

/** netns_enter() - make @netns_fd the calling thread's network namespace
 * @ret_back: on 0, an fd of the one left, for netns_leave(); owned by the caller */
must_check int netns_enter(int netns_fd, int *ret_back, struct err *e);
/** netns_leave() - go back to @back; the fd stays the caller's */
must_check int netns_leave(int back, struct err *e);

/** netns_socket_open() - a route socket in @netns_fd; -1: the thread's own namespace */
must_check int netns_socket_open(int netns_fd, struct nl_sock **ret, struct err *e);
/** netns_socket_free() - for AUTO(); NULL is fine */
void netns_socket_free(struct nl_sock **sk);
#define AUTO_SOCKET __attribute__((cleanup(netns_socket_free)))

struct netns_request {
	struct nl_msg *msg;
	bool overflow; /* an attribute did not fit: netns_request_run() refuses to send */
};

/** netns_request_start() - a request of @type with its fixed header of @n bytes */
void netns_request_start(struct netns_request *q, int type, int flags, const void *head,
			 size_t n);
/** netns_request_put() - append an attribute */
void netns_request_put(struct netns_request *q, int type, const void *data, size_t n);
void netns_request_put_u32(struct netns_request *q, int type, uint32_t value);
void netns_request_put_str(struct netns_request *q, int type, const char *value);
/** netns_request_nest() - open a nested attribute, for netns_request_unnest() */
struct nlattr *netns_request_nest(struct netns_request *q, int type);
void netns_request_unnest(struct netns_request *q, struct nlattr *nest);

/* Called for each message of an answer. */
typedef void netns_answer_fn(const struct nlmsghdr *h, void *arg);

/**
 * netns_request_run() - send, wait for the kernel's verdict, free the message
 * @answer: NULL when no answer but the acknowledgement is expected
 * Return: 0 or -errno. No struct err: callers tell EEXIST and ENODEV apart and word the
 * rest.
 */
must_check int netns_request_run(struct nl_sock *sk, struct netns_request *q,
				 netns_answer_fn *answer, void *arg);

/** netns_link_index() - of link @name in the socket's namespace; 0 if there is none */
int netns_link_index(struct nl_sock *sk, const char *name);
/** netns_link_name() - of link @index, into @ret of 16 bytes; "" if there is none */
char *netns_link_name(struct nl_sock *sk, int index, char *ret);
/** netns_link_mtu() - of link @name; @fallback if it cannot be told */
uint32_t netns_link_mtu(struct nl_sock *sk, const char *name, uint32_t fallback);
/** netns_link_up() - set link @index up (and nothing else); 0 or -errno */
must_check int netns_link_up(struct nl_sock *sk, int index);
/** netns_link_settle() - wait until link @index, just set up, really carries packets
 * For a moment after the acknowledgement the kernel drops what is sent by it, and a lost
 * SYN or ARP request costs its sender a whole second. Gives up, without a word, after 20
 * ms. */
void netns_link_settle(struct nl_sock *sk, int index);
/** netns_group_of() - the group that the ports of a bridge are in (rtnetlink(7)
 * IFLA_GROUP): no other bridge of this network namespace has its index */
uint32_t netns_group_of(int bridge);
/** netns_link_delete() - remove link @name; 0 or -errno (-ENODEV: there was none) */
must_check int netns_link_delete(struct nl_sock *sk, const char *name);
/** netns_addr_add() - put @addr/@prefix on link @index; fine if it is there */
must_check int netns_addr_add(struct nl_sock *sk, int index, struct in_addr addr,
			      unsigned prefix);
/** netns_addr_dump() - all IPv4 addresses of the socket's namespace (routes.c) */
must_check int netns_addr_dump(struct nl_sock *sk, netns_answer_fn *fn, void *arg);
/** netns_uplink_mtu() - mtu of the default route's link, 1500 without one (routes.c) */
uint32_t netns_uplink_mtu(struct nl_sock *sk);

#endif
