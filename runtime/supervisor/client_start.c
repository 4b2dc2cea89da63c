/*
 * supervisor/client_start.c - starting the resident program, and whether it lives.
 *
 * The supervisor is no child of the caller's: a grandchild in a session of its own.
 */
#include "runtime/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"

enum { READY_FD = 3 };

struct start { /* what the grandchild needs */
	const char *exe, *stack_dir, *log_dir;
	int ready; /* write end of the pipe: "1", or a message */
	int (*in_child)(void *arg, struct err *e);
	void *arg;
	const struct sup_unit *unit; /* NULL: none */
};

static int read_header(int stack_fd, struct sup_header *ret, struct err *e)
{
	AUTO_CLOSE int fd = openat(stack_fd, ".spec", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_set(e, errno, "open '.spec'");
	if (read(fd, ret, sizeof(*ret)) != sizeof(*ret) || ret->magic != SUP_MAGIC ||
	    !memchr(ret->run_dir, 0, sizeof(ret->run_dir)) ||
	    !memchr(ret->root_dir, 0, sizeof(ret->root_dir)))
		return err_msg(e, EINVAL,
			       "'.spec' was not made by this version of minibox");
	return 0;
}

static void say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

/* Runs in the grandchild and does not return. */
static void become(const struct start *st)
{
	struct err e = ERR_INIT;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char text[128], patience[16];

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) {
		say(st->ready, "open '/dev/null' failed");
		_exit(1);
	}
	if (st->in_child && st->in_child(st->arg, &e) < 0) {
		say(st->ready, err_text(&e));
		_exit(1);
	}
	/* Whatever the caller has open, the resident must not hold for days. */
	if (st->ready == READY_FD)
		fcntl(READY_FD, F_SETFD, 0);
	else if (dup2(st->ready, READY_FD) < 0)
		_exit(1);
	syscall(SYS_close_range, READY_FD + 1, ~0u, 0);
	/* No environment: it would lie on the resident's stack, and its helpers get their
	 * own. */
	snprintf(patience, sizeof(patience), "%u", st->unit ? st->unit->watchdog_ms : 0);
	execve(st->exe,
	       (char *const[]){
		       (char *)st->exe, (char *)st->stack_dir, (char *)st->log_dir,
		       st->unit ? (char *)st->unit->socket : NULL, patience, NULL },
	       (char *const[]){ NULL });
	snprintf(text, sizeof(text), "exec '%.80s': %s", st->exe, strerror(errno));
	say(READY_FD, text);
	_exit(1);
}

static int spawn(const struct start *st, struct err *e)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_set(e, errno, "fork");
	if (pid == 0) {
		(void)setsid();
		pid = fork();
		if (pid == 0)
			become(st);
		_exit(pid < 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0 : err_msg(e, EAGAIN, "fork failed");
}

static int wait_ready(int fd, struct err *e)
{
	char text[256];
	size_t have = 0;
	ssize_t n;

	while (have < sizeof(text) - 1) {
		n = read(fd, text + have, sizeof(text) - 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	text[have] = '\0';
	if (strcmp(text, "1") == 0)
		return 0;
	return err_msg(e, EIO, "minibox-supervisor: %s", have ? text : "ended at once");
}

int sup_start(const char *exe_dir, int run_fd, const char *stack,
	      int (*in_child)(void *arg, struct err *e), void *arg,
	      const struct sup_unit *unit, struct err *e)
{
	AUTO_CLOSE int stack_fd =
		openat(run_fd, stack, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int logs_fd = -1, in = -1, out = -1;
	AUTO_FREE char *exe = NULL, *stack_dir = NULL, *log_dir = NULL;
	struct sup_header h;
	int fds[2], r;

	if (stack_fd < 0)
		return err_set(e, errno, "open stack directory '%s'", stack);
	if (sup_alive(stack_fd))
		return 0;
	r = read_header(stack_fd, &h, e);
	if (r < 0)
		return err_ctx(e, "stack '%s'", stack);
	exe = str_fmt("%s/minibox-supervisor", exe_dir);
	stack_dir = str_fmt("%s/%s", h.run_dir, stack);
	log_dir = str_fmt("%s/logs/%s", h.root_dir, stack);
	r = fd_mkdirs(AT_FDCWD, log_dir, 0700, &logs_fd, e);
	if (r < 0)
		return err_ctx(e, "stack '%s'", stack);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	out = fds[0];
	in = fds[1];
	r = spawn(&(struct start){ exe, stack_dir, log_dir, in, in_child, arg, unit }, e);
	close(fd_take(&in));
	if (r == 0)
		r = wait_ready(out, e);
	return r < 0 ? err_ctx(e, "stack '%s'", stack) : 0;
}

bool sup_alive(int stack_fd)
{
	AUTO_CLOSE int fd =
		openat(stack_fd, ".supervisor", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	/* Held shared for an instant at most; the supervisor's own attempt is repeated.
	 */
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int sup_keeper(int stack_fd, pid_t *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT;
	int r = fd_read_file(stack_fd, ".supervisor", 64, &text, e);

	if (r < 0)
		return r;
	*ret = proc_parent((pid_t)atoi(text.data));
	return *ret > 0 ? 0 : err_set(e, ESRCH, "find the supervisor's keeper");
}
