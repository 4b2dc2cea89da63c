/*
 * netns/request.c - see request.h.
 *
 * Messages are put together with libnl's core only: the object layer of libnl-route
 * cannot say what we need of a bridge, and looks links up by dumping them all.
 */
#include "netns/request.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>

#include "runtime/base/fd.h"
#include "runtime/base/str.h"

int netns_enter(int netns_fd, int *ret_back, struct err *e)
{
	AUTO_CLOSE int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (back < 0)
		return err_set(e, errno, "open '/proc/thread-self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return err_set(e, errno, "enter the network namespace '%d'", netns_fd);
	*ret_back = fd_take(&back);
	return 0;
}

int netns_leave(int back, struct err *e)
{
	if (setns(back, CLONE_NEWNET) < 0)
		return err_set(e, errno, "return to the network namespace '%d'", back);
	return 0;
}

static int socket_open_here(struct nl_sock **ret, struct err *e)
{
	AUTO_SOCKET struct nl_sock *sk = nl_socket_alloc();
	int r;

	if (!sk)
		return err_set(e, ENOMEM, "netlink socket 'route'");
	r = nl_connect(sk, NETLINK_ROUTE);
	if (r < 0)
		return err_msg(e, EIO, "netlink socket 'route': %s", nl_geterror(r));
	*ret = TAKE(sk);
	return 0;
}

int netns_socket_open(int netns_fd, struct nl_sock **ret, struct err *e)
{
	AUTO_SOCKET struct nl_sock *sk = NULL;
	AUTO_CLOSE int back = -1;
	struct err leave = ERR_INIT;
	int r;

	if (netns_fd < 0)
		return socket_open_here(ret, e);
	r = netns_enter(netns_fd, &back, e);
	if (r < 0)
		return r;
	r = socket_open_here(&sk, e);
	/* the way back is taken whatever happened; when it fails, that is what must be
	 * told */
	if (netns_leave(back, &leave) < 0) {
		*e = leave;
		return -leave.code;
	}
	if (r == 0)
		*ret = TAKE(sk);
	return r;
}

void netns_socket_free(struct nl_sock **sk)
{
	if (*sk)
		nl_socket_free(*sk);
}

void netns_request_start(struct netns_request *q, int type, int flags, const void *head,
			 size_t n)
{
	q->msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
	q->overflow = !q->msg || nlmsg_append(q->msg, (void *)head, n, NLMSG_ALIGNTO) < 0;
}

void netns_request_put(struct netns_request *q, int type, const void *data, size_t n)
{
	if (!q->overflow && nla_put(q->msg, type, (int)n, data) < 0)
		q->overflow = true;
}

void netns_request_put_u32(struct netns_request *q, int type, uint32_t value)
{
	netns_request_put(q, type, &value, sizeof(value));
}

void netns_request_put_str(struct netns_request *q, int type, const char *value)
{
	netns_request_put(q, type, value, strlen(value) + 1);
}

struct nlattr *netns_request_nest(struct netns_request *q, int type)
{
	struct nlattr *nest = q->overflow ? NULL : nla_nest_start(q->msg, type);

	if (!nest)
		q->overflow = true;
	return nest;
}

void netns_request_unnest(struct netns_request *q, struct nlattr *nest)
{
	if (!q->overflow && nla_nest_end(q->msg, nest) < 0)
		q->overflow = true;
}

struct exchange {
	netns_answer_fn *answer;
	void *arg;
	int code;  /* -errno from the kernel */
	bool done; /* acknowledged, refused, or the end of a dump */
};

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *msg, void *arg)
{
	struct exchange *x = arg;

	(void)from;
	x->code = msg->error;
	x->done = true;
	return NL_STOP;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	(void)msg;
	x->done = true;
	return NL_STOP;
}

static int on_answer(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	if (x->answer)
		x->answer(nlmsg_hdr(msg), x->arg);
	return NL_OK;
}

static int exchange_run(struct nl_sock *sk, struct nl_msg *msg, struct exchange *x)
{
	int r;

	nl_socket_modify_err_cb(sk, NL_CB_CUSTOM, on_error, x);
	nl_socket_modify_cb(sk, NL_CB_ACK, NL_CB_CUSTOM, on_end, x);
	nl_socket_modify_cb(sk, NL_CB_FINISH, NL_CB_CUSTOM, on_end, x);
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, on_answer, x);
	r = nl_send_auto(sk, msg);
	/* an answer and its acknowledgement are two datagrams, one receive each */
	while (r >= 0 && !x->done)
		r = nl_recvmsgs_default(sk);
	if (x->code < 0)
		return x->code;
	return r < 0 ? -EIO : 0;
}

