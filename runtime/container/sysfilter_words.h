/*
 * container/sysfilter_words.h - the words in which profiles and configurations tell
 * filters.
 *
 * Knows the names that seccomp has in the OCI runtime-spec (config-linux.md) and what
 * they are to libseccomp. Does not know whose document they stand in: errors are the
 * callers'.
 */
#ifndef CONTAINER_SYSFILTER_WORDS_H
#define CONTAINER_SYSFILTER_WORDS_H

#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/str.h"

enum { SYSFILTER_ERRNO_MOST = 4095, SYSFILTER_ARGS = 6 };

/** sysfilter_action() - "SCMP_ACT_ERRNO" as libseccomp's
 * @number: goes with SCMP_ACT_ERRNO and SCMP_ACT_TRACE, at most SYSFILTER_ERRNO_MOST
 * @ret_numbered: does it? May be NULL
 * Return: false for no such word; @ret is then untouched. */
bool sysfilter_action(const char *name, uint32_t number, uint32_t *ret,
		      bool *ret_numbered);
/** sysfilter_operator() - the same of "SCMP_CMP_EQ" */
bool sysfilter_operator(const char *name, enum scmp_compare *ret);
/** sysfilter_arch() - the same of "SCMP_ARCH_X86_64", as a token
 * @ret: 0 for one that this libseccomp does not know yet */
bool sysfilter_arch(const char *name, uint32_t *ret);
/**
 * sysfilter_add_arch() - let a filter hold for one more machine
 * One that is there already, that libseccomp does not know, or that has another byte
 * order than ours is skipped: no program of it runs here. Return: 0; -EINVAL: no such
 * word; other -errno of libseccomp's.
 */
int sysfilter_add_arch(scmp_filter_ctx ctx, const char *name);
/**
 * sysfilter_add_call() - one rule
 * libseccomp wants each argument once in a rule: where one stands twice any of the
 * conditions is enough, which is a rule for each, as other runtimes read it.
 * @name: of a call; one that this libseccomp does not know is skipped
 * Return: 0 or -errno of libseccomp's.
 */
int sysfilter_add_call(scmp_filter_ctx ctx, uint32_t action, const char *name,
		       const struct scmp_arg_cmp *args, unsigned n);
/** sysfilter_words() - all names of actions, operators and machines, appended */
void sysfilter_words(struct strv *actions, struct strv *operators, struct strv *archs);

#endif
