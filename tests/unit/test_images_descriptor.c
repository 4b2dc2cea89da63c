/* Which entry of an index is for which machine. */
#include "images/archive/descriptor.h"

#include "tests/lib/test.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

/* "OS/ARCH/VARIANT" words, one an entry; "-": no platform, "!": an attestation. */
static void make_list(struct buf *b, const char *entries)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, entries, " ");
	strv_foreach (i, &words) {
		AUTO_FREE char *digest = str_fmt("sha256:" HEX "%zu", i);
		AUTO_STRV struct strv parts = STRV_INIT;

		strv_split(&parts, words.v[i], "/");
		wire_put(b, "manifest", "");
		if (parts.n >= 2) {
			wire_put(b, "os", parts.v[0]);
			wire_put(b, "architecture", parts.v[1]);
		}
		if (parts.n == 3)
			wire_put(b, "variant", parts.v[2]);
		if (str_eq(words.v[i], "!"))
			wire_put(b, "attestation", "");
		wire_put(b, "digest", digest);
		wire_put_number(b, "size", i);
	}
	wire_put(b, WIRE_END, "");
}

static const struct {
	const char *machine, *entries;
	int want; /* -1: none */
} choices[] = {
	{ "x86_64", "linux/arm64 linux/amd64", 1 },
	{ "aarch64", "linux/amd64 linux/arm64/v8", 1 },
	{ "x86_64", "windows/amd64 linux/amd64", 1 },
	{ "x86_64", "linux/amd64/v3 linux/amd64", 1 },
	{ "x86_64", "linux/amd64 linux/amd64", 0 },
	{ "armv7l", "linux/arm/v5 linux/arm/v7 linux/arm/v8 linux/arm", 1 },
	{ "armv6l", "linux/arm/v7 linux/arm/v5", 1 },
	{ "armv6l", "linux/arm/v7 linux/arm/x6 linux/arm/v", -1 },
	{ "x86_64", "! -", 1 },
	{ "x86_64", "- linux/amd64", 1 },
	{ "x86_64", "!", -1 },
	{ "x86_64", "unknown/unknown linux/386", -1 },
	{ "sparc", "linux/sparc", 0 },
	{ "x86_64", "", -1 },
};

TEST(the_entry_that_suits_best_is_chosen)
{
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		AUTO_BUF struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		struct wire_list list;
		struct descriptor d;
		int r;

		make_list(&b, choices[i].entries);
		CHECK_OK(wire_list(&b, &list, &e), &e);
		r = descriptor_choose(list, choices[i].machine, &d, &e);
		CHECK_INT(r, choices[i].want < 0 ? -EINVAL : 0);
		if (r == 0)
			CHECK_INT(atoi(d.size), choices[i].want);
	}
}

TEST(what_there_is_instead_is_told)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct wire_list list;
	struct descriptor d;

	make_list(&b, "linux/arm64/v8 ! unknown/unknown windows/amd64");
	CHECK_OK(wire_list(&b, &list, &e), &e);
	CHECK_INT(descriptor_choose(list, "x86_64", &d, &e), -EINVAL);
	CHECK_STR(err_text(&e),
		  "it has no image for linux/amd64, but for linux/arm64 windows/amd64");
}

static const struct {
	const char *digest, *size, *error;
} blobs[] = {
	{ "sha256:" HEX "0", "12", NULL },
	{ "sha256:" HEX, "12", "is not a digest" },
	{ "sha256:../../etc/passwd", "12", "is not a digest" },
	{ "", "12", "is not a digest" },
	{ "sha256:" HEX "0", "-1", "is not a number" },
	{ "sha256:" HEX "0", "9223372036854775808", "is not a number" },
	{ "sha256:" HEX "0", "", "is not a number" },
};

TEST(digest_and_size_are_checked)
{
	for (size_t i = 0; i < ARRAY_LEN(blobs); i++) {
		struct descriptor d = { .digest = blobs[i].digest,
					.size = blobs[i].size };
		struct err e = ERR_INIT;
		struct digest digest;
		uint64_t size = 0;
		int r = descriptor_blob(&d, &digest, &size, &e);

		CHECK_INT(r, blobs[i].error ? -EINVAL : 0);
		CHECK_INT(size, blobs[i].error ? 0 : 12);
		CHECK(!blobs[i].error || strstr(err_text(&e), blobs[i].error));
	}
}

/* The parser may be anyone's: kinds without members, members without a kind. */
TEST(a_list_is_read_to_its_end_whatever_is_in_it)
{
	AUTO_BUF struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct wire_list list;
	struct descriptor d;
	size_t n = 0;

	wire_put(&b, "digest", "x");
	wire_put(&b, "size", "1");
	wire_put(&b, "layer", "");
	wire_put(&b, "layer", "");
	wire_put(&b, "unheard", "of");
	wire_put(&b, WIRE_END, "");
	CHECK_OK(wire_list(&b, &list, &e), &e);
	for (; descriptor_next(&list, &d); n++)
		CHECK(d.digest && d.size);
	CHECK_INT(n, 4);
}
