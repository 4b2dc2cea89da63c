/* Which ranges are somebody else's. */
#include "runtime/stack/ids.h"

#include "tests/lib/test.h"

enum { BASE = 2000000000 };

TEST(ids_overlap_is_told_at_the_edges)
{
	static const struct {
		const char *text;
		bool want;
	} t[] = {
		{ "", false },
		{ "a:100000:65536\n", false },
		{ "a:1999999999:1\n", false },
		{ "a:1999999999:2\n", true },
		{ "a:2000065535:1\n", true },
		{ "a:2000065536:1\n", false },
		{ "x:1:2\na:1000000000:2000000000", true },
		{ "a:2000000000:0\n", false },
		{ "a:2000000000\na:b:c\n:::\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (ids_overlap(t[i].text, BASE) != t[i].want)
			test_fail(__FILE__, __LINE__, "row %zu", i);
}

TEST(ids_lease_avoids_every_record)
{
	struct record *a = record_new("a", "/"), *b = record_new("b", "/");
	struct err e = ERR_INIT;
	uid_t first = 0, second = 0, third = 0;

	CHECK_OK(ids_lease(NULL, NULL, 0, &first, &e), &e);
	a->uid_base = first;
	CHECK_OK(ids_lease(NULL, &a, 1, &second, &e), &e);
	CHECK(second >= first + 65536);
	b->uid_base = second;
	b->leases = mem_new(1, sizeof(*b->leases));
	b->leases[b->n_leases++] = (struct record_lease){ str_dup("s"), second + 65536 };
	CHECK_OK(ids_lease(b, &a, 1, &third, &e), &e);
	CHECK(third >= second + 2 * 65536);
	CHECK(record_ids(b, "s") == second + 65536);
	CHECK(record_ids(b, "t") == second);
	record_free(a);
	record_free(b);
}
