/*
 * stack/volume.h - named and anonymous volumes, and the shared directories of `from`.
 * Private.
 */
#ifndef STACK_VOLUME_H
#define STACK_VOLUME_H

#include "runtime/stack/host.h"

/** volume_path() - ROOT/volumes/STACK/NAME, owned by the caller */
char *volume_path(const struct stack_host *h, const char *stack, const char *name);
/**
 * volume_prepare() - make the directory; fill it from @root_fd:@target when it is empty
 * @root_fd: the container's merged root; @userns_fd: -1 for the host's ids
 * @fill:    false for `nocopy`
 * Content, owners, modes and xattrs are taken over, as Docker does at a first mount.
 */
must_check int volume_prepare(const struct stack_host *h, const char *stack,
			      const char *name, int root_fd, const char *target,
			      int userns_fd, bool fill, struct err *e);
/**
 * volume_fill() - everything below @root_fd:@target into the directory @dir, and its own
 * owner and mode; nothing if there is no such directory
 * @userns_fd: whose ids @dir is mapped by; -1: the host's
 */
must_check int volume_fill(int dir, int root_fd, const char *target, int userns_fd,
			   struct err *e);
/** volume_remove_all() - every volume of the stack */
must_check int volume_remove_all(const struct stack_host *h, const char *stack,
				 struct err *e);
/** volume_tree_copy() - everything below @src into @dst, with owners, modes, times and
 * xattrs */
must_check int volume_tree_copy(int src, int dst, struct err *e);
/** volume_clone_tree() - detached, idmapped mount of the directory @fd; owned by the
 * caller */
must_check int volume_clone_tree(int fd, int userns_fd, bool read_only, int *ret,
				 struct err *e);

/**
 * share_show() - let the share's readers, and those to come, see what its service has now
 * The service is ready. With `keep`, over what it had before (generation.h).
 */
must_check int share_show(struct stack_host *h, int stack_fd, const struct record *rec,
			  const struct record_share *s, struct err *e);
/** share_pin() - let RUN/STACK/.share/VOLUME show the share's directory of its service's
 * root Made in the root if missing. What was pinned before is detached: readers keep
 * their own. */
must_check int share_pin(const struct stack_host *h, int stack_fd, const char *stack,
			 const struct record_share *s, struct err *e);
/** share_unpin_all() - remove all pins; absent is done */
must_check int share_unpin_all(const struct stack_host *h, const char *stack,
			       int stack_fd, struct err *e);

#endif
