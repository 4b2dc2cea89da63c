/* /proc/PID/net/dev as the kernel writes it. */
#include "netns/counters.h"

#include <unistd.h>

#include "tests/lib/test.h"

TEST(all_links_but_the_loopback_are_summed)
{
	char text[] = "Inter-|   Receive                                                "
		      "|  Transmit\n"
		      " face |bytes    packets errs drop fifo frame compressed "
		      "multicast|bytes    "
		      "packets errs drop fifo colls carrier compressed\n"
		      "    lo:  999999     100    0    0    0     0          0         0 "
		      "  999999     "
		      "100    0    0    0     0       0          0\n"
		      "  eth0: 18446744073709    12    0    0    0     0          0      "
		      "   0      "
		      "516       6    0    0    0     0       0          0\n"
		      "eth1:10 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n";
	struct netns_counters c;

	counters_parse(text, &c);
	CHECK_INT(c.rx_bytes, 18446744073719);
	CHECK_INT(c.rx_packets, 13);
	CHECK_INT(c.tx_bytes, 536);
	CHECK_INT(c.tx_packets, 8);
}

TEST(ours_can_be_read_and_that_of_nobody_cannot)
{
	struct netns_counters c;
	struct err e = ERR_INIT;

	CHECK_OK(netns_counters(getpid(), &c, &e), &e);
	CHECK(netns_counters(0x7ffffff0, &c, &e) < 0);
}
