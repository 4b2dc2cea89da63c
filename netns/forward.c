/*
 * netns/forward.c - forwarding between links: the kernel's switch, and foreign firewalls.
 *
 * Knows ip_forward and where firewalls show. Does not change what is foreign: it tells.
 */
#include "netns/netns.h"

#include <errno.h>
#include <fcntl.h>

#include "netns/nft.h"
#include "netns/probe.h"
#include "netns/suspects.h"
#include "runtime/base/fd.h"

#define IP_FORWARD "/proc/sys/net/ipv4/ip_forward"

/* A one-line file of /proc; "" where the kernel has none. */
static int read_proc(const char *path, struct buf *ret, struct err *e)
{
	int r = fd_read_file(AT_FDCWD, path, 4096, ret, e);

	if (r != -ENOENT)
		return r;
	err_clear(e);
	buf_adds(ret, "");
	return 0;
}

static int forwarding_get(bool *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	int r = fd_read_file(AT_FDCWD, IP_FORWARD, 16, &text, e);

	if (r == 0)
		*ret = text.data[0] != '0';
	return r;
}

int netns_forwarding_enable(bool *ret_was_off, struct err *e)
{
	bool on = false;
	int r = forwarding_get(&on, e);

	/* not written when on: a write resets other settings of every link */
	if (r == 0 && !on)
		r = fd_write_str(AT_FDCWD, IP_FORWARD, "1", e);
	if (r == 0)
		*ret_was_off = !on;
	return r;
}

int netns_forwarding_disable(struct err *e)
{
	return fd_write_str(AT_FDCWD, IP_FORWARD, "0", e);
}

static int find_suspects(const char *bridge, char **ret, struct err *e)
{
	AUTO_BUF struct buf legacy = BUF_INIT, bridge_nf = BUF_INIT;
	AUTO_JSON json_t *chains = NULL;
	struct netns_firewall f;
	int r = read_proc("/proc/net/ip_tables_names", &legacy, e);

	if (r == 0)
		r = read_proc("/proc/sys/net/bridge/bridge-nf-call-iptables", &bridge_nf,
			      e);
	if (r == 0)
		r = netns_nft_query("list chains", &chains, e);
	if (r < 0)
		return r;
	f = (struct netns_firewall){
		.chains = chains,
		.legacy_names = legacy.data,
		.bridge_nf = bridge_nf.data[0] == '1',
	};
	*ret = netns_suspects(&f, bridge);
	return 0;
}

int netns_forward_blocked(int netns_fd, const char *bridge, char **ret, struct err *e)
{
	AUTO_FREE char *suspects = NULL;
	bool on = false, passed = true;
	int r = forwarding_get(&on, e);

	if (r == 0 && !on) {
		*ret = str_dup(
			"forwarding is off: net.ipv4.ip_forward is 0; to allow it: "
			"sysctl -w net.ipv4.ip_forward=1");
		return 0;
	}
	if (r == 0)
		r = find_suspects(bridge, &suspects, e);
	if (r == 0 && suspects)
		r = netns_probe_forward(netns_fd, &passed, e);
	if (r < 0)
		return r;
	*ret = passed ? NULL : TAKE(suspects);
	return 0;
}
