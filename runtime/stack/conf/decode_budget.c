/*
 * stack/decode_budget.c - `stack { mem_limit …; cpus …; pids_limit …; }`: what all
 * services together may use.
 *
 * Knows the block. That no service may have more than its stack is validate's.
 */
#include "runtime/stack/conf/decode.h"

#include <string.h>

#include "runtime/stack/conf/value.h"

static void decode_one(struct decode *d, const struct conf_node *c)
{
	struct model_budget *b = &d->m->budget;
	const struct conf_word *w = &c->words[0];

	if (strcmp(c->name, "pids_limit") == 0) {
		(void)decode_pids(d, c, &b->pids_limit);
	} else if (strcmp(c->name, "cpus") == 0) {
		if (!value_cpus(w->text, &b->cpu_millis))
			decode_bad(d, c, w, "a number such as 0.5");
	} else if (value_size(w->text, &b->mem_limit)) {
		decode_check_memory(d, w, b->mem_limit);
	} else {
		decode_bad(d, c, w, "a size such as 128m");
	}
}

void decode_budget(struct decode *d, const struct conf_node *node)
{
	static const char *const names[] = { "mem_limit", "cpus", "pids_limit", NULL };
	static const char *const takes[] = { "a size such as 400m",
					     "a number such as 1.5",
					     "a number, or -1 for no limit" };

	for (size_t i = 0; i < node->n_children; i++) {
		const struct conf_node *c = &node->children[i];
		size_t k = 0, j = 0;

		while (names[k] && strcmp(names[k], c->name) != 0)
			k++;
		while (strcmp(node->children[j].name, c->name) != 0)
			j++;
		if (!names[k])
			decode_unknown(d, c, "in 'stack'", names);
		else if (j < i)
			diag_at(d->diag, c->pos, "'%s' stands twice in 'stack'", c->name);
		else if (decode_shape(d, c, 1, 1, false, takes[k]))
			decode_one(d, c);
	}
}
