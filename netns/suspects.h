/*
 * netns/suspects.h - private: who may drop what we forward, and what to do about it.
 */
#ifndef NETNS_SUSPECTS_H
#define NETNS_SUSPECTS_H

#include <stdbool.h>

#include "runtime/base/json.h"

struct netns_firewall {
	const json_t *chains;     /* libnftables' answer to "list chains" */
	const char *legacy_names; /* text of /proc/net/ip_tables_names; "" without */
	bool bridge_nf;           /* frames between ports of a bridge pass iptables too */
};

/**
 * netns_suspects() - pure: a sentence that names table, chain and remedy
 * @bridge: the bridge whose packets are concerned
 * Return: a heap string, NULL when no foreign chain hooks forward. Chains with policy
 * drop are named; where there is none, all of them.
 */
char *netns_suspects(const struct netns_firewall *f, const char *bridge);

#endif
