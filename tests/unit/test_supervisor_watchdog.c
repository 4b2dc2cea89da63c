/* The real minibox-supervisor as a unit's main process: what it tells, and what becomes
 * of one that hangs. */
#include "tests/lib/fakestack.h"

#include <sys/socket.h>
#include <sys/un.h>

#define FOREVER "exec sleep 1000\n"

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(path);

	memcpy(at.sun_path, path, n);
	if (*path == '@')
		at.sun_path[0] = '\0';
	CHECK(bind(fd, (struct sockaddr *)&at,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0);
	return fd;
}

/* Messages that are there now; all must be @want. */
static unsigned drain(int fd, const char *want)
{
	char text[64];
	unsigned count = 0;
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
		text[n] = '\0';
		CHECK_STR(text, want);
		count++;
	}
	return count;
}

static void await_message(int fd, const char *want)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 20000) == 1);
	CHECK(drain(fd, want) > 0);
}

static int await_another(struct fakestack *f, int old)
{
	int now = old;

	for (int i = 0; i < 4000 && (now == old || now <= 1); i++) {
		usleep(5000);
		now = fake_supervisor_pid(f);
	}
	CHECK(now != old && now > 1);
	return now;
}

TEST(notify_speaks_to_paths_and_abstract_names)
{
	AUTO_FREE char *path = str_fmt("/tmp/minibox-test-%d.notify", getpid());
	AUTO_FREE char *name = str_fmt("@minibox-test-%d", getpid());
	int fd = listen_at(path), abstract = listen_at(name);

	CHECK_INT(sup_notify(path, "READY=1", true), 0);
	await_message(fd, "READY=1");
	CHECK_INT(sup_notify(name, "STATUS=x", false), 0);
	await_message(abstract, "STATUS=x");
	/* A queue that nobody reads is full some time: never waited for. */
	for (int i = 0, r = 0; r == 0; i++) {
		CHECK(i < 100000);
		r = sup_notify(path, "WATCHDOG=1", false);
		CHECK(r == 0 || r == -EAGAIN);
	}
	unlink(path);
	CHECK_INT(sup_notify(path, "READY=1", true), -ENOENT);
	CHECK_INT(sup_notify("/", "READY=1", true), -EINVAL);
}

TEST(watchdog_hears_of_a_supervisor_that_turns_and_replaces_one_that_hangs)
{
	struct fakestack f = fake_stack();
	AUTO_FREE char *path = str_fmt("%s/notify", f.base);
	struct sup_unit unit = { .socket = path, .watchdog_ms = 2000 };
	int fd = listen_at(path), old, keeper;
	struct sup_status st;
	struct err e = ERR_INIT;
	pid_t named = 0;

	fake_service(&f, "stays", FOREVER);
	f.unit = &unit;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	st = fake_wait(&f, "stays", SUP_RUNNING);
	await_message(fd, "WATCHDOG=1");
	old = fake_supervisor_pid(&f);
	keeper = fake_parent(old);
	CHECK_OK(sup_keeper(f.stack, &named, &e), &e);
	CHECK_INT(named, keeper);

	CHECK(kill(old, SIGSTOP) == 0);
	usleep(700000); /* what was said before */
	(void)drain(fd, "WATCHDOG=1");
	old = await_another(&f, old);
	CHECK_INT(fake_parent(old), keeper);
	await_message(fd, "WATCHDOG=1");
	CHECK(proc_start_time(st.pid) == st.start_time);

	/* As before it sees at once to one that was killed. */
	CHECK(kill(old, SIGKILL) == 0);
	old = await_another(&f, old);
	CHECK_INT(fake_parent(old), keeper);
	fake_reconnect(&f);
	fake_down(&f);
}

TEST(watchdog_says_nothing_where_nobody_asked)
{
	struct fakestack f = fake_stack();
	AUTO_FREE char *path = str_fmt("%s/notify", f.base);
	struct sup_unit unit = { .socket = path };
	int fd = listen_at(path), old;

	fake_service(&f, "stays", FOREVER);
	f.unit = &unit;
	fake_up(&f);
	fake_call(&f, SUP_OP_UP, "");
	fake_wait(&f, "stays", SUP_RUNNING);
	old = fake_supervisor_pid(&f);
	CHECK(kill(old, SIGSTOP) == 0);
	usleep(1000000);
	CHECK_INT(fake_supervisor_pid(&f), old);
	CHECK(kill(old, SIGCONT) == 0);
	fake_down(&f);
	CHECK_INT(drain(fd, ""), 0);
}
