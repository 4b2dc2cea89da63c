/*
 * stack/imgmount.h - images that are mounted without a container: RUN/.images/ID.
 * Private.
 */
#ifndef STACK_IMGMOUNT_H
#define STACK_IMGMOUNT_H

#include "runtime/stack/stack.h"

/** imgmount_list() - ids ("sha256:…") of the images that are mounted, appended to @ret */
must_check int imgmount_list(const struct stack_host *h, struct strv *ret, struct err *e);

#endif
