/*
 * tests/lib/jail_inside.h - the confined parser's list jobs run inside this process, for
 * fuzzers: these functions take the place of images/jail.c's when linked.
 */
#ifndef JAIL_INSIDE_H
#define JAIL_INSIDE_H

#include <errno.h>

#include "images/jail.h"
#include "images/parse/job.h"

int jail_start(struct image_store *s, const char *job, const int fds[3], size_t ring,
	       struct jail *ret, struct err *e)
{
	(void)s, (void)fds, (void)ring, (void)ret;
	return err_msg(e, ENOSYS, "no process for '%s' here", job);
}

int jail_end(struct jail *j, struct err *e)
{
	(void)j, (void)e;
	return 0;
}

void jail_kill(struct jail *j)
{
	(void)j;
}

static int finish(struct buf *list, int r, struct err *e)
{
	if ((r < 0) != (e->code != 0))
		abort();
	wire_put(list, r < 0 ? WIRE_ERROR : WIRE_END, err_text(e));
	err_clear(e);
	return 0;
}

int jail_list(struct image_store *s, const char *job, int fd, struct buf *ret,
	      struct err *e)
{
	(void)s;
	if (!str_eq(job, WIRE_MEMBERS))
		abort();
	return finish(ret, job_members(fd, ret, e), e);
}

int jail_document(struct image_store *s, const char *job, const char *json, size_t n,
		  struct buf *ret, struct wire_list *ret_list, struct err *e)
{
	int r;

	(void)s;
	if (str_eq(job, WIRE_INDEX))
		r = job_index(json, n, ret, e);
	else if (str_eq(job, WIRE_VERSION))
		r = job_version(json, n, ret, e);
	else if (str_eq(job, WIRE_DOCKER))
		r = job_docker(json, n, ret, e);
	else
		r = job_config(json, n, ret, e);
	(void)finish(ret, r, e);
	return wire_list(ret, ret_list, e);
}

#endif
