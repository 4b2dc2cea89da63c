/* images/jail.c - see jail.h. */
#include "images/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images/spawn.h"
#include "runtime/base/fd.h"

enum { FDS = WIRE_FD_EMPTY + 1 };

int jail_start(struct image_store *s, const char *job, const int fds[3], size_t ring,
	       struct jail *ret, struct err *e)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	AUTO_CLOSE int empty =
		openat(s->layers, STORE_EMPTY_A, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int want[FDS] = { fds[0], fds[1], null, fds[2], empty };
	char size[24], *argv[] = { (char[]){ "minibox-parse" }, (char *)(uintptr_t)job,
				   ring ? size : NULL, NULL };
	char *envp[] = { NULL };
	int r;

	if (null < 0 || empty < 0)
		return err_set(e, errno, "start the image parser");
	snprintf(size, sizeof(size), "%zu", ring);
	r = spawn_program(s->parser, argv, envp, want, FDS, &ret->pid, e);
	return r < 0 ? err_ctx(e, "image parser") : 0;
}

static int reap(struct jail *j)
{
	int st = 0;

	while (waitpid(j->pid, &st, 0) < 0 && errno == EINTR)
		;
	j->pid = 0;
	return st;
}

int jail_end(struct jail *j, struct err *e)
{
	int st;

	if (!j->pid)
		return 0;
	st = reap(j);
	if (WIFSIGNALED(st))
		return err_msg(e, EPROTO, "its parser was ended by signal %d (%s)",
			       WTERMSIG(st), strsignal(WTERMSIG(st)));
	if (WEXITSTATUS(st) == WIRE_E_CONFINE)
		return err_msg(e, EPROTO, "its parser cannot confine itself");
	return WEXITSTATUS(st) ? err_msg(e, EPROTO, "its parser failed (status %d)",
					 WEXITSTATUS(st))
			       : 0;
}

void jail_kill(struct jail *j)
{
	if (!j->pid)
		return;
	kill(j->pid, SIGKILL);
	reap(j);
}

int jail_list(struct image_store *s, const char *job, int fd, struct buf *ret,
	      struct err *e)
{
	struct jail j = { 0 };
	int ends[2], r, fds[3] = { fd, -1, -1 };

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, errno, "make a pipe");
	fds[1] = ends[1];
	r = jail_start(s, job, fds, 0, &j, e);
	close(ends[1]);
	if (r == 0)
		r = fd_read_all(ends[0], WIRE_LIST_MAX, ret, "the parser's answer", e);
	close(ends[0]);
	if (r < 0)
		jail_kill(&j);
	return r < 0 ? r : jail_end(&j, e);
}

int jail_document(struct image_store *s, const char *job, const char *json, size_t n,
		  struct buf *ret, struct wire_list *ret_list, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("document", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return err_set(e, errno, "memfd_create");
	r = fd_write_all(fd, json, n, "memfd", e);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_set(e, errno, "lseek");
	if (r == 0)
		r = jail_list(s, job, fd, ret, e);
	return r < 0 ? r : wire_list(ret, ret_list, e);
}
