/*
 * base/fsid.h - by whose ids this thread makes files.
 *
 * On an idmapped mount a file is made with the maker's ids mapped back; root's have no
 * place in the mapping of a user namespace, so making anything fails with EOVERFLOW, even
 * for root. The id that the mount shows for its own top directory has a place.
 * (mount_setattr(2), Documentation/filesystems/idmappings.rst)
 */
#ifndef BASE_FSID_H
#define BASE_FSID_H

#include "runtime/base/err.h"

/**
 * fsid_as_owner() - let this thread make files as the owner of the directory @dir
 * @dir: -1: nothing is changed
 * Capabilities stay. Only this thread changes; fsid_restore() ends it. On failure nothing
 * is changed.
 */
must_check int fsid_as_owner(int dir, struct err *e);
void fsid_restore(void);

#endif
