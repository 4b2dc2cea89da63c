/*
 * stack/merge.c - see merge.h. Knows the tree; asks the table of keys what is a list.
 */
#include "runtime/stack/conf/merge.h"

#include <string.h>

#include "runtime/stack/conf/decode.h"

static bool same_object(const struct conf_node *a, const struct conf_node *b)
{
	if (strcmp(a->name, b->name) != 0)
		return false;
	/* A stack file has one stack, whatever name it gives it. */
	if (strcmp(a->name, "stack") == 0)
		return true;
	return a->n_words == 1 && b->n_words == 1 &&
	       strcmp(a->words[0].text, b->words[0].text) == 0;
}

/* Removes what @node has of an earlier layer than @by that @by replaces. */
static void drop_replaced(struct conf_node *node, const struct conf_node *by, bool health)
{
	for (size_t i = node->n_children; i-- > 0;) {
		const struct conf_node *c = &node->children[i];
		bool test = health && decode_is_health_test(c->name) &&
			    decode_is_health_test(by->name);

		if (c->layer < by->layer && (test || strcmp(c->name, by->name) == 0))
			conf_node_remove(node, i);
	}
}

static struct conf_node *child_of_earlier(struct conf_node *node,
					  const struct conf_node *by)
{
	for (size_t i = 0; i < node->n_children; i++)
		if (node->children[i].layer < by->layer &&
		    strcmp(node->children[i].name, by->name) == 0)
			return &node->children[i];
	return NULL;
}

/* Compose merges the lines of a healthcheck one by one. */
static void merge_health(struct conf_node *old, struct conf_node *later)
{
	for (size_t i = 0; i < later->n_children; i++) {
		drop_replaced(old, &later->children[i], true);
		conf_node_adopt(old, &later->children[i]);
	}
	old->layer = later->layer;
	old->pos = later->pos;
	conf_node_clear(later);
}

static void merge_service(struct conf_node *old, struct conf_node *later)
{
	for (size_t i = 0; i < later->n_children; i++) {
		struct conf_node *c = &later->children[i];
		const struct service_key *k = service_key(c->name);
		struct conf_node *health = strcmp(c->name, "healthcheck") == 0 && c->block
						   ? child_of_earlier(old, c)
						   : NULL;

		if (health && health->block) {
			merge_health(health, c);
			continue;
		}
		if (k && !k->many)
			drop_replaced(old, c, false);
		conf_node_adopt(old, c);
	}
}

/* Everything but a service is replaced whole. */
static void merge_object(struct conf_node *old, struct conf_node *later)
{
	struct conf_node moved = *later;

	if (strcmp(old->name, "service") == 0) {
		merge_service(old, later);
		return;
	}
	/* `volume NAME;` once more declares nothing new. */
	if (strcmp(old->name, "stack") != 0 && !later->block)
		return;
	*later = (struct conf_node){ 0 };
	conf_node_clear(old);
	*old = moved;
}

static struct conf_node *find_earlier(struct conf_node *root, size_t before)
{
	const struct conf_node *later = &root->children[before];

	for (size_t i = 0; i < before; i++)
		if (root->children[i].layer < later->layer &&
		    same_object(&root->children[i], later))
			return &root->children[i];
	return NULL;
}

void conf_merge(struct conf_node *root)
{
	for (size_t i = 0; i < root->n_children;) {
		struct conf_node *old = find_earlier(root, i);

		if (!old) {
			i++;
			continue;
		}
		merge_object(old, &root->children[i]);
		conf_node_remove(root, i);
	}
}
