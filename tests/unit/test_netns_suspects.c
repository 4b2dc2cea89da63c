/* tests/unit/test_netns_suspects.c - which foreign chains are named, and the remedy. */
#include "netns/suspects.h"

#include "tests/lib/test.h"

#define CHAIN(family, table, name, hook, policy)                                         \
	",{\"chain\":{\"family\":\"" family "\",\"table\":\"" table                      \
	"\",\"name\":\"" name "\",\"handle\":1,\"type\":\"filter\",\"hook\":\"" hook     \
	"\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define PLAIN(family, table, name)                                                       \
	",{\"chain\":{\"family\":\"" family "\",\"table\":\"" table                      \
	"\",\"name\":\"" name "\",\"handle\":2}}"

TEST(suspects_are_named_with_their_remedy)
{
	static const struct {
		const char *chains, *legacy;
		bool bridge_nf;
		const char *want; /* NULL: nothing foreign */
	} rows[] = {
		{ "", "", false, NULL },
		{ "", "", true, NULL },
		{ "", "nat\nmangle\n", false, NULL },
		/* ours, of whatever run directory; chains that do not hook forward; other
		   families */
		{ CHAIN("ip", "minibox-x", "minibox_forward", "forward",
			"accept") CHAIN("inet", "filter", "input", "input", "drop")
			  PLAIN("ip", "t", "forward") CHAIN("bridge", "filter", "forward",
							    "forward", "drop")
				  CHAIN("ip6", "filter", "FORWARD", "forward", "drop"),
		  "", false, NULL },
		{ CHAIN("inet", "filter", "forward", "forward", "drop"), "", false,
		  "packets forwarded for 'mb-a' are dropped by table 'inet filter' chain "
		  "'forward' "
		  "(policy drop); to allow them: "
		  "nft insert rule inet filter forward iifname '\"mb-*\"' accept; "
		  "nft insert rule inet filter forward oifname '\"mb-*\"' accept" },
		{ CHAIN("ip", "filter", "FORWARD", "forward", "drop"), "", true,
		  "packets forwarded for 'mb-a' are dropped by table 'ip filter' chain "
		  "'FORWARD' "
		  "(policy drop), between its containers too (bridge-nf-call-iptables is "
		  "1); to allow "
		  "them: iptables -I FORWARD -i mb-+ -j ACCEPT; iptables -I FORWARD -o "
		  "mb-+ -j ACCEPT" },
		{ CHAIN("ip", "filter", "FORWARD", "forward", "drop")
			  PLAIN("ip", "filter", "DOCKER-USER"),
		  "", false,
		  "packets forwarded for 'mb-a' are dropped by table 'ip filter' chain "
		  "'FORWARD' "
		  "(policy drop); to allow them: iptables -I DOCKER-USER -i mb-+ -j "
		  "ACCEPT; "
		  "iptables -I DOCKER-USER -o mb-+ -j ACCEPT" },
		{ PLAIN("ip", "filter", "ufw-before-forward")
			  CHAIN("ip", "filter", "FORWARD", "forward", "drop"),
		  "", false,
		  "packets forwarded for 'mb-a' are dropped by table 'ip filter' chain "
		  "'FORWARD' "
		  "(policy drop); to allow them: ufw route allow in on mb-a; "
		  "ufw route allow out on mb-a" },
		{ CHAIN("inet", "firewalld", "filter_FORWARD", "forward", "accept"), "",
		  false,
		  "packets forwarded for 'mb-a' are dropped by table 'inet firewalld' "
		  "chain "
		  "'filter_FORWARD' (policy accept); to allow them: "
		  "firewall-cmd --zone=trusted --add-interface=mb-a" },
		/* a chain with policy drop is named before one that only may drop */
		{ CHAIN("inet", "a", "f", "forward", "accept")
			  CHAIN("inet", "b", "f", "forward", "drop"),
		  "", false,
		  "packets forwarded for 'mb-a' are dropped by table 'inet b' chain 'f' "
		  "(policy drop); "
		  "to allow them: nft insert rule inet b f iifname '\"mb-*\"' accept; "
		  "nft insert rule inet b f oifname '\"mb-*\"' accept" },
		{ "", "raw\nfilter\n", false,
		  "packets forwarded for 'mb-a' are dropped by legacy iptables table "
		  "'filter' chain "
		  "'FORWARD'; to allow them: iptables -I FORWARD -i mb-+ -j ACCEPT; "
		  "iptables -I FORWARD -o mb-+ -j ACCEPT" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *text =
			str_fmt("{\"nftables\":[{\"metainfo\":{}}%s]}", rows[i].chains);
		AUTO_JSON json_t *json = NULL;
		struct netns_firewall f = { NULL, rows[i].legacy, rows[i].bridge_nf };
		AUTO_FREE char *got = NULL;
		struct err e = ERR_INIT;

		CHECK_OK(json_parse(text, strlen(text), "chains", &json, &e), &e);
		f.chains = json;
		got = netns_suspects(&f, "mb-a");
		if (rows[i].want)
			CHECK_STR(got, rows[i].want);
		else
			CHECK(got == NULL);
	}
}

/* A newer nft may answer in a shape we do not know: then nothing is found, and nothing
 * breaks. */
TEST(suspects_survive_an_odd_answer)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"{\"nftables\":null}",
		"{\"nftables\":[1,null,[],{\"chain\":7}]}",
		"{\"nftables\":[{\"chain\":{\"hook\":\"forward\"}}]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_JSON json_t *json = NULL;
		struct netns_firewall f = { NULL, "", false };
		struct err e = ERR_INIT;

		CHECK_OK(json_parse(rows[i], strlen(rows[i]), "chains", &json, &e), &e);
		f.chains = json;
		CHECK(netns_suspects(&f, "mb-a") == NULL);
	}
}
