/* supervisor/control.c - see control.h. */
#include "runtime/supervisor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/conduct.h"
#include "runtime/supervisor/depends.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/specfile.h"
#include "runtime/supervisor/text.h"

int control_listen(struct supervisor *sup)
{
	static const struct sockaddr_un at = { .sun_family = AF_UNIX,
					       .sun_path = ".control" };

	unlink(at.sun_path); /* of one that was killed; the lock says that none lives */
	sup->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sup->listener < 0 ||
	    bind(sup->listener, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    chmod(at.sun_path, 0600) < 0 || listen(sup->listener, CLIENTS) < 0)
		return -errno;
	loop_watch(sup, sup->listener, TOKEN_LISTEN, 0, EPOLLIN);
	return 0;
}

static void drop_client(struct supervisor *sup, uint32_t slot)
{
	loop_close(&sup->client[slot].fd);
	sup->watching &= ~(1u << slot);
	for (unsigned i = 0; i < PENDING; i++)
		if (sup->pending[i].op && sup->pending[i].client == slot)
			sup->pending[i].op = 0;
}

void control_accept(struct supervisor *sup)
{
	int fd = accept4(sup->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (sup->client[i].fd >= 0)
			continue;
		sup->client[i].fd = fd;
		loop_watch(sup, fd, TOKEN_CLIENT, i, EPOLLIN);
		return;
	}
	close(fd);
}

