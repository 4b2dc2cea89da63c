/*
 * netns/counters.c - bytes and packets of a network namespace. See netns.h.
 *
 * Knows /proc/PID/net/dev, which shows that namespace without entering it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "netns/counters.h"
#include "runtime/base/fd.h"

/* "  eth0: BYTES PACKETS errs drop fifo frame compressed multicast BYTES PACKETS ..." */
void counters_parse(char *text, struct netns_counters *ret)
{
	*ret = (struct netns_counters){ 0 };
	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		uint64_t rx, rx_n, tx, tx_n;
		char *colon = strchr(l, ':');

		l += strspn(l, " ");
		if (!colon || str_starts(l, "lo:") ||
		    sscanf(colon + 1,
			   "%" SCNu64 " %" SCNu64 " %*u %*u %*u %*u %*u %*u %" SCNu64
			   " %" SCNu64,
			   &rx, &rx_n, &tx, &tx_n) != 4)
			continue;
		ret->rx_bytes += rx;
		ret->rx_packets += rx_n;
		ret->tx_bytes += tx;
		ret->tx_packets += tx_n;
	}
}

int netns_counters(pid_t pid, struct netns_counters *ret, struct err *e)
{
	AUTO_FREE char *path = str_fmt("/proc/%d/net/dev", (int)pid);
	AUTO_BUF struct buf text = BUF_INIT;
	int r = fd_read_file(AT_FDCWD, path, 1 << 20, &text, e);

	if (r == 0)
		counters_parse(text.data, ret);
	return r;
}
