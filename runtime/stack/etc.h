/*
 * stack/etc.h - the three files of /etc that a container is given: hosts, hostname,
 * resolv.conf.
 */
#ifndef STACK_ETC_H
#define STACK_ETC_H

#include "runtime/stack/instance.h"

/** etc_write_static() - hostname and resolv.conf, and an empty hosts, below @dir; they
 * belong to the container's root, as in Docker */
must_check int etc_write_static(const struct instance_source *src,
				const struct record_service *rs, const char *hostname,
				int dir, struct err *e);
/**
 * etc_write_hosts() - hosts of every container of the stack, in place: a bind mount keeps
 * showing the inode it was made from, so a file made anew would never be seen
 */
must_check int etc_write_hosts(const struct record *rec, int stack_fd, struct err *e);

#endif
