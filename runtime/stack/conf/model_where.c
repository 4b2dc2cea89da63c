/*
 * stack/model_where.c - which directive says what; see model.h.
 *
 * Knows keys as text. Does not know what any of them means.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/stack/model.h"

void model_where_add(struct model_service *s, const char *key, struct model_pos pos)
{
	s->where = mem_grow(s->where, s->n_where + 1, sizeof(*s->where));
	s->where[s->n_where++] = (struct model_where){ str_dup(key), pos };
}

/* A later file replaces what an earlier one said, and environment what env_file did. */
static const struct model_pos *find(const struct model_service *s, const char *key)
{
	for (size_t i = s->n_where; i-- > 0;)
		if (strcmp(s->where[i].key, key) == 0)
			return &s->where[i].pos;
	return NULL;
}

/* "ports[2]": the model knows where each of them stands. */
static const struct model_pos *find_element(const struct model_service *s,
					    const char *key)
{
	const char *open = strchr(key, '[');
	size_t i = open ? strtoul(open + 1, NULL, 10) : 0;

	if (open && str_starts(key, "ports[") && i < s->n_ports)
		return &s->ports[i].pos;
	if (open && str_starts(key, "volumes[") && i < s->n_mounts)
		return &s->mounts[i].pos;
	return NULL;
}

struct model_pos model_where(const struct model_service *s, const char *key)
{
	const struct model_pos *pos = find_element(s, key);
	AUTO_FREE char *part = str_ndup(key, strcspn(key, "["));
	char *dot = part;

	while (!pos && dot) {
		pos = find(s, part);
		dot = strrchr(part, '.');
		if (dot)
			*dot = '\0';
	}
	return pos ? *pos : s->pos;
}
