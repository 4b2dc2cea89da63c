/*
 * supervisor/main.c - minibox-supervisor STACK_DIR LOG_DIR [SOCKET PATIENCE_MS]: keeper
 * and supervisor; the latter two are a service manager's, see watchdog.h.
 *
 * Two processes on the same pages: the keeper starts the supervisor again at once when it
 * dies, since a FIFO that nobody reads blocks the services. Descriptor 3 is the ready
 * pipe: "1" when the socket listens, else a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/adopt.h"
#include "runtime/supervisor/control.h"
#include "runtime/supervisor/journal.h"
#include "runtime/supervisor/loop.h"
#include "runtime/supervisor/note.h"
#include "runtime/supervisor/serve.h"
#include "runtime/supervisor/specfile.h"
#include "runtime/supervisor/terminal.h"
#include "runtime/supervisor/text.h"
#include "runtime/supervisor/watchdog.h"

enum { READY_FD = 3, LOCK_TRIES = 50, CALM_NS = 1000000000 };

static void pause_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static int give_up(const struct supervisor *sup, int ready, const char *why, int code)
{
	char text[200];
	struct text t = text_over(text, sizeof(text));

	text_str(&t, why);
	if (code) {
		text_str(&t, ": error ");
		text_num(&t, (uint64_t)code);
	}
	note(sup, NULL, text, 0);
	(void)!write(ready, text, strlen(text));
	return 1;
}

/* Many services need many descriptors: six each, or eight. */
static void raise_limits(void)
{
	struct rlimit r;

	if (prlimit(0, RLIMIT_NOFILE, NULL, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	(void)prlimit(0, RLIMIT_NOFILE, &r, NULL);
}

static int open_events(struct supervisor *sup)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sup->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Blocked, not ignored: a helper would inherit the latter through execve. */
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sup->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sup->epoll < 0 || sup->signals < 0)
		return -errno;
	loop_watch(sup, sup->signals, TOKEN_SIGNAL, 0, EPOLLIN);
	for (unsigned i = 0; i < CLIENTS; i++)
		sup->client[i].fd = -1;
	return 0;
}

static void tell_pid(int lock)
{
	char pid[24];
	struct text t = text_over(pid, sizeof(pid));

	text_num(&t, (uint64_t)getpid());
	text_str(&t, "\n");
	if (ftruncate(lock, 0) == 0)
		(void)!pwrite(lock, pid, strlen(pid), 0);
}

static int supervise(int logs, int lock, int ready, const int store[2],
		     const struct watchdog *w)
{
	struct supervisor *sup = mmap(NULL, sizeof(*sup), PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char why[160];
	int r;

	if (sup == MAP_FAILED)
		return 1;
	sup->logs = logs;
	memcpy(sup->store, store, sizeof(sup->store));
	sup->beat = w->beat;
	sup->beat_ms = w->period_ms;
	prctl(PR_SET_NAME, "minibox-supervisor", 0, 0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	raise_limits();
	tell_pid(lock);
	r = open_events(sup);
	if (r < 0)
		return give_up(sup, ready, "cannot make its event descriptors", -r);
	if (specfile_load(sup, why, sizeof(why)) < 0)
		return give_up(sup, ready, why, 0);
	journal_begin(sup);
	adopt_all(sup);
	r = control_listen(sup);
	if (r < 0)
		return give_up(sup, ready, "cannot listen on '.control'", -r);
	(void)!write(ready, "1", 1);
	loop_close(&ready);
	loop_run(sup);
	unlink(".control");
	return 0;
}

/* The end of the supervisor is waited for by its signal where hanging is watched for. */
static void hold_sigchld(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int keep(int logs, int lock, int ready, const struct watchdog *w)
{
	int store[2] = { -1, -1 };
	long delay_ms = 0;

	/* Without it terminals only end with their supervisor. */
	(void)terminal_store(store);
	if (w->beat)
		hold_sigchld();

	for (bool first = true;; first = false) {
		uint64_t begun = proc_now_ns();
		int pid = _Fork(), status; /* without what fork() does for threads */

		if (pid == 0)
			return supervise(logs, lock, ready, store, w);
		loop_close(&ready); /* only its first life is waited for */
		status = pid > 0 ? watchdog_wait(w, pid) : 1;
		if (status == 0 || (first && !WIFSIGNALED(status)))
			return status != 0;
		/* At once, but for one that cannot live. */
		delay_ms = proc_now_ns() - begun > CALM_NS ? 0 : delay_ms * 2 + 1;
		pause_ms(delay_ms > 1000 ? 1000 : delay_ms - 1);
	}
}

/* Somebody who only looks whether a supervisor lives holds the lock for an instant, too.
 */
static int take_lock(void)
{
	int fd = open(".supervisor", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		pause_ms(2);
	}
	return -1;
}

int main(int argc, char **argv)
{
	int ready = fcntl(READY_FD, F_SETFD, FD_CLOEXEC) < 0 ? -1 : READY_FD;
	struct watchdog w;
	int logs, lock;

	if (argc != 3 && argc != 5)
		return 2;
	if (strcmp(argv[1], "--serve") == 0) /* a stack's directory is absolute */
		return serve(argv[2]);
	logs = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (logs < 0 || chdir(argv[1]) < 0)
		return 1;
	lock = take_lock();
	if (lock < 0) { /* another one lives: what was asked for is so */
		(void)!write(ready, "1", 1);
		return 0;
	}
	prctl(PR_SET_NAME, "minibox-keeper", 0, 0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	watchdog_open(&w, argc > 3 ? argv[3] : NULL, argc > 3 ? argv[4] : NULL);
	return keep(logs, lock, ready, &w);
}