static void send_event(struct supervisor *sup, uint32_t client, enum sup_event_type type,
		       uint32_t id, const struct service *s, const char *why)
{
	struct sup_event ev = { .type = type, .id = id, .wall_ns = proc_wall_ns() };
	struct text t = text_over(ev.text, sizeof(ev.text));
	int fd = sup->client[client].fd;

	if (s) {
		ev.state = s->st.state;
		ev.exit_status = s->st.exit_status;
		memcpy(ev.service, s->spec.name, sizeof(ev.service));
	}
	text_str(&t, why ? why : s ? s->st.text : "");
	if (fd >= 0 && send(fd, &ev, sizeof(ev), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		drop_client(sup, client);
}

void control_announce(struct supervisor *sup, const struct service *s)
{
	for (uint32_t i = 0; i < CLIENTS; i++)
		if (sup->watching & 1u << i)
			send_event(sup, i, SUP_EV_STATE, 0, s, NULL);
}

/* Requests that are answered later; false: too many. */
static bool keep(struct supervisor *sup, uint32_t client, const struct sup_request *req,
		 uint32_t slot)
{
	for (unsigned i = 0; i < PENDING; i++) {
		if (sup->pending[i].op)
			continue;
		sup->pending[i] = (struct pending){ req->id, (uint16_t)req->op,
						    (uint16_t)client, (uint16_t)slot };
		return true;
	}
	return false;
}

static void request_one(struct supervisor *sup, const struct sup_request *req,
			struct service *s)
{
	switch (req->op) {
	case SUP_OP_UP:
		conduct_want(sup, s);
		break;
	case SUP_OP_STOP:
		conduct_stop(sup, s, req->arg, AFTER_IDLE);
		break;
	case SUP_OP_RESTART:
		s->st.wanted = 1;
		if (s->st.state == SUP_CREATED || s->st.state == SUP_EXITED)
			conduct_want(sup, s);
		else
			conduct_stop(sup, s, req->arg, AFTER_START);
		break;
	case SUP_OP_PAUSE:
		conduct_fire(sup, s, EV_PAUSE);
		break;
	case SUP_OP_UNPAUSE:
		conduct_fire(sup, s, EV_UNPAUSE);
		break;
	default:
		break;
	}
}

/* "" means all; of UP: those that are not wanted, or that failed for good. */
static bool is_meant(const struct sup_request *req, const struct service *s)
{
	if (!s->spec.name[0])
		return false;
	if (req->service[0])
		return strcmp(req->service, s->spec.name) == 0;
	return req->op != SUP_OP_UP || !s->st.wanted || s->stop_pending ||
	       (s->st.state == SUP_EXITED && s->st.exit_status != 0);
}

static const char *serve_services(struct supervisor *sup, const struct sup_request *req,
				  uint32_t *ret_slot)
{
	bool any = false;

	*ret_slot = ALL_SERVICES;
	for (uint32_t i = 0; i < sup->n; i++) {
		struct service *s = &sup->service[i];

		if (!is_meant(req, s))
			continue;
		any = true;
		if (req->service[0])
			*ret_slot = i;
		if (req->op != SUP_OP_KILL)
			request_one(sup, req, s);
		else if (s->st.pid && conduct_signal(s, (int)req->arg) < 0)
			return "cannot send that signal";
		else if (!s->st.pid && req->service[0])
			return "it does not run";
	}
	return any || !req->service[0] ? NULL : "no such service";
}

static void serve(struct supervisor *sup, uint32_t client, const struct sup_request *req)
{
	const char *why = NULL;
	char reason[160];
	uint32_t slot = ALL_SERVICES;

	switch (req->op) {
	case SUP_OP_QUIT:
		sup->quitting = true;
		break;
	case SUP_OP_WATCH:
		sup->watching |= 1u << client;
		break;
	case SUP_OP_RELOAD:
		why = specfile_load(sup, reason, sizeof(reason)) < 0 ? reason : NULL;
		break;
	case SUP_OP_UP:
	case SUP_OP_STOP:
	case SUP_OP_RESTART:
	case SUP_OP_KILL:
	case SUP_OP_PAUSE:
	case SUP_OP_UNPAUSE:
		why = serve_services(sup, req, &slot);
		break;
	default:
		why = "unknown request";
	}
	if (!why && (req->op == SUP_OP_STOP || req->op == SUP_OP_RESTART)) {
		sup->unsettled = true; /* it may be true already */
		if (keep(sup, client, req, slot))
			return;
		why = "too many requests at once";
	}
	send_event(sup, client, why ? SUP_EV_FAILED : SUP_EV_DONE, req->id,
		   slot == ALL_SERVICES ? NULL : &sup->service[slot], why);
}

void control_receive(struct supervisor *sup, uint32_t slot)
{
	struct sup_request req;
	ssize_t n;

	if (sup->client[slot].fd < 0)
		return;
	n = recv(sup->client[slot].fd, &req, sizeof(req), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(req)) {
		drop_client(sup, slot);
		return;
	}
	req.service[sizeof(req.service) - 1] = '\0';
	serve(sup, slot, &req);
}

enum outcome { OPEN, DONE, FAILED };

static enum outcome outcome_of(const struct supervisor *sup, const struct service *s,
			       uint32_t op)
{
	const struct service *dep;

	if (s->stop_pending)
		return OPEN;
	if (op == SUP_OP_STOP && !service_is_live(s))
		return DONE;
	if (op == SUP_OP_STOP && s->st.state != SUP_STOPPING)
		return FAILED; /* somebody else has started it again */
	if (op == SUP_OP_STOP)
		return s->after == AFTER_IDLE ? OPEN : FAILED;
	switch (s->st.state) {
	case SUP_RUNNING:
	case SUP_HEALTHY:
	case SUP_UNHEALTHY:
	case SUP_PAUSED:
		return DONE;
	case SUP_CREATED:
	case SUP_EXITED:
		return FAILED;
	case SUP_WAITING:
		return depends_may_start(sup, s, &dep) == DEPENDS_IMPOSSIBLE ? FAILED
									     : OPEN;
	default:
		return OPEN;
	}
}

static enum outcome outcome_of_all(const struct supervisor *sup, uint32_t op,
				   const struct service **ret_s)
{
	enum outcome worst = DONE;

	for (uint32_t i = 0; i < sup->n; i++) {
		enum outcome o;

		if (!sup->service[i].spec.name[0])
			continue;
		o = outcome_of(sup, &sup->service[i], op);
		if (o == OPEN)
			return OPEN;
		if (o == FAILED && op == SUP_OP_RESTART &&
		    sup->service[i].st.exit_status == 0 && sup->service[i].st.ended)
			continue; /* a short program that has done its work again */
		if (o == FAILED) {
			worst = FAILED;
			*ret_s = &sup->service[i];
		}
	}
	return worst;
}

void control_settle(struct supervisor *sup)
{
	for (unsigned i = 0; i < PENDING; i++) {
		struct pending p = sup->pending[i];
		const struct service *s = NULL;
		enum outcome o;

		if (!p.op)
			continue;
		if (p.service == ALL_SERVICES) {
			o = outcome_of_all(sup, p.op, &s);
		} else {
			s = &sup->service[p.service];
			o = outcome_of(sup, s, p.op);
		}
		if (o == OPEN)
			continue;
		sup->pending[i].op = 0;
		send_event(sup, p.client, o == DONE ? SUP_EV_DONE : SUP_EV_FAILED, p.id,
			   s,
			   o == FAILED && p.op == SUP_OP_STOP ? "it was started again"
							      : NULL);
	}
}

void control_forget(struct supervisor *sup, uint32_t slot)
{
	for (unsigned i = 0; i < PENDING; i++) {
		struct pending p = sup->pending[i];

		if (!p.op || p.service != slot)
			continue;
		sup->pending[i].op = 0;
		send_event(sup, p.client, SUP_EV_FAILED, p.id, NULL, "it was removed");
	}
}
