/* WWW-Authenticate, as registries send it and as they should not. */
#include "images/fetch/challenge.h"

#include "tests/lib/test.h"

static const struct {
	const char *header;
	enum challenge_scheme scheme;
	const char *realm, *service, *scope;
} rows[] = {
	{ "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
	  "scope=\"repository:library/postgres:pull\"",
	  CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io",
	  "repository:library/postgres:pull" },
	{ "bearer REALM=\"r\" , service = s", CHALLENGE_BEARER, "r", "s", NULL },
	{ "Basic realm=\"a, b=\\\"c\\\"\"", CHALLENGE_BASIC, "a, b=\"c\"", NULL, NULL },
	{ "Basic realm=\"x\", Bearer realm=\"y\",service=\"z\"", CHALLENGE_BEARER, "y",
	  "z", NULL },
	{ "Bearer realm=\"y\", Basic realm=\"x\"", CHALLENGE_BEARER, "y", NULL, NULL },
	{ "Digest realm=\"d\", qop=\"auth\", Basic realm=\"x\"", CHALLENGE_BASIC, "x",
	  NULL, NULL },
	{ "Basic", CHALLENGE_BASIC, NULL, NULL, NULL },
	{ "Negotiate, Basic realm=x", CHALLENGE_BASIC, "x", NULL, NULL },
	{ "Bearer realm=\"first\",realm=\"second\"", CHALLENGE_BEARER, "first", NULL,
	  NULL },
	{ "", CHALLENGE_NONE, NULL, NULL, NULL },
	{ "Bearer realm=\"open", CHALLENGE_NONE, NULL, NULL, NULL },
	{ "Basic realm=x, Bearer realm=\"open", CHALLENGE_BASIC, "x", NULL, NULL },
	{ "Bearer realm=\"a\\", CHALLENGE_NONE, NULL, NULL, NULL },
	{ "=,=\"\"", CHALLENGE_NONE, NULL, NULL, NULL },
	{ "Bearer =x", CHALLENGE_NONE, NULL, NULL, NULL },
	{ "Negotiate YII=", CHALLENGE_NONE, NULL, NULL, NULL },
};

static void check(const char *got, const char *want)
{
	if (want)
		CHECK_STR(got, want);
	else
		CHECK(got == NULL);
}

TEST(challenges_are_read)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct challenge c = { 0 };

		challenge_parse(rows[i].header, &c);
		CHECK_INT(c.scheme, rows[i].scheme);
		check(c.realm, rows[i].realm);
		check(c.service, rows[i].service);
		check(c.scope, rows[i].scope);
		challenge_free(&c);
	}
}

TEST(several_headers_are_one_choice)
{
	struct challenge c = { 0 };

	challenge_parse("Basic realm=a", &c);
	challenge_parse("Bearer realm=b", &c);
	challenge_parse("Bearer realm=c", &c);
	challenge_parse("Basic realm=d", &c);
	CHECK_INT(c.scheme, CHALLENGE_BEARER);
	CHECK_STR(c.realm, "b");
	challenge_free(&c);
}
