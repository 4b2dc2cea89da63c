/*
 * netns/rules.h - private: the text of our nftables table.
 */
#ifndef NETNS_RULES_H
#define NETNS_RULES_H

#include "netns/netns.h"

/* By its name a table of minibox is told from foreign ones, whatever run directory it
 * serves. */
#define NETNS_FORWARD_CHAIN "minibox_forward"

/**
 * netns_rules_text() - pure: the transaction that makes table @table what it should be
 * @exists: replace or remove the table; else make it, and fail if somebody else did
 * meanwhile Other arguments as of netns_rules_apply(); @n == 0: the transaction that
 * removes it. -EINVAL for a name that is no nftables identifier or link name; -EADDRINUSE
 * when a host address and port are published twice, naming them.
 */
must_check int netns_rules_text(const char *table, bool exists,
				const struct netns_stack_rules *stacks, size_t n,
				bool guard_forwarding, char **ret, struct err *e);

#endif
