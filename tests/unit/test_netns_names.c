/* tests/unit/test_netns_names.c - names of links. */
#include "netns/netns.h"

#include "tests/lib/test.h"

/* Names are how a crash's leftovers are found: a new version must make the same. */
TEST(names_stay_what_they_are)
{
	char name[16];

	netns_bridge_name("/run/minibox", "shop", name);
	CHECK_STR(name, "mb-0fc85438");
	netns_veth_name("/run/minibox", "shop", "db", name);
	CHECK_STR(name, "mv152ec303b1");
}

TEST(names_differ_by_run_directory_stack_and_service)
{
	static const char *const rows[][3] = {
		{ "/run/minibox", "shop", "db" }, { "/run/minibox", "shop", "dc" },
		{ "/run/minibox", "shopd", "b" }, { "/run/minibox", "sho", "pdb" },
		{ "/run/minibo", "xshop", "db" }, { "/run/other", "shop", "db" },
		{ "/run/minibox", "shop", "" },   { "", "", "" },
	};
	char veth[ARRAY_LEN(rows)][16], bridge[2][16];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		netns_veth_name(rows[i][0], rows[i][1], rows[i][2], veth[i]);
		CHECK_INT(strlen(veth[i]), 12);
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(veth[i], veth[k]) != 0);
	}
	netns_bridge_name("/run/minibox", "shop", bridge[0]);
	netns_bridge_name("/run/other", "shop", bridge[1]);
	CHECK_INT(strlen(bridge[0]), 11);
	CHECK(strcmp(bridge[0], bridge[1]) != 0);
}
