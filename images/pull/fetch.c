/* images/pull/fetch.c - see fetch.h. */
#include "images/pull/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images/spawn.h"
#include "runtime/base/fd.h"
#include "runtime/base/proc.h"

enum {
	PIPE_SIZE = 1 << 20, /* so that the network goes on while a layer is written */
	GRACE_MS = 500
};

/* A file without a name: a pipe would want somebody to write while the child reads. */
static int request_fd(const struct fetch_request *req, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("request", MFD_CLOEXEC);
	AUTO_BUF struct buf b = BUF_INIT;
	char number[24];
	int r;

	if (fd < 0)
		return err_set(e, errno, "make the request's file");
	records_add(&b, "url", req->url);
	strv_foreach (i, &req->accept)
		records_add(&b, "accept", req->accept.v[i]);
	if (req->auth)
		records_add(&b, "auth", req->auth);
	if (req->ca)
		records_add(&b, "ca", req->ca);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)req->max);
	records_add(&b, "max", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)req->size);
	if (req->exact)
		records_add(&b, "size", number);
	r = fd_write_all(fd, b.data, b.len, "the request's file", e);
	explicit_bzero(b.data, b.len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) != 0)
		r = err_set(e, errno, "rewind the request's file");
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

/* Of the whole environment the child needs the way out of this network. */
static void environment(struct strv *ret)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
					     "ALL_PROXY",   "no_proxy",    "NO_PROXY" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value)
			strv_take(ret, str_fmt("%s=%s", names[i], value));
	}
}

/* SIGPIPE ends it when the body is not wanted. */
static int spawn(const int fds[3], pid_t *ret, struct err *e)
{
	AUTO_STRV struct strv env = STRV_INIT;
	char exe[PATH_MAX], *const argv[] = { exe, NULL };
	char *const none[] = { NULL };
	int r = proc_self_dir(exe, sizeof(exe) - sizeof("/minibox-fetch"), e);

	if (r < 0)
		return r;
	strcat(exe, "/minibox-fetch");
	environment(&env);
	r = spawn_program(exe, argv, env.n ? env.v : none, fds, 3, ret, e);
	if (r == -ENOENT)
		return err_ctx(e, "this minibox was built without libcurl");
	return r;
}

/* More of what the child says. Return: bytes, 0 at the end, -errno. */
static ssize_t hear(struct fetch *f, struct err *e)
{
	char chunk[4096];
	ssize_t n;

	do
		n = read(f->say, chunk, sizeof(chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "read from 'minibox-fetch'");
	/* twice: a head, and a failure after it */
	if (f->said.len + (size_t)n > 2 * (size_t)FETCH_ANSWER_MAX)
		return err_msg(e, EFBIG, "'minibox-fetch' says too much");
	buf_add(&f->said, chunk, (size_t)n);
	return n;
}

static int start(const struct fetch_request *req, struct fetch *ret, struct err *e)
{
	AUTO_CLOSE int request = -1, body_in = -1, say_in = -1;
	int body[2], say[2];
	int r = request_fd(req, &request, e);

	if (r < 0)
		return r;
	if (pipe2(body, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	ret->body = body[0];
	body_in = body[1];
	if (pipe2(say, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	ret->say = say[0];
	say_in = say[1];
	(void)fcntl(body_in, F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one works, too */
	return spawn((const int[3]){ request, body_in, say_in }, &ret->pid, e);
}

int fetch_start(const struct fetch_request *req, struct fetch *ret, struct err *e)
{
	ssize_t n = 1;
	int r = start(req, ret, e);

	if (r < 0)
		return r;
	while (n > 0 && !records_head(&ret->said))
		n = hear(ret, e);
	if (n < 0)
		return (int)n;
	if (n > 0)
		return 0;
	r = fetch_end(ret, e);
	return r != 0 ? r : err_msg(e, EIO, "'minibox-fetch' ended without an answer");
}

int fetch_status(const struct fetch *f)
{
	unsigned long long n;

	return str_u64(fetch_get(f, "status"), 999, &n) ? (int)n : 0;
}

const char *fetch_get(const struct fetch *f, const char *key)
{
	return records_get(&f->said, key);
}

int fetch_body(struct fetch *f, size_t max, struct buf *ret, struct err *e)
{
	int r = fd_read_all(f->body, max, ret, "the answer's body", e);
	struct err cause = ERR_INIT;

	/* what the child says explains a body that is too short, or too long */
	if (fetch_end(f, &cause) != 0) {
		*e = cause;
		return -e->code;
	}
	return r;
}

/* A process whose body was read to its end has ended itself. One that nobody listens to
 * any more may wait for a slow server, so it is not waited for long. */
static void hear_out(struct fetch *f)
{
	struct pollfd p = { .fd = f->say, .events = POLLIN };
	struct err ignored = ERR_INIT;

	while (poll(&p, 1, GRACE_MS) != 0)
		if (hear(f, &ignored) <= 0)
			return;
	kill(f->pid, SIGKILL); /* not waited for yet, so the pid is still its own */
}

static int wait_for(struct fetch *f)
{
	int status = 0;

	while (waitpid(f->pid, &status, 0) < 0 && errno == EINTR)
		;
	f->pid = 0;
	return status;
}

static int judge(struct fetch *f, int status, struct err *e)
{
	AUTO_FREE char *error = str_dup(fetch_get(f, "error"));

	if (error) {
		str_sanitize(error);
		f->no_tls = WIFEXITED(status) && WEXITSTATUS(status) == FETCH_NO_TLS;
		return err_msg(e, EIO, "%s", error);
	}
	if (status == 0 || (WIFSIGNALED(status) &&
			    (WTERMSIG(status) == SIGPIPE || WTERMSIG(status) == SIGKILL)))
		return 0;
	return err_msg(e, EIO, "'minibox-fetch' ended with status 0x%x", status);
}

int fetch_end(struct fetch *f, struct err *e)
{
	int r = 0;

	if (f->body >= 0)
		close(fd_take(&f->body));
	if (f->pid) {
		hear_out(f);
		close(fd_take(&f->say));
		r = judge(f, wait_for(f), e);
	}
	if (f->say >= 0)
		close(fd_take(&f->say));
	buf_free(&f->said);
	return r;
}
