/*
 * stack/merge.h - several -f files as one, as Compose merges them.
 *
 * Knows layers and which directives are lists. Does not know values: where an element of
 * a list replaces another (the same target, the same variable) the decoder does it, by
 * layer.
 */
#ifndef STACK_MERGE_H
#define STACK_MERGE_H

#include "runtime/stack/conf/conf_tree.h"

/**
 * conf_merge() - fold the objects of later layers into those of the same name in earlier
 * ones
 * @root: children in layer order; afterwards one node for each object, unless one layer
 * had two
 */
void conf_merge(struct conf_node *root);

#endif
