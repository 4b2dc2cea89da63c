/* supervisor/client_call.c - requests to a running supervisor and events from it. */
#include "runtime/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/proc.h"

enum { CONNECT_TRIES = 200, CONNECT_PAUSE_NS = 10000000 };

static int try_connect(int stack_fd, int *ret_sock)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	/* The real path may be longer than sun_path. */
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/.control", stack_fd);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	*ret_sock = fd_take(&fd);
	return 0;
}

int sup_connect(int stack_fd, int *ret_sock, struct err *e)
{
	static const struct timespec pause = { .tv_nsec = CONNECT_PAUSE_NS };
	int r = try_connect(stack_fd, ret_sock);

	for (int i = 0; i < CONNECT_TRIES && (r == -ECONNREFUSED || r == -ENOENT); i++) {
		if (!sup_alive(stack_fd))
			break;
		nanosleep(&pause, NULL); /* its keeper is starting it again */
		r = try_connect(stack_fd, ret_sock);
	}
	return r < 0 ? err_set(e, -r, "connect to the supervisor's '.control'") : 0;
}

int sup_next_event(int sock, int timeout_ms, struct sup_event *ret)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	uint64_t end =
		proc_now_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000u;
	ssize_t n;
	int r;

	for (;;) {
		uint64_t now = proc_now_ns();
		int left = timeout_ms < 0 ? -1
			   : now >= end   ? 0
					  : (int)((end - now) / 1000000u) + 1;

		r = poll(&p, 1, left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return 0;
		if (r < 0)
			continue;
		n = recv(sock, ret, sizeof(*ret), MSG_DONTWAIT);
		if (n == sizeof(*ret))
			return 1;
		if (n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE)))
			return -EPIPE;
		if (n > 0)
			return -EPROTO;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

static int await(int sock, uint32_t id, uint64_t end, const char *service, struct err *e)
{
	struct sup_event ev;

	for (;;) {
		uint64_t now = proc_now_ns();
		int left = !end ? -1 : now >= end ? 0 : (int)((end - now) / 1000000u) + 1;
		int r = sup_next_event(sock, left, &ev);

		if (r == 0)
			return err_msg(e, ETIMEDOUT, "service '%s': timed out", service);
		if (r < 0)
			return err_set(e, -r, "service '%s': the supervisor went away",
				       service);
		if (ev.id != id || ev.type == SUP_EV_STATE)
			continue;
		if (ev.type == SUP_EV_DONE)
			return 0;
		ev.text[sizeof(ev.text) - 1] = '\0';
		return err_msg(e, EIO, "service '%.*s': %s", SUP_NAME - 1,
			       ev.service[0] ? ev.service : service, ev.text);
	}
}

int sup_call(int sock, enum sup_op op, const char *service, int64_t arg, int timeout_ms,
	     struct err *e)
{
	uint64_t now = proc_now_ns();
	struct sup_request req = { .op = op,
				   .id = (uint32_t)(now / 1000u) | 1u,
				   .arg = arg };

	if (strlen(service) >= sizeof(req.service))
		return err_msg(e, ENAMETOOLONG, "service '%s': name is too long",
			       service);
	memcpy(req.service, service, strlen(service));
	if (send(sock, &req, sizeof(req), MSG_NOSIGNAL) != sizeof(req))
		return err_set(e, errno, "send to the supervisor");
	return await(sock, req.id,
		     timeout_ms < 0 ? 0 : now + (uint64_t)timeout_ms * 1000000u, service,
		     e);
}
