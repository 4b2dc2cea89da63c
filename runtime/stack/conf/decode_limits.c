/*
 * stack/decode_limits.c - finer limits: reservation and swap, shares, quota, processors,
 * disks, and what the kernel does when memory runs out.
 *
 * Knows their words and how they exclude each other. Decoded after mem_limit and cpus.
 * Does not know whether this kernel can keep them: that is found out when they are set.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

DECODER(decode_mem_reservation)
{
	const struct conf_word *w = &node->words[0];

	if (!value_size(w->text, &s->mem_reservation))
		decode_bad(d, node, w, "a size such as 64m");
	else if (s->mem_limit > 0 && s->mem_reservation > s->mem_limit)
		diag_at(d->diag, w->pos, "'mem_reservation' is above 'mem_limit'");
}

DECODER(decode_memswap_limit)
{
	const struct conf_word *w = &node->words[0];

	if (strcmp(w->text, "-1") == 0)
		s->memswap_limit = UINT64_MAX;
	else if (!value_size(w->text, &s->memswap_limit))
		decode_bad(d, node, w, "a size such as 256m, or -1 for no limit");
	else if (s->memswap_limit > 0 && s->memswap_limit < s->mem_limit)
		diag_at(d->diag, w->pos, "'memswap_limit' is below 'mem_limit'");
	if (s->memswap_limit == 0 || s->mem_limit > 0)
		return;
	diag_at(d->diag, w->pos, "'memswap_limit' needs a 'mem_limit' beside it");
	diag_hint(d->diag, "it is memory and swap together");
}

/* A number from @min to @max; 0 is "unset", as Compose has it. */
static void read_number(struct decode *d, const struct conf_node *node, uint64_t min,
			uint64_t max, uint64_t *ret)
{
	const struct conf_word *w = &node->words[0];
	unsigned long long n;
	AUTO_FREE char *takes = str_fmt("a number from %llu to %llu",
					(unsigned long long)min, (unsigned long long)max);

	if (str_u64(w->text, max, &n) && (n == 0 || n >= min))
		*ret = n;
	else
		decode_bad(d, node, w, takes);
}

DECODER(decode_cpu_shares)
{
	read_number(d, node, 2, 262144, &s->cpu_shares);
}

static bool beside_cpus(struct decode *d, const struct model_service *s,
			const struct conf_node *node)
{
	if (s->cpu_millis == 0)
		return false;
	diag_at(d->diag, node->pos, "'%s' and 'cpus' cannot both stand in a service",
		node->name);
	diag_hint(d->diag, "'cpus' is a quota of a period of 100 ms");
	return true;
}

DECODER(decode_cpu_period)
{
	uint32_t ms = 0;

	if (beside_cpus(d, s, node))
		return;
	if (value_duration(node->words[0].text, &ms) && ms >= 1 && ms <= 1000)
		s->cpu_period_usec = ms * 1000ull;
	else
		read_number(d, node, 1000, 1000000, &s->cpu_period_usec);
}

DECODER(decode_cpu_quota)
{
	uint32_t ms = 0;

	if (beside_cpus(d, s, node))
		return;
	if (strcmp(node->words[0].text, "-1") == 0)
		s->cpu_quota_usec = 0;
	else if (value_duration(node->words[0].text, &ms) && ms >= 1)
		s->cpu_quota_usec = ms * 1000ull;
	else
		read_number(d, node, 1000, 1000000000, &s->cpu_quota_usec);
}

/* "0-2,4": numbers and ranges that do not run backwards. */
static bool is_cpu_list(const char *text)
{
	AUTO_STRV struct strv parts = STRV_INIT;

	strv_split(&parts, text, ",");
	strv_foreach (i, &parts) {
		unsigned long long from, to;
		char *dash = strchr(parts.v[i], '-');

		if (dash)
			*dash = '\0';
		if (!str_u64(parts.v[i], 8191, &from) ||
		    (dash && (!str_u64(dash + 1, 8191, &to) || to < from)))
			return false;
	}
	return parts.n > 0 && !strstr(text, ",,") && *text != ',' &&
	       text[strlen(text) - 1] != ',';
}

DECODER(decode_cpuset)
{
	if (is_cpu_list(node->words[0].text))
		str_set(&s->cpuset, node->words[0].text);
	else
		decode_bad(d, node, &node->words[0], "processors such as 0-2,4");
}

DECODER(decode_oom_group)
{
	if (!value_bool(node->words[0].text, &s->oom_group))
		decode_bad(d, node, &node->words[0], "on or off");
}

DECODER(decode_oom_score_adj)
{
	const char *text = node->words[0].text;
	unsigned long long n;

	if (str_u64(text + (*text == '-'), 1000, &n))
		s->oom_score_adj = *text == '-' ? -(int)n : (int)n;
	else
		decode_bad(d, node, &node->words[0], "a number from -1000 to 1000");
}

static const char *const blkio_names[] = {
	"weight",           "device_read_bps",   "device_write_bps",
	"device_read_iops", "device_write_iops", NULL
};

static struct model_blkio *blkio_of(struct model_service *s, char *path)
{
	for (size_t i = 0; i < s->n_blkio; i++)
		if (strcmp(s->blkio[i].path, path) == 0) {
			free(path);
			return &s->blkio[i];
		}
	s->blkio = mem_grow(s->blkio, s->n_blkio + 1, sizeof(*s->blkio));
	s->blkio[s->n_blkio] = (struct model_blkio){ .path = path };
	return &s->blkio[s->n_blkio++];
}

/* device_read_bps /dev/vda 12m; @what: the name's place in blkio_names, from 1 */
static void decode_blkio_device(struct decode *d, struct model_service *s,
				const struct conf_node *node, size_t what)
{
	const struct conf_word *w = &node->words[0];
	unsigned long long n = 0;
	uint64_t rate = 0, *at;
	bool good, bytes = what <= 2;
	char *path;

	if (!decode_shape(d, node, 2, 2, false, "a device and a number a second"))
		return;
	good = bytes ? value_size(w[1].text, &rate) : str_u64(w[1].text, INT64_MAX, &n);
	rate = bytes ? rate : n;
	if (!good || rate == 0) {
		decode_bad(d, node, &w[1],
			   bytes ? "a size a second, such as 12m" : "a number a second");
		return;
	}
	path = value_path(w[0].text);
	if (!path) {
		decode_bad(d, node, &w[0], "a device of the host such as /dev/vda");
		return;
	}
	at = &blkio_of(s, path)->rate[what - 1];
	if (*at)
		diag_at(d->diag, w[0].pos, "'%s' of '%s' stands twice", node->name,
			w[0].text);
	*at = rate;
}

DECODER(decode_blkio_config)
{
	if (node->n_words > 0 || node->n_children == 0) {
		diag_at(d->diag, node->pos, "'blkio_config' takes a { block }");
		diag_hint(d->diag, "blkio_config { weight 300; device_read_bps /dev/vda "
				   "12m; }");
		return;
	}
	for (size_t i = 0; i < node->n_children; i++) {
		const struct conf_node *c = &node->children[i];
		size_t k = 0;

		while (blkio_names[k] && strcmp(blkio_names[k], c->name) != 0)
			k++;
		if (!blkio_names[k])
			decode_unknown(d, c, "in 'blkio_config'", blkio_names);
		else if (k > 0)
			decode_blkio_device(d, s, c, k);
		else if (decode_shape(d, c, 1, 1, false, "a number from 10 to 1000"))
			read_number(d, c, 10, 1000, &s->blkio_weight);
	}
}