int netns_request_run(struct nl_sock *sk, struct netns_request *q,
		      netns_answer_fn *answer, void *arg)
{
	struct exchange x = { .answer = answer, .arg = arg };
	int r = q->overflow ? -EMSGSIZE : exchange_run(sk, q->msg, &x);

	nlmsg_free(q->msg);
	q->msg = NULL;
	return r;
}

/* An ioctl on a link works on any socket, a netlink one too, and in that socket's
 * namespace. */
static bool link_ioctl(struct nl_sock *sk, unsigned long op, struct ifreq *ifr)
{
	return ioctl(nl_socket_get_fd(sk), op, ifr) == 0;
}

static struct ifreq ifreq_of(const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	return ifr;
}

int netns_link_index(struct nl_sock *sk, const char *name)
{
	struct ifreq ifr = ifreq_of(name);

	return link_ioctl(sk, SIOCGIFINDEX, &ifr) ? ifr.ifr_ifindex : 0;
}

char *netns_link_name(struct nl_sock *sk, int index, char *ret)
{
	struct ifreq ifr = ifreq_of("");

	ifr.ifr_ifindex = index;
	if (!link_ioctl(sk, SIOCGIFNAME, &ifr))
		ifr.ifr_name[0] = '\0';
	memcpy(ret, ifr.ifr_name, sizeof(ifr.ifr_name));
	return ret;
}

uint32_t netns_link_mtu(struct nl_sock *sk, const char *name, uint32_t fallback)
{
	struct ifreq ifr = ifreq_of(name);

	if (!link_ioctl(sk, SIOCGIFMTU, &ifr) || ifr.ifr_mtu <= 0)
		return fallback;
	return (uint32_t)ifr.ifr_mtu;
}

int netns_link_up(struct nl_sock *sk, int index)
{
	struct ifinfomsg head = {
		.ifi_index = index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};
	struct netns_request q;

	netns_request_start(&q, RTM_NEWLINK, 0, &head, sizeof(head));
	return netns_request_run(sk, &q, NULL, NULL);
}

static void on_operstate(const struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1];
	bool *settled = arg;

	if (h->nlmsg_type == RTM_NEWLINK &&
	    nlmsg_parse((struct nlmsghdr *)h, sizeof(struct ifinfomsg), tb, IFLA_MAX,
			NULL) >= 0 &&
	    tb[IFLA_OPERSTATE] && nla_get_u8(tb[IFLA_OPERSTATE]) == IF_OPER_UP)
		*settled = true;
}

void netns_link_settle(struct nl_sock *sk, int index)
{
	struct ifinfomsg head = { .ifi_index = index };
	bool settled = false;

	/* Carrier changes are handed to a worker of the kernel (linkwatch), which starts
	 * the queues. Since Linux 6.8 the question alone has it done at once; before, it
	 * is asked again. */
	for (int i = 0; i < 100 && !settled; i++) {
		struct netns_request q;

		if (i > 0)
			usleep(200);
		netns_request_start(&q, RTM_GETLINK, 0, &head, sizeof(head));
		netns_request_put_u32(&q, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		if (netns_request_run(sk, &q, on_operstate, &settled) < 0)
			return;
	}
}

uint32_t netns_group_of(int bridge)
{
	return UINT32_C(0x40000000) + (uint32_t)bridge;
}

int netns_link_delete(struct nl_sock *sk, const char *name)
{
	struct ifinfomsg head = { 0 };
	struct netns_request q;

	netns_request_start(&q, RTM_DELLINK, 0, &head, sizeof(head));
	netns_request_put_str(&q, IFLA_IFNAME, name);
	return netns_request_run(sk, &q, NULL, NULL);
}

int netns_addr_add(struct nl_sock *sk, int index, struct in_addr addr, unsigned prefix)
{
	struct ifaddrmsg head = {
		.ifa_family = AF_INET,
		.ifa_prefixlen = (unsigned char)prefix,
		.ifa_index = (unsigned)index,
	};
	struct netns_request q;

	netns_request_start(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head,
			    sizeof(head));
	netns_request_put(&q, IFA_LOCAL, &addr, sizeof(addr));
	netns_request_put(&q, IFA_ADDRESS, &addr, sizeof(addr));
	return netns_request_run(sk, &q, NULL, NULL);
}
