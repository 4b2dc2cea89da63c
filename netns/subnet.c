/*
 * netns/subnet.c - arithmetic on IPv4 subnets: parse, format, hosts, choosing a free one.
 *
 * Pure: takes values, returns values. Does not know which subnets are in use (routes.c).
 */
#include "netns/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static uint32_t mask_of(unsigned prefix)
{
	/* a shift by 32 is undefined */
	return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

int netns_subnet_parse(const char *text, struct netns_subnet *ret, struct err *e)
{
	const char *slash = strchr(text, '/');
	char addr[INET_ADDRSTRLEN];
	unsigned long long prefix = 0;
	struct in_addr in;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return err_msg(e, EINVAL, "'%s' is not a subnet like 10.213.0.0/16",
			       text);
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (inet_pton(AF_INET, addr, &in) != 1 || !str_u64(slash + 1, 32, &prefix))
		return err_msg(e, EINVAL, "'%s' is not a subnet like 10.213.0.0/16",
			       text);
	if (ntohl(in.s_addr) & ~mask_of((unsigned)prefix))
		return err_msg(e, EINVAL, "subnet '%s' has bits set beyond its /%llu",
			       text, prefix);
	ret->addr = in;
	ret->prefix = (unsigned)prefix;
	return 0;
}

char *netns_subnet_format(const struct netns_subnet *s, char *ret)
{
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &s->addr, addr, sizeof(addr));
	snprintf(ret, 20, "%s/%u", addr, s->prefix);
	return ret;
}

bool netns_subnet_host(const struct netns_subnet *s, uint32_t i, struct in_addr *ret)
{
	uint32_t last = ~mask_of(s->prefix);

	/* the last address is the broadcast address, except where there is no room for
	 * one */
	if (s->prefix <= 30)
		last--;
	if (i > last)
		return false;
	ret->s_addr = htonl(ntohl(s->addr.s_addr) + i);
	return true;
}

static bool overlaps(uint32_t addr, unsigned prefix, const struct netns_subnet *other)
{
	uint32_t mask = mask_of(prefix < other->prefix ? prefix : other->prefix);

	return ((addr ^ ntohl(other->addr.s_addr)) & mask) == 0;
}

/* The next address worth trying after @addr: past everything in @taken that covers it. */
static bool blocked_until(uint32_t addr, unsigned prefix,
			  const struct netns_subnet *taken, size_t n_taken,
			  uint64_t *ret_next)
{
	bool blocked = false;

	for (size_t i = 0; i < n_taken; i++) {
		uint64_t end = (uint64_t)ntohl(taken[i].addr.s_addr) +
			       ~mask_of(taken[i].prefix) + 1;

		if (!overlaps(addr, prefix, &taken[i]))
			continue;
		if (!blocked || end > *ret_next)
			*ret_next = end;
		blocked = true;
	}
	return blocked;
}

static bool first_free(uint64_t from, uint64_t end, unsigned prefix,
		       const struct netns_subnet *taken, size_t n_taken,
		       struct netns_subnet *ret)
{
	uint64_t step = 1ULL << (32 - prefix), next = 0;

	while (from + step <= end) {
		if (!blocked_until((uint32_t)from, prefix, taken, n_taken, &next)) {
			ret->addr.s_addr = htonl((uint32_t)from);
			ret->prefix = prefix;
			return true;
		}
		/* one leap over a large neighbour, or a pool of /30s would be tried one
		 * by one */
		next = (next + step - 1) & ~(step - 1);
		from = next > from ? next : from + step;
	}
	return false;
}

int netns_subnet_pick(const struct netns_subnet *pool, unsigned prefix, uint32_t hint,
		      const struct netns_subnet *taken, size_t n_taken,
		      struct netns_subnet *ret, struct err *e)
{
	uint64_t start = ntohl(pool->addr.s_addr), step, end, first;
	char text[20];

	netns_subnet_format(pool, text);
	if (prefix < pool->prefix || prefix > 30)
		return err_msg(e, EINVAL, "a /%u cannot be taken from the pool '%s'",
			       prefix, text);
	step = 1ULL << (32 - prefix);
	end = start + (1ULL << (32 - pool->prefix));
	first = start + (hint % ((end - start) / step)) * step;
	if (first_free(first, end, prefix, taken, n_taken, ret) ||
	    first_free(start, end, prefix, taken, n_taken, ret))
		return 0;
	return err_msg(e, EADDRNOTAVAIL, "the address pool '%s' has no free /%u left",
		       text, prefix);
}
