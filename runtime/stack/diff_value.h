/*
 * stack/diff_value.h - one value of a service's description as people read it. Pure,
 * private to diff.
 */
#ifndef STACK_DIFF_VALUE_H
#define STACK_DIFF_VALUE_H

#include "runtime/base/json.h"

/**
 * diff_value() - @v (NULL: absent) of @key as text, owned by the caller
 * @hidden: what is replaced by ****** in values that are free text
 */
char *diff_value(const char *key, const json_t *v, const struct strv *hidden);
/** diff_is_file() - is @key the version of a secret's or config's file? */
bool diff_is_file(const char *key);
/** diff_is_argv() - is @key a program and its arguments, whose order means something? */
bool diff_is_argv(const char *key);
/** diff_short() - @text cut for one line, so that where it differs from @other is seen;
 * owned by the caller */
char *diff_short(const char *text, const char *other);

#endif
