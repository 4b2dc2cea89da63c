/*
 * stack/freeze.h - one state of a share's directory that nobody writes to. Private.
 */
#ifndef STACK_FREEZE_H
#define STACK_FREEZE_H

#include "runtime/stack/host.h"

/* A share whose service is about to be frozen. */
struct freeze_source {
	struct stack_host *h;
	const struct record *rec;
	const struct record_service *rs;
	const struct record_share *s;
	int dir;      /* where generations are mounted; borrowed */
	int root;     /* the service's merged root; borrowed */
	int userns;   /* -1: the host's */
	char *inside; /* the share's directory in the root, all links followed */
};

/**
 * freeze_open() - fill in what of @c follows from the rest: userns, inside
 * @c: all others are set, userns is -1; freed by freeze_close() in any case
 * @src: the share's directory
 */
must_check int freeze_open(struct freeze_source *c, int stack_fd, int src, struct err *e);
void freeze_close(struct freeze_source *c);
/** freeze_is_touched() - does the container's writable layer say anything about the
 * directory? 1, 0, -errno. Then the image alone no longer tells what is in it. */
must_check int freeze_is_touched(const struct freeze_source *c, struct err *e);
/**
 * freeze_make() - mount the directory's present state at @c->dir/@name
 * @copy: path below ROOT that it is copied to; NULL: the image's whole root, read-only
 * On failure a directory @name that is no mount may be left, and a part of the copy.
 */
must_check int freeze_make(const struct freeze_source *c, const char *name,
			   const char *copy, struct err *e);

#endif
