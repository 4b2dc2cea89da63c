/*
 * netns/suspects.c - see suspects.h.
 *
 * Pure. Knows how nftables lists chains, and by which chains the usual firewalls are
 * known. A drop in another table is final: ours cannot overrule it, so the user must be
 * told where.
 */
#include "netns/suspects.h"

#include <string.h>

#include "netns/rules.h"

static bool is_foreign_forward(const json_t *chain)
{
	const char *family = json_str(chain, "family", "");

	/* "bridge" sees frames within a bridge only, "netdev" no forwarding */
	return strcmp(json_str(chain, "hook", ""), "forward") == 0 &&
	       (strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0) &&
	       strcmp(json_str(chain, "name", ""), NETNS_FORWARD_CHAIN) != 0;
}

static bool has_chain(const json_t *list, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strcmp(json_str(json_object_get(item, "chain"), "name", ""), name) ==
		    0)
			return true;
	return false;
}

struct verdict {
	struct buf names, remedy;
	bool iptables; /* a remedy by iptables has been given */
};

static void add_iptables_remedy(struct verdict *v, const char *chain)
{
	if (v->iptables)
		return;
	v->iptables = true;
	buf_addf(&v->remedy,
		 "%siptables -I %s -i mb-+ -j ACCEPT; iptables -I %s -o mb-+ -j ACCEPT",
		 v->remedy.len ? "; " : "", chain, chain);
}

static void add_remedy(struct verdict *v, const json_t *list, const json_t *chain,
		       const char *bridge)
{
	const char *family = json_str(chain, "family", ""),
		   *table = json_str(chain, "table", "");
	const char *name = json_str(chain, "name", "");
	const char *semicolon = v->remedy.len ? "; " : "";

	if (strcmp(family, "ip") == 0 && strcmp(name, "FORWARD") == 0) {
		/* made by iptables-nft: edited with nft, iptables would no longer
		 * understand it */
		if (has_chain(list, "ufw-before-forward"))
			buf_addf(&v->remedy,
				 "%sufw route allow in on %s; ufw route allow out on %s",
				 semicolon, bridge, bridge);
		else
			add_iptables_remedy(v, has_chain(list, "DOCKER-USER")
						       ? "DOCKER-USER"
						       : "FORWARD");
	} else if (strcmp(table, "firewalld") == 0) {
		buf_addf(&v->remedy, "%sfirewall-cmd --zone=trusted --add-interface=%s",
			 semicolon, bridge);
	} else {
		buf_addf(&v->remedy,
			 "%snft insert rule %s %s %s iifname '\"mb-*\"' accept; "
			 "nft insert rule %s %s %s oifname '\"mb-*\"' accept",
			 semicolon, family, table, name, family, table, name);
	}
}

static void add_chain(struct verdict *v, const json_t *list, const json_t *chain,
		      const char *bridge)
{
	const char *policy = json_str(chain, "policy", "accept");

	buf_addf(&v->names, "%stable '%s %s' chain '%s' (policy %s)",
		 v->names.len ? ", " : "", json_str(chain, "family", ""),
		 json_str(chain, "table", ""), json_str(chain, "name", ""), policy);
	add_remedy(v, list, chain, bridge);
}

static size_t add_chains(struct verdict *v, const json_t *list, bool only_drop,
			 const char *bridge)
{
	const json_t *item, *chain;
	size_t i, n = 0;

	json_array_foreach (list, i, item) {
		chain = json_object_get(item, "chain");
		if (!is_foreign_forward(chain) ||
		    (only_drop && strcmp(json_str(chain, "policy", ""), "drop") != 0))
			continue;
		add_chain(v, list, chain, bridge);
		n++;
	}
	return n;
}

static bool has_legacy_filter(const char *names)
{
	AUTO_STRV struct strv v = STRV_INIT;

	strv_split(&v, names, " \n");
	return strv_has(&v, "filter");
}

char *netns_suspects(const struct netns_firewall *f, const char *bridge)
{
	const json_t *list = json_object_get(f->chains, "nftables");
	struct verdict v = { BUF_INIT, BUF_INIT, false };
	AUTO_BUF struct buf ret = BUF_INIT;

	if (add_chains(&v, list, true, bridge) == 0 &&
	    !has_legacy_filter(f->legacy_names))
		add_chains(&v, list, false, bridge);
	if (has_legacy_filter(f->legacy_names)) {
		buf_addf(&v.names, "%slegacy iptables table 'filter' chain 'FORWARD'",
			 v.names.len ? ", " : "");
		add_iptables_remedy(&v, "FORWARD");
	}
	if (v.names.len)
		buf_addf(&ret,
			 "packets forwarded for '%s' are dropped by %s%s; to allow them: "
			 "%s",
			 bridge, v.names.data,
			 f->bridge_nf ? ", between its containers too "
					"(bridge-nf-call-iptables is 1)"
				      : "",
			 v.remedy.data);
	buf_free(&v.names);
	buf_free(&v.remedy);
	return ret.len ? buf_take(&ret) : NULL;
}
