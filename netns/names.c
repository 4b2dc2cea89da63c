/*
 * netns/names.c - names of links, derived from the names of things.
 *
 * Pure. A link's name is a function of run directory, stack and service, so what a crash
 * left behind is found again without a record. An interface name holds 15 bytes: hence
 * hashes.
 */
#include "netns/netns.h"

#include <stdio.h>

/* FNV-1a, 64 bits; the final NUL is hashed too, so ("ab","c") and ("a","bc") differ. */
static uint64_t hash_add(uint64_t h, const char *s)
{
	do {
		h ^= (unsigned char)*s;
		h *= 0x100000001b3ULL;
	} while (*s++);
	return h;
}

static uint64_t hash_new(const char *run_dir, const char *stack)
{
	return hash_add(hash_add(0xcbf29ce484222325ULL, run_dir), stack);
}

/* The low bits of FNV mix best when the high ones are folded in. */
static uint64_t hash_fold(uint64_t h)
{
	return h ^ (h >> 41);
}

void netns_bridge_name(const char *run_dir, const char *stack, char ret[16])
{
	uint64_t h = hash_fold(hash_new(run_dir, stack));

	snprintf(ret, 16, "mb-%08x", (unsigned)(h & 0xffffffffU));
}

void netns_veth_name(const char *run_dir, const char *stack, const char *service,
		     char ret[16])
{
	uint64_t h = hash_fold(hash_add(hash_new(run_dir, stack), service));

	snprintf(ret, 16, "mv%010llx", (unsigned long long)(h & 0xffffffffffULL));
}
