/* images/layer/sum64.c - see sum64.h. The steps and constants are the XXH64
 * specification's. */
#include "images/layer/sum64.h"

#include <endian.h>
#include <string.h>

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

enum { STRIPE = 32 };

static uint64_t rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static uint64_t word(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint64_t mix(uint64_t lane, uint64_t v)
{
	return rotate(lane + v * P2, 31) * P1;
}

void sum64_init(struct sum64 *s)
{
	*s = (struct sum64){ .lane = { P1 + P2, P2, 0, 0 - P1 } };
}

static void stripes(struct sum64 *s, const unsigned char *p, size_t n)
{
	uint64_t a = s->lane[0], b = s->lane[1], c = s->lane[2], d = s->lane[3];

	for (; n > 0; n--, p += STRIPE) {
		a = mix(a, word(p));
		b = mix(b, word(p + 8));
		c = mix(c, word(p + 16));
		d = mix(d, word(p + 24));
	}
	s->lane[0] = a, s->lane[1] = b, s->lane[2] = c, s->lane[3] = d;
}

void sum64_add(struct sum64 *s, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t have = s->n % STRIPE, take = STRIPE - have;

	s->n += n;
	if (have && n >= take) {
		memcpy(s->part + have, p, take);
		stripes(s, s->part, 1);
		p += take;
		n -= take;
		have = 0;
	}
	if (!have) {
		stripes(s, p, n / STRIPE);
		p += n / STRIPE * STRIPE;
		n %= STRIPE;
	}
	if (n)
		memcpy(s->part + have, p, n);
}

static uint64_t tail(const struct sum64 *s, uint64_t h)
{
	const unsigned char *p = s->part;
	size_t n = s->n % STRIPE;

	for (; n >= 8; n -= 8, p += 8)
		h = rotate(h ^ mix(0, word(p)), 27) * P1 + P4;
	if (n >= 4) {
		uint32_t v;

		memcpy(&v, p, sizeof(v));
		h = rotate(h ^ le32toh(v) * P1, 23) * P2 + P3;
		n -= 4, p += 4;
	}
	for (; n > 0; n--, p++)
		h = rotate(h ^ *p * P5, 11) * P1;
	return h;
}

uint64_t sum64_get(const struct sum64 *s)
{
	uint64_t h = P5;

	if (s->n >= STRIPE) {
		h = rotate(s->lane[0], 1) + rotate(s->lane[1], 7) +
		    rotate(s->lane[2], 12) + rotate(s->lane[3], 18);
		for (int i = 0; i < 4; i++)
			h = (h ^ mix(0, s->lane[i])) * P1 + P4;
	}
	h = tail(s, h + s->n);
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}
