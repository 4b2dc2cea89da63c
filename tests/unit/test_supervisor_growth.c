/* The real minibox-supervisor for long: probes, restarts and logs must leave neither a
 * page nor a descriptor behind. GROWTH=N does N times as much. */
#include "tests/lib/fakestack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { PROBES = 2000, RESTARTS = 200, LOG_MEGABYTES = 100, PROBED = 6 };

static const char *const probed[PROBED] = { "a", "b", "c", "d", "e", "f" };

struct weight {
	unsigned long dirty_kib, pss_kib, fds;
};

static unsigned long number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	CHECK(at);
	return strtoul(at + strlen(key), NULL, 10);
}

static struct weight weigh(struct fakestack *f)
{
	AUTO_STRV struct strv fds = STRV_INIT;
	AUTO_BUF struct buf b = BUF_INIT;
	int pid = fake_supervisor_pid(f);
	struct err e = ERR_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	CHECK_OK(fd_read_file(AT_FDCWD, path, 65536, &b, &e), &e);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	CHECK_OK(fd_list(AT_FDCWD, path, &fds, &e), &e);
	return (struct weight){ number(b.data, "\nPrivate_Dirty:"),
				number(b.data, "\nPss:"), fds.n };
}

static void wait_over(const volatile unsigned *count, unsigned least)
{
	for (int idle = 0; *count < least && idle < 5000; idle++) {
		unsigned was = *count;

		usleep(2000);
		if (*count != was)
			idle = 0;
	}
	CHECK(*count >= least);
}

/* A server that counts who connects. */
static unsigned short count_connections(volatile unsigned *count)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 64) == 0 &&
	      getsockname(fd, (void *)&a, &n) == 0);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			close(accept(fd, NULL, NULL));
			++*count;
		}
	}
	close(fd);
	return ntohs(a.sin_port);
}

static void add_probed(struct fakestack *f, volatile unsigned *count)
{
	unsigned short port = count_connections(count);

	for (int i = 0; i < PROBED; i++) {
		struct sup_service *s = fake_service(f, probed[i], "exec sleep 1000\n");

		s->health = SUP_HEALTH_TCP;
		s->health_port = port;
		s->address = htonl(INADDR_LOOPBACK);
		s->health_interval_ms = 1; /* as often as the supervisor is willing to */
	}
}

static void restart(struct fakestack *f, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		fake_call(f, SUP_OP_RESTART, "again");
}

static void write_log(struct fakestack *f, unsigned megabytes)
{
	char size[32];

	snprintf(size, sizeof(size), "%u", megabytes);
	fake_write(f, "talk/megabytes", size);
	fake_call(f, SUP_OP_UP, "talk");
	fake_wait(f, "talk", SUP_EXITED);
	CHECK_INT(fake_status(f, "talk").exit_status, 0);
}

TEST(probes_restarts_and_logs_leave_nothing_behind)
{
	unsigned factor = getenv("GROWTH") ? (unsigned)atoi(getenv("GROWTH")) : 1;
	volatile unsigned *probes = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fakestack f = fake_stack();
	struct sup_service *talk =
		fake_service(&f, "talk",
			     "yes 'a line of some length, as services write' | head -c "
			     "$(cat megabytes)000000\n");
	struct weight before, after;
	unsigned most;

	CHECK(probes != MAP_FAILED);
	alarm(factor > 1 ? 0 : 120); /* a long run is somebody's at a keyboard */
	fake_service(&f, "again", "exec sleep 1000\n");
	add_probed(&f, probes);
	talk->log_segments = 2;
	fake_up(&f);
	for (int i = 0; i < PROBED; i++)
		fake_call(&f, SUP_OP_UP, probed[i]);
	fake_call(&f, SUP_OP_UP, "again");
	fake_wait(&f, probed[0], SUP_HEALTHY);
	restart(&f, 10); /* each path once: its pages are there */
	write_log(&f, 5);
	before = weigh(&f);
	most = *probes + PROBES * factor;
	restart(&f, RESTARTS * factor);
	write_log(&f, LOG_MEGABYTES * factor);
	wait_over(probes, most);
	after = weigh(&f);
	printf("# %u probes: private dirty %lu, then %lu KiB; Pss %lu, then %lu; "
	       "descriptors %lu, then %lu\n",
	       *probes, before.dirty_kib, after.dirty_kib, before.pss_kib, after.pss_kib,
	       before.fds, after.fds);
	CHECK(after.dirty_kib <= before.dirty_kib);
	/* a probe may be under way */
	CHECK(after.fds <= before.fds + 1);
	fake_down(&f);
}
