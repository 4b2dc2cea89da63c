/*
 * images/digest.h - content digests: "sha256:…" and "sha512:…".
 *
 * Knows the text form and the hashing. Does not know what is hashed.
 */
#ifndef IMAGES_DIGEST_H
#define IMAGES_DIGEST_H

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>

enum digest_alg { DIGEST_SHA256, DIGEST_SHA512 };

struct digest {
	enum digest_alg alg;
	char hex[2 * SHA512_DIGEST_SIZE + 1];
};

struct digest_ctx {
	enum digest_alg alg;
	union {
		struct sha256_ctx sha256;
		struct sha512_ctx sha512;
	};
};

/** digest_parse() - "ALG:hex" with lower-case hex of the right length; false otherwise */
bool digest_parse(const char *text, struct digest *ret);
/** digest_text() - "ALG:hex", owned by the caller */
char *digest_text(const struct digest *d);
bool digest_eq(const struct digest *a, const struct digest *b);

void digest_init(struct digest_ctx *c, enum digest_alg alg);
void digest_update(struct digest_ctx *c, const void *data, size_t n);
void digest_final(struct digest_ctx *c, struct digest *ret);
/** digest_of() - the digest of @n bytes at once */
void digest_of(enum digest_alg alg, const void *data, size_t n, struct digest *ret);

/**
 * digest_chain() - the chainID of a layer
 * @below: chainID of the layers below; NULL for the bottom layer, whose chainID is its
 * diffID
 */
void digest_chain(const struct digest *below, const struct digest *diff_id,
		  struct digest *ret);

#endif
