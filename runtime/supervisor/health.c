/* supervisor/health.c - see health.h. */
#include "runtime/supervisor/health.h"

#include <errno.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/conduct.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/probe.h"
#include "runtime/supervisor/spawn.h"
#include "runtime/supervisor/status.h"
#include "runtime/supervisor/text.h"
#include "runtime/supervisor/unixsock.h"

enum { TEXT = sizeof(((struct sup_status *)0)->text), DEFAULT_TIMEOUT_MS = 30000 };

static bool is_first(const struct service *s)
{
	return s->st.state == SUP_RUNNING;
}

static void schedule(struct service *s)
{
	uint64_t now = proc_now_ns();
	uint64_t uptime_ms = (now - s->begun_ns) / 1000000u;

	s->probe.due_ns =
		now + probe_delay_ms(&s->spec, is_first(s), uptime_ms) * 1000000ull;
}

void health_begin(struct service *s)
{
	if (s->spec.health == SUP_HEALTH_NONE)
		return;
	s->probe.count_ns = probe_counts_from(&s->spec, s->begun_ns);
	schedule(s);
}

void health_resume(struct service *s)
{
	health_begin(s);
	if (s->probe.due_ns && !is_first(s))
		s->probe.due_ns = proc_now_ns() + 50000000u;
}

static void close_probe(struct service *s)
{
	loop_close(&s->probe.fd);
	spawn_kill(s->probe.pid);
	s->probe.pid = 0;
	s->probe.phase = PROBE_IDLE;
}

void health_halt(struct service *s)
{
	close_probe(s);
	s->probe.due_ns = 0;
}

static void passed(struct supervisor *sup, struct service *s)
{
	bool news = s->st.failures || s->st.text[0];

	close_probe(s);
	s->st.failures = 0;
	s->st.text[0] = '\0';
	if (s->st.state == SUP_RUNNING || s->st.state == SUP_UNHEALTHY)
		conduct_fire(sup, s, EV_PASS);
	else if (news)
		status_publish(sup, s);
	schedule(s);
}

static void failed(struct supervisor *sup, struct service *s, const char *why)
{
	bool news = strcmp(s->st.text, why) != 0;

	close_probe(s);
	text_copy(s->st.text, TEXT, why, strlen(why));
	schedule(s);
	if (probe_count(&s->spec, is_first(s), proc_now_ns(), &s->probe.count_ns)) {
		s->st.failures++;
		news = true;
	}
	if (probe_is_sick(&s->spec, s->st.failures) && s->st.state != SUP_UNHEALTHY)
		conduct_fire(sup, s, EV_SICK);
	else if (news)
		status_publish(sup, s);
}

static void failed_by(struct supervisor *sup, struct service *s, const char *what,
		      int code)
{
	char why[TEXT];
	struct text t = text_over(why, sizeof(why));

	text_str(&t, what);
	switch (code) {
	case 0:
		break;
	case ECONNREFUSED:
		text_str(&t, ": connection refused");
		break;
	case ECONNRESET:
		text_str(&t, ": connection reset");
		break;
	case ENOENT:
	case ENOTSOCK:
		text_str(&t, ": there is no socket");
		break;
	case EAGAIN:
		text_str(&t, ": it accepts nobody");
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
		text_str(&t, ": no route to it");
		break;
	default:
		text_str(&t, ": error ");
		text_num(&t, (uint64_t)code);
	}
	failed(sup, s, why);
}

static void start_socket(struct supervisor *sup, struct service *s)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->spec.health_port),
		.sin_addr.s_addr = s->spec.address,
	};
	int fd;

	if (!s->spec.address) {
		failed_by(sup, s, "it has no address to probe", 0);
		return;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		failed_by(sup, s, "make a socket", errno);
		return;
	}
	s->probe.fd = fd;
	s->probe.phase = PROBE_CONNECT;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		failed_by(sup, s, "connect", errno);
	else
		loop_watch(sup, fd, TOKEN_PROBE, service_slot(sup, s), EPOLLOUT);
}

static void try_unix(struct supervisor *sup, struct service *s)
{
	int r = unixsock_try(s->st.pid, s->pidfd, s->spec.health_path);

	if (r < 0)
		failed_by(sup, s, "connect", -r);
	else
		passed(sup, s);
}

static void start_helper(struct supervisor *sup, struct service *s)
{
	int fds[2], pid;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		failed_by(sup, s, "make a pipe", errno);
		return;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pid = spawn_helper(sup, s, "_health", fds[1], 1);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		failed_by(sup, s, "run the healthcheck", -pid);
		return;
	}
	s->probe.fd = fds[0];
	s->probe.pid = pid;
	s->probe.phase = PROBE_EXEC;
	s->probe.text_len = 0;
	loop_watch(sup, fds[0], TOKEN_PROBE, service_slot(sup, s), EPOLLIN);
}

