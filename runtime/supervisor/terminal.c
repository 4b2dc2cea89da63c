/* supervisor/terminal.c - see terminal.h. Knows no containers. */
#include "runtime/supervisor/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/supervisor/logpump.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/note.h"
#include "runtime/supervisor/status.h"

enum {
	FDS = 2, /* master, FIFO */
	PIECE = 65536,
	TURNS = 16,        /* then others are heard as well */
	LAST_TURNS = 4096, /* a terminal holds far less */
	STORE_BYTES = 4 << 20,
};

/* One message of the store; "": a mark, by which a round knows where it began. */
struct kept {
	char service[SUP_NAME];
	int32_t pid;
	uint64_t start_time;
};

int terminal_store(int ret_store[2])
{
	const int bytes = STORE_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       ret_store) < 0)
		return -errno;
	/* a limit, for 512 of them; where it is refused there is room for some hundred */
	(void)setsockopt(ret_store[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	return 0;
}

/* @fds: FDS of them, -1 where less came; with MSG_PEEK they are copies. */
static ssize_t receive(int sock, void *data, size_t n, int *fds, int flags)
{
	union {
		struct cmsghdr head; /* for its alignment */
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t r = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);

	for (int i = 0; i < FDS; i++)
		fds[i] = -1;
	c = r >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return r;
}

ssize_t terminal_report(int sock, struct sup_launch_report *ret, int *ret_master)
{
	int fds[FDS];
	ssize_t n = receive(sock, ret, sizeof(*ret), fds, 0);

	loop_close(&fds[1]);
	*ret_master = fds[0];
	return n;
}

static bool put(const struct supervisor *sup, const struct kept *k, const int *fds)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)k, .iov_len = sizeof(*k) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(FDS * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, FDS * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(sup->store[0], &msg, MSG_NOSIGNAL) == sizeof(*k);
}

/* Is this message the one that @s may have of its present process? */
static bool is_of(const struct kept *k, const struct service *s)
{
	return s->tty < 0 && k->pid == s->st.pid && k->start_time == s->st.start_time;
}

/*
 * Each message is put behind the others before it is taken from the front, so that a kill
 * leaves one too many and never one too few. Of @s, whose terminal is wanted or has gone,
 * one at most stays.
 */
static void go_round(const struct supervisor *sup, struct service *s, bool want)
{
	const struct kept mark = { .pid = getpid() };
	int fds[FDS], none[FDS];
	struct kept k;
	bool done;

	if (!put(sup, &mark, NULL))
		return;
	do {
		bool ours, keep, full;

		if (receive(sup->store[1], &k, sizeof(k), fds, MSG_PEEK) != sizeof(k))
			return;
		done = !k.service[0] && k.pid == mark.pid;
		ours = strcmp(k.service, s->spec.name) == 0;
		keep = k.service[0] && (!ours || (want && is_of(&k, s)));
		full = keep && !put(sup, &k, fds);
		if (ours && keep) {
			s->tty = fds[0];
			s->tty_out = fds[1];
		} else {
			loop_close(&fds[0]);
			loop_close(&fds[1]);
		}
		if (full)
			return;
		(void)receive(sup->store[1], &k, sizeof(k), none, 0);
		loop_close(&none[0]);
		loop_close(&none[1]);
	} while (!done);
}

/* By edges: a terminal that nobody has open says so for ever, and may be opened again. */
static void watch(struct supervisor *sup, struct service *s)
{
	loop_watch(sup, s->tty, TOKEN_TTY, service_slot(sup, s), EPOLLIN | EPOLLET);
}

void terminal_begin(struct supervisor *sup, struct service *s, int master)
{
	struct kept k = { .pid = s->st.pid, .start_time = s->st.start_time };
	char path[SUP_NAME + 16];

	memcpy(k.service, s->spec.name, sizeof(k.service));
	status_path(s, "stdout", path, sizeof(path));
	s->tty = master;
	s->tty_out = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	(void)fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	if (s->tty_out < 0 || !put(sup, &k, (const int[FDS]){ s->tty, s->tty_out }))
		note(sup, s->spec.name,
		     "its terminal will end with this supervisor; error",
		     (uint64_t)errno);
	watch(sup, s);
}

void terminal_adopt(struct supervisor *sup, struct service *s)
{
	go_round(sup, s, true);
	if (s->tty >= 0)
		watch(sup, s);
}

/* Return: more may be there. */
static bool move_turns(struct supervisor *sup, struct service *s, int turns)
{
	while (turns-- > 0) {
		if (splice(s->tty, NULL, s->tty_out, NULL, PIECE, SPLICE_F_NONBLOCK) <= 0)
			return false; /* EIO: nobody has it open now */
		while (logpump_move(sup, s, 0))
			;
	}
	return true;
}

void terminal_move(struct supervisor *sup, struct service *s)
{
	if (s->tty >= 0 && move_turns(sup, s, TURNS))
		loop_change(sup, s->tty, TOKEN_TTY, service_slot(sup, s),
			    EPOLLIN | EPOLLET);
}

void terminal_end(struct supervisor *sup, struct service *s)
{
	if (s->tty < 0)
		return;
	move_turns(sup, s, LAST_TURNS);
	loop_close(&s->tty);
	loop_close(&s->tty_out);
	go_round(sup, s, false);
}
