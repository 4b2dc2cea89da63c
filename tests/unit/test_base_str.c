/* tests for runtime/base/str.c */
#include "tests/lib/test.h"

TEST(str_u64_takes_only_plain_decimals_in_range)
{
	unsigned long long v = 0;

	CHECK(str_u64("65535", 65535, &v));
	CHECK_INT(v, 65535);
	CHECK(!str_u64("65536", 65535, &v));
	CHECK(!str_u64("", 10, &v));
	CHECK(!str_u64("-1", 10, &v));
	CHECK(!str_u64("1 ", 10, &v));
	CHECK(!str_u64("18446744073709551616", -1ull, &v));
}

TEST(str_distance_counts_edits_up_to_its_cap)
{
	CHECK_INT(str_distance("image", "imgae", 2), 2);
	CHECK_INT(str_distance("image", "image", 2), 0);
	CHECK_INT(str_distance("ports", "volumes", 2), 3);
}

TEST(strv_set_env_replaces_by_name_and_keeps_order)
{
	AUTO_STRV struct strv v = STRV_INIT;

	strv_set_env(&v, "A=1");
	strv_set_env(&v, "AB=2");
	strv_set_env(&v, "A=3");
	CHECK_INT(v.n, 2);
	CHECK_STR(v.v[0], "A=3");
	CHECK_STR(strv_get_env(&v, "AB"), "2");
	CHECK(strv_get_env(&v, "B") == NULL);
}

TEST(strv_split_drops_empty_pieces)
{
	AUTO_STRV struct strv v = STRV_INIT;

	strv_split(&v, "  a b\tc ", " \t");
	CHECK_INT(v.n, 3);
	CHECK_STR(v.v[2], "c");
}

TEST(buf_grows_and_stays_terminated)
{
	AUTO_BUF struct buf b = BUF_INIT;

	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i % 10);
	CHECK_INT(b.len, 2000);
	CHECK_INT(b.data[2000], 0);
}
