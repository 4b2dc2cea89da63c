/*
 * cli/cmd_metrics.c - `metrics`: once to standard output, or for whoever asks by HTTP.
 *
 * Who listens for months must be small: the socket is made here, then this process
 * becomes minibox-supervisor's listener, which starts `minibox _metrics` for each
 * request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/cli/metrics.h"

enum { LISTENER = 3, BACKLOG = 16, ANSWER_SECONDS = 10, HEAD_MOST = 8192 };

static int listen_on(const struct sockaddr *at, socklen_t len, int *ret_fd)
{
	AUTO_CLOSE int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, at, len) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* A socket's file stays when its listener is killed: nobody answers on such a one. */
static bool is_stale(const struct sockaddr_un *at)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	return lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) && fd >= 0 &&
	       connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 &&
	       errno == ECONNREFUSED;
}

static int listen_unix(const char *path, int *ret_fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (is_stale(&at))
		(void)unlink(path);
	mask = umask(0177); /* root's alone */
	r = listen_on((struct sockaddr *)&at, sizeof(at), ret_fd);
	umask(mask);
	return r;
}

/* PORT (of 127.0.0.1), ADDRESS:PORT or unix:PATH; > 0: it is none of them. */
static int open_listener(const char *where, int *ret_fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *colon = strrchr(where, ':');
	AUTO_FREE char *address = colon ? str_ndup(where, (size_t)(colon - where)) : NULL;
	unsigned long long port;

	if (str_starts(where, "unix:") && where[5])
		return listen_unix(where + 5, ret_fd);
	if (!str_u64(colon ? colon + 1 : where, 65535, &port) || port == 0 ||
	    (address && inet_pton(AF_INET, address, &at.sin_addr) != 1))
		return 1;
	at.sin_port = htons((uint16_t)port);
	return listen_on((struct sockaddr *)&at, sizeof(at), ret_fd);
}

/* Returns only on failure. */
static int become_listener(struct cli *c, const char *where, struct err *e)
{
	AUTO_FREE char *exe = str_fmt("%s/minibox-supervisor", c->host->exe_dir);
	AUTO_FREE char *minibox = str_fmt("%s/minibox", c->host->exe_dir);
	AUTO_FREE char *root = str_fmt("MINIBOX_ROOT=%s", c->host->root);
	AUTO_FREE char *run = str_fmt("MINIBOX_RUN=%s", c->host->run);
	AUTO_CLOSE int fd = -1;
	int r = open_listener(where, &fd);

	if (r > 0)
		return cli_usage(c, e,
				 "--listen '%s' is neither PORT, ADDRESS:PORT nor "
				 "unix:PATH",
				 where);
	if (r < 0)
		return err_set(e, -r, "listen on '%s'", where);
	if (fd == LISTENER ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, LISTENER) < 0)
		return err_set(e, errno, "listen on '%s'", where);
	syscall(SYS_close_range, LISTENER + 1, ~0u, 0);
	fd = -1;
	execle(exe, "minibox-metrics", "--serve", minibox, (char *)NULL,
	       (char *const[]){ root, run, NULL });
	return err_set(e, errno, "execute '%s'", exe);
}

static int metrics_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	const char *where = args_value(a, "listen");
	AUTO_BUF struct buf text = BUF_INIT;
	struct stack_host *h = NULL;
	int r = cli_host(c, &h, e);

	if (r == 0 && where)
		return become_listener(c, where, e);
	if (r == 0)
		r = metrics_text(h, &text, e);
	if (r == 0)
		fwrite(text.data, 1, text.len, stdout);
	return r;
}

static const struct cli_opt metrics_opts[] = {
	{ 0, "listen", "WHERE",
	  "answer HTTP: a PORT of 127.0.0.1, ADDRESS:PORT or unix:PATH" },
};

const struct cli_command cmd_metrics = {
	.name = "metrics",
	.operands = "",
	.summary = "Print what all services use, in Prometheus's text format",
	.more = "With --listen it stays, small, and answers GET /metrics until it is "
		"killed.\n\n"
		"  minibox metrics >/var/lib/node_exporter/minibox.prom\n"
		"  minibox metrics --listen 9321",
	.max_operands = 0,
	.opts = metrics_opts,
	.n_opts = ARRAY_LEN(metrics_opts),
	.run = metrics_run,
};

/* The head of a request from standard input, as far as it is of interest. */
static void read_head(char *head, size_t n)
{
	size_t have = 0;
	ssize_t got;

	head[0] = '\0';
	while (have < n - 1 && !strstr(head, "\r\n\r\n") && !strstr(head, "\n\n") &&
	       (got = read(STDIN_FILENO, head + have, n - 1 - have)) > 0) {
		have += (size_t)got;
		head[have] = '\0';
	}
}

static int answer_run(struct cli *c, const struct cli_args *a, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT, answer = BUF_INIT;
	struct stack_host *h = NULL;
	char head[HEAD_MOST];
	int r;

	(void)a;
	alarm(ANSWER_SECONDS); /* whoever is slower is not waited for */
	read_head(head, sizeof(head));
	r = cli_host(c, &h, e);
	if (r == 0)
		r = metrics_text(h, &body, e);
	if (r < 0)
		return r;
	metrics_answer(head, &body, &answer);
	return fd_write_all(STDOUT_FILENO, answer.data, answer.len, "connection", e);
}

const struct cli_command cmd_answer = {
	.name = "_metrics",
	.operands = "",
	.summary = "Answer one HTTP request on standard input and output",
	.max_operands = 0,
	.hidden = true,
	.run = answer_run,
};
