/*
 * cli/attach.h - stay with a process that exec or run started, until it ends. Private.
 */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include "runtime/base/err.h"

struct container;

/**
 * attach() - relay the terminal (if the process has one of its own) and signals; reap it
 * Return: its exit status, 128 + N after signal N; -errno.
 */
must_check int attach(struct container *c, struct err *e);
/** attach_start_status() - exit status for a process that could not be started: 125, 126,
 * 127 */
int attach_start_status(int exec_errno);

#endif
