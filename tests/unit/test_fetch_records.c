/* What minibox and minibox-fetch say to each other. */
#include "images/fetch/records.h"

#include "tests/lib/test.h"

TEST(records_come_out_as_they_went_in)
{
	AUTO_BUF struct buf b = BUF_INIT;
	const char *key, *value;
	size_t at = 0;

	records_add(&b, "url", "https://h/");
	records_add(&b, "accept", "a");
	records_add(&b, "accept", "");
	CHECK_STR(records_get(&b, "url"), "https://h/");
	CHECK_STR(records_get(&b, "accept"), "a");
	CHECK(records_get(&b, "none") == NULL);
	CHECK(records_next(&b, &at, &key, &value) &&
	      records_next(&b, &at, &key, &value) && records_next(&b, &at, &key, &value));
	CHECK_STR(value, "");
	CHECK(!records_next(&b, &at, &key, &value));
}

TEST(head_ends_with_the_empty_key)
{
	AUTO_BUF struct buf b = BUF_INIT;

	CHECK(!records_head(&b));
	records_add(&b, "status", "200");
	CHECK(!records_head(&b));
	records_add(&b, "", "");
	CHECK(records_head(&b));
	records_add(&b, "error", "later");
	CHECK_STR(records_get(&b, "error"), "later");
}

/* What comes over a pipe may stop anywhere. */
TEST(half_a_record_is_none)
{
	AUTO_BUF struct buf whole = BUF_INIT;

	records_add(&whole, "key", "value");
	for (size_t n = 0; n < whole.len; n++) {
		AUTO_BUF struct buf b = BUF_INIT;
		const char *key, *value;
		size_t at = 0;

		buf_add(&b, whole.data, n);
		CHECK(!records_next(&b, &at, &key, &value));
		CHECK_INT(at, 0);
	}
}
