/*
 * stack/decode_logging.c - logging: how much of a service's output is kept.
 *
 * Knows the block, in our words and in those of Compose's json-file driver. Does not know
 * where output goes.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

enum { SIZE_MIN = 64 << 10, SIZE_MAX_BYTES = 1 << 30, FILES_MAX = 1000 };

static void decode_max_size(struct decode *d, struct model_service *s,
			    const struct conf_node *node)
{
	uint64_t bytes = 0;

	if (!value_size(node->words[0].text, &bytes) || bytes < SIZE_MIN ||
	    bytes > SIZE_MAX_BYTES)
		decode_bad(d, node, &node->words[0], "a size from 64k to 1g");
	else
		s->logging.max_size = bytes;
}

static void decode_max_files(struct decode *d, struct model_service *s,
			     const struct conf_node *node)
{
	unsigned long long n = 0;

	if (!str_u64(node->words[0].text, FILES_MAX, &n) || n == 0)
		decode_bad(d, node, &node->words[0], "a number from 1 to 1000");
	else
		s->logging.max_files = (uint32_t)n;
}

/* Of Compose's drivers those that keep output on this host, where `logs` shows it. */
static void decode_driver(struct decode *d, struct model_service *s,
			  const struct conf_node *node)
{
	const char *name = node->words[0].text;

	(void)s;
	if (strcmp(name, "json-file") != 0 && strcmp(name, "local") != 0)
		decode_bad(d, node, &node->words[0], "json-file or local");
}

static const struct logging_key {
	const char *name;
	bool block;
	void (*decode)(struct decode *d, struct model_service *s,
		       const struct conf_node *node);
	const char *takes;
} keys[] = {
	{ "max_size", false, decode_max_size, "a size such as 10m" },
	{ "max_files", false, decode_max_files, "a number" },
	{ "max-size", false, decode_max_size, "a size such as 10m" },
	{ "max-file", false, decode_max_files, "a number" },
	{ "driver", false, decode_driver, "json-file or local" },
	{ "options", true, decode_logging, "a { block }" },
};

static const struct logging_key *find_key(struct decode *d, const struct conf_node *c)
{
	const char *names[ARRAY_LEN(keys) + 1];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		names[i] = keys[i].name;
		if (strcmp(keys[i].name, c->name) == 0)
			return &keys[i];
	}
	names[ARRAY_LEN(keys)] = NULL;
	decode_unknown(d, c, "in 'logging'", names);
	return NULL;
}

static bool stands_twice(struct decode *d, const struct conf_node *node, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (strcmp(node->children[j].name, node->children[i].name) != 0)
			continue;
		diag_at(d->diag, node->children[i].pos, "'%s' stands twice in 'logging'",
			node->children[i].name);
		return true;
	}
	return false;
}

static void decode_block(struct decode *d, struct model_service *s,
			 const struct conf_node *node)
{
	for (size_t i = 0; i < node->n_children; i++) {
		const struct conf_node *c = &node->children[i];
		const struct logging_key *k = find_key(d, c);

		if (k && !stands_twice(d, node, i) &&
		    decode_shape(d, c, k->block ? 0 : 1, k->block ? 0 : 1, k->block,
				 k->takes))
			k->decode(d, s, c);
	}
}

/* `options` in it is the same once more: Compose has the sizes there. */
DECODER(decode_logging)
{
	if (!node->block || node->n_words > 0)
		diag_at(d->diag, node->pos, "'%s' needs a { block }", node->name);
	else
		decode_block(d, s, node);
}
