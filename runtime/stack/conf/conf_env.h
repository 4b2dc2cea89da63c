/*
 * stack/conf_env.h - the lines of .env and env_file.
 *
 * Knows NAME=VALUE lines, comments, quotes, `export` and ${} in values. Does not open
 * files.
 */
#ifndef STACK_CONF_ENV_H
#define STACK_CONF_ENV_H

#include "runtime/stack/conf/conf_expand.h"

/**
 * conf_env_parse() - append each NAME=VALUE of @file to @ret; later ones replace earlier
 * @vars: for ${} in values, and for names without a value (dropped when unset there);
 * what
 *        @ret holds already is looked at after it
 * Errors go to @diag; @file should be secret, for its lines must not be shown.
 */
void conf_env_parse(const struct conf_file *file, const struct conf_vars *vars,
		    struct strv *ret, struct diag *diag);

#endif