/* Keeps the last bytes of what the helper says: there the reason stands. */
static void hear(struct service *s)
{
	struct probe *p = &s->probe;
	char chunk[sizeof(p->text)];
	size_t most = sizeof(p->text) - 1, old;
	ssize_t n;

	while (p->fd >= 0 && (n = read(p->fd, chunk, most)) != 0) {
		if (n < 0)
			return;
		old = p->text_len + (size_t)n > most ? most - (size_t)n : p->text_len;
		memmove(p->text, p->text + p->text_len - old, old);
		memcpy(p->text + old, chunk, (size_t)n);
		p->text_len = (uint32_t)(old + (size_t)n);
	}
	loop_close(&p->fd); /* at its end epoll would never be silent again */
}

static void timed_out(struct supervisor *sup, struct service *s)
{
	char why[TEXT];
	struct text t = text_over(why, sizeof(why));

	text_str(&t, "the healthcheck timed out");
	if (s->probe.phase == PROBE_EXEC) {
		hear(s);
		text_str(&t, s->probe.text_len ? ": " : "");
		text_copy(t.at, (size_t)(t.end - t.at) + 1, s->probe.text,
			  s->probe.text_len);
	}
	failed(sup, s, why);
}

void health_due(struct supervisor *sup, struct service *s)
{
	uint32_t limit_ms = s->spec.health_timeout_ms ? s->spec.health_timeout_ms
						      : DEFAULT_TIMEOUT_MS;

	if (s->probe.phase != PROBE_IDLE) {
		timed_out(sup, s);
		return;
	}
	s->probe.due_ns = proc_now_ns() + limit_ms * 1000000ull;
	if (s->spec.health == SUP_HEALTH_EXEC)
		start_helper(sup, s);
	else if (s->spec.health == SUP_HEALTH_UNIX)
		try_unix(sup, s);
	else
		start_socket(sup, s);
}

static void connected(struct supervisor *sup, struct service *s)
{
	char request[PROBE_REPLY_MAX];
	socklen_t len = sizeof(int);
	int code = 0;
	size_t n;

	if (getsockopt(s->probe.fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		code = errno;
	if (code) {
		failed_by(sup, s, "connect", code);
		return;
	}
	n = probe_request(&s->spec, request);
	if (n == 0) {
		passed(sup, s);
		return;
	}
	/* A fresh connection's buffer takes a few hundred bytes at once, or it is broken.
	 */
	if (send(s->probe.fd, request, n, MSG_NOSIGNAL) != (ssize_t)n) {
		failed_by(sup, s, "send the probe", errno);
		return;
	}
	s->probe.phase = PROBE_REPLY;
	loop_change(sup, s->probe.fd, TOKEN_PROBE, service_slot(sup, s),
		    EPOLLIN | EPOLLRDHUP);
}

/* Bytes left unread would turn the close into a reset, which servers log as a client's
 * fault. */
static void discard(int fd)
{
	while (recv(fd, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT) > 0)
		;
}

static void reply(struct supervisor *sup, struct service *s, uint32_t events)
{
	char data[PROBE_REPLY_MAX], why[TEXT];
	bool eof = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	ssize_t n = recv(s->probe.fd, data, sizeof(data), MSG_PEEK);
	int more = (int)n + 1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !eof)
		return;
	if (n < 0) {
		failed_by(sup, s, "read the reply", errno);
		return;
	}
	switch (probe_judge(s->spec.health, data, (size_t)n, eof || n == 0, why)) {
	case PROBE_PASS:
		discard(s->probe.fd);
		passed(sup, s);
		break;
	case PROBE_FAIL:
		discard(s->probe.fd);
		failed(sup, s, why);
		break;
	case PROBE_MORE:
		/* The bytes stay in the socket, which needs no buffer here; it speaks up
		 * again when there are more of them. */
		setsockopt(s->probe.fd, SOL_SOCKET, SO_RCVLOWAT, &more, sizeof(more));
		break;
	}
}

void health_io(struct supervisor *sup, struct service *s, uint32_t events)
{
	switch ((enum probe_phase)s->probe.phase) {
	case PROBE_IDLE:
		break;
	case PROBE_CONNECT:
		connected(sup, s);
		break;
	case PROBE_REPLY:
		reply(sup, s, events);
		break;
	case PROBE_EXEC:
		hear(s);
		break;
	}
}

void health_helper_ended(struct supervisor *sup, struct service *s, int status)
{
	char why[TEXT];

	s->probe.pid = 0;
	hear(s);
	if (status == 0) {
		passed(sup, s);
		return;
	}
	text_copy(why, sizeof(why), s->probe.text, s->probe.text_len);
	if (why[0])
		failed(sup, s, why);
	else
		failed_by(sup, s, "the healthcheck failed", 0);
}
