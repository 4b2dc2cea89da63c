/*
 * stack/conf_expand.h - ${NAME} and its kin, as Compose replaces them.
 *
 * Knows the forms NAME, NAME:-d, NAME-d, NAME:?m, NAME?m, NAME:+a, NAME+a, $NAME and $$.
 * Does not know where values come from: it is handed a function.
 */
#ifndef STACK_CONF_EXPAND_H
#define STACK_CONF_EXPAND_H

#include "runtime/stack/conf/diag.h"

/* Any of them may be NULL. */
struct conf_vars {
	const struct strv *env;    /* NAME=VALUE: wins */
	const struct strv *dotenv; /* NAME=VALUE: next */
	const struct strv *more;   /* NAME=VALUE: last */
	struct strv *unset; /* names without value or default, each once; "" is used */
};

/** conf_vars_get() - a variable's value or NULL; borrowed */
const char *conf_vars_get(const struct conf_vars *vars, const char *name);
/**
 * conf_expand() - replace all variables of @text; CONF_LITERAL marks are taken out
 * @ret_error: on failure the reason, owned by the caller
 * Return: the new text, owned by the caller; NULL on failure.
 */
char *conf_expand(const char *text, const struct conf_vars *vars, char **ret_error);
/** conf_expand_tree() - all words below @node, in place; errors go to @diag at their word
 */
void conf_expand_tree(struct conf_node *node, const struct conf_vars *vars,
		      struct diag *diag);

#endif
