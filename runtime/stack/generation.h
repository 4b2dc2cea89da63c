/*
 * stack/generation.h - the frozen generations of a share that keeps some. Private.
 *
 * `volume V { from S:PATH; keep N; }` shows the newest N states of that directory, one
 * over the other, as a read-only overlay. overlayfs leaves undefined what shows of a
 * lower directory that changes (Documentation/filesystems/overlayfs.rst, "Changes to
 * underlying filesystems"), so each state is one that nobody writes to: the image's
 * layers where the container has changed nothing there, a copy otherwise.
 */
#ifndef STACK_GENERATION_H
#define STACK_GENERATION_H

#include "runtime/stack/host.h"

/**
 * generation_freeze() - take the present state of a share's directory as its newest
 * generation
 * @s: a share with keep > 1, whose service is ready
 * @root, @src: that service's merged root, and the directory in it
 * @ret_tree: detached read-only mount of all that are kept; -1 when nothing is new. Owned
 *            by the caller, who shows it and then calls generation_settle().
 * Callers take turns by a lock of the volume's own, which *@ret_lock is; owned by the
 * caller. On failure what is shown stays as it was; what was begun is removed by the
 * next.
 */
must_check int generation_freeze(struct stack_host *h, int stack_fd,
				 const struct record *rec, const struct record_share *s,
				 int root, int src, int *ret_tree, int *ret_lock,
				 struct err *e);
/** generation_settle() - what generation_freeze() gave is shown by all: older generations
 * go, with their copies. @s->keep of 1: all of them. */
must_check int generation_settle(struct stack_host *h, int stack_fd, const char *stack,
				 const struct record_share *s, struct err *e);
/** generation_images() - ids of the images whose layers generations are mounted from,
 * appended
 */
must_check int generation_images(int stack_fd, struct strv *ret, struct err *e);

#endif
