/*
 * stack/conf_parse.h - stack.conf's grammar: `name words ;` or `name words { directives
 * }`.
 *
 * Knows the grammar and how to go on after an error. Does not know any directive's name.
 */
#ifndef STACK_CONF_PARSE_H
#define STACK_CONF_PARSE_H

#include "runtime/stack/conf/diag.h"

enum { CONF_DEPTH_MAX = 16 };

/**
 * conf_parse() - append the directives of @file to @root's children
 * @layer: noted in every node
 * Errors go to @diag; what could be read is in the tree all the same.
 */
void conf_parse(const struct conf_file *file, unsigned layer, struct conf_node *root,
		struct diag *diag);

#endif
