/* images/digest.c - see digest.h. Hashing is nettle's (SHA extensions of the CPU are
 * used). */
#include "images/digest.h"

#include <stdint.h>
#include <string.h>

#include "runtime/base/str.h"

static const struct {
	const char *prefix;
	size_t size;
} algs[] = {
	[DIGEST_SHA256] = { "sha256:", SHA256_DIGEST_SIZE },
	[DIGEST_SHA512] = { "sha512:", SHA512_DIGEST_SIZE },
};

bool digest_parse(const char *text, struct digest *ret)
{
	for (size_t i = 0; text && i < ARRAY_LEN(algs); i++) {
		const char *hex = text + strlen(algs[i].prefix);

		if (!str_starts(text, algs[i].prefix))
			continue;
		if (strlen(hex) != 2 * algs[i].size ||
		    strspn(hex, "0123456789abcdef") != 2 * algs[i].size)
			return false;
		ret->alg = (enum digest_alg)i;
		memcpy(ret->hex, hex, 2 * algs[i].size + 1);
		return true;
	}
	return false;
}

char *digest_text(const struct digest *d)
{
	return str_fmt("%s%s", algs[d->alg].prefix, d->hex);
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
	return a->alg == b->alg && strcmp(a->hex, b->hex) == 0;
}

void digest_init(struct digest_ctx *c, enum digest_alg alg)
{
	c->alg = alg;
	if (alg == DIGEST_SHA256)
		sha256_init(&c->sha256);
	else
		sha512_init(&c->sha512);
}

void digest_update(struct digest_ctx *c, const void *data, size_t n)
{
	if (c->alg == DIGEST_SHA256)
		sha256_update(&c->sha256, n, data);
	else
		sha512_update(&c->sha512, n, data);
}

void digest_final(struct digest_ctx *c, struct digest *ret)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[SHA512_DIGEST_SIZE];
	size_t n = algs[c->alg].size;

	if (c->alg == DIGEST_SHA256)
		sha256_digest(&c->sha256, n, raw);
	else
		sha512_digest(&c->sha512, n, raw);
	ret->alg = c->alg;
	for (size_t i = 0; i < n; i++) {
		ret->hex[2 * i] = digits[raw[i] >> 4];
		ret->hex[2 * i + 1] = digits[raw[i] & 15];
	}
	ret->hex[2 * n] = '\0';
}

void digest_of(enum digest_alg alg, const void *data, size_t n, struct digest *ret)
{
	struct digest_ctx c;

	digest_init(&c, alg);
	digest_update(&c, data, n);
	digest_final(&c, ret);
}

void digest_chain(const struct digest *below, const struct digest *diff_id,
		  struct digest *ret)
{
	AUTO_FREE char *text = NULL, *a = NULL, *b = NULL;

	if (!below) {
		*ret = *diff_id;
		return;
	}
	a = digest_text(below);
	b = digest_text(diff_id);
	text = str_fmt("%s %s", a, b);
	digest_of(DIGEST_SHA256, text, strlen(text), ret);
}
