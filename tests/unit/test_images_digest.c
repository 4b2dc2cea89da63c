/* Digests and chainIDs. */
#include "images/digest.h"
#include "runtime/base/str.h"
#include "tests/lib/test.h"

#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

TEST(digest_of_known_text)
{
	AUTO_FREE char *text = NULL;
	struct digest d;

	digest_of(DIGEST_SHA256, "abc", 3, &d);
	CHECK_STR(d.hex, SHA256_ABC);
	text = digest_text(&d);
	CHECK_STR(text, "sha256:" SHA256_ABC);
	digest_of(DIGEST_SHA512, "abc", 3, &d);
	CHECK_INT(strlen(d.hex), 128);
	CHECK(strncmp(d.hex, "ddaf35a193617aba", 16) == 0);
}

TEST(digest_parse_takes_only_whole_lower_case_hex)
{
	static const char *const bad[] = {
		NULL,
		"",
		SHA256_ABC,
		"sha256:",
		"sha256:abcd",
		"md5:d41d8cd98f00b204e9800998ecf8427e",
		"sha512:" SHA256_ABC,
		"sha256:" SHA256_ABC "0",
		"sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:../../../../../../../../../../../../../../../../../../../etc/"
		"passwd00",
	};
	struct digest d, e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!digest_parse(bad[i], &d));
	CHECK(digest_parse("sha256:" SHA256_ABC, &d));
	digest_of(DIGEST_SHA256, "abc", 3, &e);
	CHECK(digest_eq(&d, &e));
}

/* image-spec config.md: ChainID(L0|...|Ln) = Digest(ChainID(L0|...|Ln-1) + " " +
 * DiffID(Ln)) */
TEST(digest_chain_of_two_layers)
{
	AUTO_FREE char *a = NULL, *b = NULL, *text = NULL;
	struct digest one, two, c1, c2, want;

	digest_of(DIGEST_SHA256, "1", 1, &one);
	digest_of(DIGEST_SHA256, "2", 1, &two);
	digest_chain(NULL, &one, &c1);
	CHECK(digest_eq(&c1, &one));
	digest_chain(&c1, &two, &c2);
	a = digest_text(&one);
	b = digest_text(&two);
	text = str_fmt("%s %s", a, b);
	digest_of(DIGEST_SHA256, text, strlen(text), &want);
	CHECK(digest_eq(&c2, &want));
}
