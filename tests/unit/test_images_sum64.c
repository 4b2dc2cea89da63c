/* tests/unit/test_images_sum64.c - against what other implementations of XXH64 say. */
#include "images/layer/sum64.h"

#include "tests/lib/test.h"

static uint64_t sum(const void *data, size_t n, size_t step)
{
	struct sum64 s;

	sum64_init(&s);
	for (size_t i = 0; i < n; i += step)
		sum64_add(&s, (const char *)data + i, n - i < step ? n - i : step);
	return sum64_get(&s);
}

TEST(sum64_is_xxh64)
{
	char bytes[101];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 3);
	CHECK(sum("", 0, 1) == 0xef46db3751d8e999u);
	CHECK(sum("a", 1, 1) == 0xd24ec4f1a98c6e5bu);
	CHECK(sum("abc", 3, 3) == 0x44bc2cf5ad770999u);
	CHECK(sum(bytes, 101, 101) == 0x4772d0118a0e0adcu);
}

TEST(sum64_does_not_care_for_the_size_of_pieces)
{
	char bytes[1000];
	uint64_t want;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * i);
	want = sum(bytes, sizeof(bytes), sizeof(bytes));
	for (size_t step = 1; step < 100; step++)
		CHECK(sum(bytes, sizeof(bytes), step) == want);
	bytes[999] ^= 1;
	CHECK(sum(bytes, sizeof(bytes), sizeof(bytes)) != want);
}
