/*
 * container/apparmor.h - the AppArmor profile of a container's processes: private to the
 * container room.
 *
 * Knows the kernel's files (Documentation/admin-guide/LSM/apparmor.rst, apparmor(7)).
 * Does not know what a profile says, and loads none: that is the host's own service's
 * work.
 */
#ifndef CONTAINER_APPARMOR_H
#define CONTAINER_APPARMOR_H

#include <stdbool.h>

#include "runtime/base/err.h"
#include "runtime/container/spec.h"

/**
 * container_apparmor_decide() - the profile that the processes of @s are to have
 * @ret: borrowed from @s or constant; NULL: nothing is asked for
 * Told by name it is an error where it cannot be had (container_apparmor_check(); a name
 * of an exact spec is looked up by the kernel alone). Untold it is "minibox-default"
 * where that is loaded, but for a privileged container.
 */
must_check int container_apparmor_decide(const struct container_spec *s, const char **ret,
					 struct err *e);
/** container_apparmor_listed() - is @name a line "NAME (MODE)" of the kernel's list?
 * (pure) */
bool container_apparmor_listed(const char *list, const char *name);
/**
 * container_apparmor_open() - where this process asks, by what is "/proc" now
 * @ret_fd: owned by the caller; of use to this very process only, but also after it has
 * got another root. -EXDEV: there is no procfs.
 */
must_check int container_apparmor_open(int *ret_fd, struct err *e);
/** container_apparmor_ask() - take on @profile with the next execve, of this process or
 * of one that it forks; -ENOENT: not loaded */
must_check int container_apparmor_ask(int fd, const char *profile, struct err *e);

#endif
