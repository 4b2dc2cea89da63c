/* Names of tar entries as text. */
#include "images/layer/tarname.h"
#include "tests/lib/test.h"

TEST(tarname_clean_normalises)
{
	static const char *const t[][2] = {
		{ "a", "a" },       { "/a//b/", "a/b" }, { "./a/./b/.", "a/b" },
		{ ".", "" },        { "/", "" },         { "./", "" },
		{ "a/../b", "b" },  { "a/b/..", "a" },   { "...", "..." },
		{ "..x", "..x" },   { "a/..", "" },      { " a ", " a " },
		{ "a\nb", "a\nb" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_BUF struct buf b = BUF_INIT;
		struct err e = ERR_INIT;

		CHECK_OK(tarname_clean(t[i][0], &b, &e), &e);
		CHECK_STR(b.data, t[i][1]);
	}
}

TEST(tarname_clean_refuses_what_leaves_the_root)
{
	static const char *const t[] = { "..", "../a", "a/../../b", "/..",
					 "a/b/../../../c" };

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_BUF struct buf b = BUF_INIT;
		struct err e = ERR_INIT;

		CHECK_INT(tarname_clean(t[i], &b, &e), -EINVAL);
	}
}

TEST(tarname_clean_limits_length_and_depth)
{
	AUTO_BUF struct buf name = BUF_INIT, b = BUF_INIT;
	struct err e = ERR_INIT;

	for (int i = 0; i < TARNAME_DEPTH_MAX; i++)
		buf_adds(&name, "a/");
	CHECK_OK(tarname_clean(name.data, &b, &e), &e);
	buf_adds(&name, "a");
	CHECK_INT(tarname_clean(name.data, &b, &e), -ENAMETOOLONG);
	err_clear(&e);
	name.len = 0;
	for (int i = 0; i <= TARNAME_MAX; i++)
		buf_addc(&name, 'n');
	CHECK_INT(tarname_clean(name.data, &b, &e), -ENAMETOOLONG);
}

TEST(tarname_dir_and_base_split)
{
	AUTO_FREE char *a = tarname_dir("a/b/c"), *b = tarname_dir("c");

	CHECK_STR(a, "a/b");
	CHECK_STR(b, "");
	CHECK_STR(tarname_base("a/b/c"), "c");
	CHECK_STR(tarname_base("c"), "c");
}
