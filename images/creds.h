/* images/creds.h - making the overlay as the owner of the upper directory. Private. */
#ifndef IMAGES_CREDS_H
#define IMAGES_CREDS_H

#include "runtime/base/err.h"

/**
 * creds_as_owner() - let this thread make files as @dir's owner, as its mount shows it
 * @dir: -1: nothing is changed
 *
 * overlayfs keeps the credentials it is made with and makes its work files by them. Root's ids
 * have no place in an idmapped upper (EOVERFLOW, and the overlay silently becomes read-only);
 * the id that the mount shows for the directory has. Capabilities stay. creds_restore() ends it.
 */
must_check int creds_as_owner(int dir, struct err *e);
void creds_restore(void);

#endif
