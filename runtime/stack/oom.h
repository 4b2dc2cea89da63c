/*
 * stack/oom.h - telling that the kernel killed for want of memory, and whom. Private.
 */
#ifndef STACK_OOM_H
#define STACK_OOM_H

#include "runtime/stack/host.h"
#include "runtime/supervisor/supervisor.h"

/**
 * oom_look() - out-of-memory kills in a service's group since its container was made
 * @ret_text: "out of memory: 2 processes killed, the last 'tail', peak 48 MiB, limit 48
 * MiB", owned by the caller; NULL when there was none. The victim is looked up in the
 * kernel's log and 'unknown' where that is not to be read or has moved on.
 * Return: how many there were.
 */
uint64_t oom_look(struct stack_host *h, const char *stack, const char *service,
		  char **ret_text);
/**
 * oom_guard() - let the supervisor hear of kills, and see to it that one takes the whole
 * service, where the kernel does not
 * @spec: the stored one, whose oom_group decides. Before the service's process starts.
 */
must_check int oom_guard(struct stack_host *h, const char *stack, const char *service,
			 const json_t *spec, struct err *e);
/** oom_may_have_ended() - was the last end the work of SIGKILL, seen by us or by its
 * init?
 */
bool oom_may_have_ended(const struct sup_status *st);
/** oom_victim() - the name in a record of the kernel's log, if it is of group @path
 * (pure)
 * @record: "...,task_memcg=/PATH,task=NAME,pid=N,uid=N"
 * Return: owned by the caller, or NULL. */
char *oom_victim(const char *record, const char *path);

#endif
