/* Image names and their familiar form. */
#include "images/refname.h"
#include "tests/lib/test.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(refname_parse_gives_the_familiar_form)
{
	static const char *const t[][2] = {
		{ "postgres", "postgres:latest" },
		{ "postgres:16", "postgres:16" },
		{ "docker.io/library/postgres:16", "postgres:16" },
		{ "index.docker.io/library/postgres", "postgres:latest" },
		{ "library/postgres", "postgres:latest" },
		{ "docker.io/user/app", "user/app:latest" },
		{ "user/app:v1.0_x-Y", "user/app:v1.0_x-Y" },
		{ "localhost/app", "localhost/app:latest" },
		{ "localhost:5000/app:1", "localhost:5000/app:1" },
		{ "ghcr.io/a/b/c:2", "ghcr.io/a/b/c:2" },
		{ "docker.io/a.b/c:1", "docker.io/a.b/c:1" },
		{ "my_app--2.x__y", "my_app--2.x__y:latest" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_REFNAME struct refname r = { NULL, NULL };

		CHECK(refname_parse(t[i][0], &r));
		CHECK_STR(r.name, t[i][1]);
		CHECK(r.digest == NULL);
	}
}

TEST(refname_full_is_the_inverse)
{
	static const char *const t[][2] = {
		{ "postgres:16", "docker.io/library/postgres:16" },
		{ "user/app:v1", "docker.io/user/app:v1" },
		{ "localhost/app:1", "localhost/app:1" },
		{ "localhost:5000/app:1", "localhost:5000/app:1" },
		{ "ghcr.io/a/b/c:2", "ghcr.io/a/b/c:2" },
		{ "docker.io/a.b/c:1", "docker.io/a.b/c:1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_REFNAME struct refname r = { NULL, NULL };
		AUTO_FREE char *full = refname_full(t[i][0]);

		CHECK_STR(full, t[i][1]);
		CHECK(refname_parse(full, &r));
		CHECK_STR(r.name, t[i][0]);
	}
}

TEST(refname_parse_takes_a_digest)
{
	AUTO_REFNAME struct refname r = { NULL, NULL };

	CHECK(refname_parse("app@sha256:" HEX, &r));
	CHECK_STR(r.name, "app:latest");
	CHECK_STR(r.digest, "sha256:" HEX);
}

TEST(refname_parse_refuses_what_is_no_name)
{
	static const char *const t[] = {
		"",           "App",
		"a/",         "/a",
		"a//b",       "../../etc:latest",
		"a:",         "a:-x",
		"a:b/c:d@x",  "a___b",
		"-a",         "a b",
		"a@sha256:x", "ex ample.io/a",
		"a..b",       "a.io:x/b",
		"a:\xc3\xa9", "a+b",
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct refname r = { NULL, NULL };

		if (refname_parse(t[i], &r))
			test_fail(__FILE__, __LINE__, "'%s' was taken as '%s'", t[i],
				  r.name);
	}
}

TEST(refname_file_is_reversible)
{
	AUTO_FREE char *file = refname_file("localhost:5000/a/b:1");
	AUTO_FREE char *name = refname_from_file(file);

	CHECK(strchr(file, '/') == NULL);
	CHECK_STR(name, "localhost:5000/a/b:1");
}
