/*
 * tests/lib/fakestack.h - a stack without containers for tests of the supervisor.
 *
 * The test program is its own "minibox": started with _launch, _health or _refresh it
 * runs the shell text in RUN/STACK/SERVICE/{cmd,health,refresh} and never reaches the
 * harness. Every such call is noted in RUN/STACK/calls. A guardian kills what a failed
 * test leaves.
 */
#ifndef FAKESTACK_H
#define FAKESTACK_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/supervisor.h"
#include "tests/lib/test.h"

enum { FAKE_SERVICES = 8 };

struct fakestack {
	char base[128], exe_dir[512];
	int run, stack, logs, sock;
	int guard; /* closed by our death */
	struct sup_header head;
	struct sup_service service[FAKE_SERVICES];
	const struct sup_unit *unit; /* NULL: started by nobody's unit */
};

/* ---- the fake minibox ---- */

static void fake_note(const char *verb, const char *service)
{
	char line[160];
	int fd = open("calls", O_WRONLY | O_CREAT | O_APPEND, 0600);
	int n = snprintf(line, sizeof(line), "%s %s\n", verb, service);

	if (write(fd, line, (size_t)n) != n)
		_exit(125);
	close(fd);
}

/* As minibox-init does: forward signals, leave the main process's wait status in a file.
 */
static void fake_init(const char *cmd)
{
	char text[16];
	sigset_t all;
	int main_pid, pid, st = 0, sig, fd, n;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	main_pid = fork();
	if (main_pid == 0) {
		sigemptyset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		execl("/bin/sh", "sh", cmd, (char *)NULL);
		_exit(127);
	}
	for (;;) {
		sigwait(&all, &sig);
		if (sig != SIGCHLD) {
			kill(main_pid, sig);
			continue;
		}
		while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
			if (pid != main_pid)
				continue;
			n = snprintf(text, sizeof(text), "%d\n", st);
			fd = open("exit", O_WRONLY | O_CREAT | O_TRUNC, 0600);
			_exit(pwrite(fd, text, (size_t)n, 0) == n
				      ? WIFEXITED(st) ? WEXITSTATUS(st)
						      : 128 + WTERMSIG(st)
				      : 125);
		}
	}
}

static void fake_container(void)
{
	int out = open("stdout", O_RDWR), err = open("stderr", O_RDWR);

	setsid();
	if (out < 0 || err < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(125);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	if (access("noinit", F_OK) < 0)
		fake_init("cmd");
	execl("/bin/sh", "sh", "cmd", (char *)NULL);
	_exit(127);
}

static void fake_launch(const char *service)
{
	struct sup_launch_report rep = { 0 };

	if (mkfifo("stdout", 0622) < 0 && errno != EEXIST)
		_exit(125);
	if (mkfifo("stderr", 0622) < 0 && errno != EEXIST)
		_exit(125);
	if (access("hang", F_OK) == 0)
		pause();
	if (access("cmd", F_OK) < 0) {
		rep.exit_code = 127;
		snprintf(rep.text, sizeof(rep.text), "exec '%s': No such file", service);
	} else {
		rep.pid = fork();
		if (rep.pid == 0)
			fake_container();
		rep.start_time = proc_start_time(rep.pid);
	}
	_exit(write(3, &rep, sizeof(rep)) == sizeof(rep) ? 0 : 1);
}

__attribute__((constructor)) static void fake_minibox(int argc, char **argv)
{
	const char *run = getenv("MINIBOX_RUN");

	if (argc != 4 || argv[1][0] != '_')
		return;
	if (!run || chdir(run) < 0 || chdir(argv[2]) < 0)
		_exit(125);
	fake_note(argv[1] + 1, argv[3]);
	if (chdir(argv[3]) < 0)
		_exit(125);
	if (strcmp(argv[1], "_launch") == 0)
		fake_launch(argv[3]);
	execl("/bin/sh", "sh", argv[1] + 1, (char *)NULL);
	_exit(127);
}

/* ---- the stack ---- */

__attribute__((unused)) static struct sup_service *
fake_service(struct fakestack *f, const char *name, const char *cmd)
{
	struct sup_service *s = &f->service[f->head.n_services++];
	struct err e = ERR_INIT;
	AUTO_CLOSE int dir = -1;

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->instance = 1;
	s->stop_signal = SIGTERM;
	s->stop_grace_ms = 5000;
	s->health_interval_ms = 200;
	s->health_timeout_ms = 2000;
	s->health_retries = 3;
	s->log_segment_bytes = 1 << 20;
	s->log_segments = 3;
	CHECK_OK(fd_mkdir(f->stack, name, 0700, &dir, &e), &e);
	/* as the program makes them: before the supervisor looks for them */
	CHECK((mkfifoat(dir, "stdout", 0622) == 0 || errno == EEXIST) &&
	      (mkfifoat(dir, "stderr", 0622) == 0 || errno == EEXIST));
	if (cmd)
		CHECK_OK(fd_write_file(dir, "cmd", cmd, strlen(cmd), 0700, &e), &e);
	return s;
}

__attribute__((unused)) static void fake_depends(struct fakestack *f,
						 struct sup_service *s,
						 const struct sup_service *dep,
						 enum sup_condition c)
{
	s->deps[s->n_deps++] =
		(struct sup_dep){ (uint16_t)(dep - f->service), (uint16_t)c };
}

static void fake_write(struct fakestack *f, const char *path, const char *text)
{
	AUTO_CLOSE int fd =
		openat(f->stack, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

__attribute__((unused)) static char *fake_read(struct fakestack *f, const char *path)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	if (fd_read_file(f->stack, path, 1 << 24, &b, &e) < 0)
		return str_dup("");
	return buf_take(&b);
}

static int fake_supervisor_pid(struct fakestack *f)
{
	AUTO_FREE char *text = fake_read(f, ".supervisor");

	return atoi(text);
}

static int fake_parent(int pid)
{
	char path[40], line[512], *p;
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	p = strrchr(line, ')');
	return p ? atoi(p + 4) : 0;
}

__attribute__((unused)) static struct sup_status fake_status(struct fakestack *f,
							     const char *name)
{
	struct sup_status st;
	struct err e = ERR_INIT;

	CHECK_OK(sup_status_read(f->stack, name, &st, &e), &e);
	return st;
}

static void fake_kill_all(struct fakestack *f)
{
	int pid = fake_supervisor_pid(f), keeper = pid > 1 ? fake_parent(pid) : 0;

	if (keeper > 1)
		kill(keeper, SIGKILL);
	if (pid > 1 && fake_parent(pid) > 0)
		kill(pid, SIGKILL);
	for (uint32_t i = 0; i < f->head.n_services; i++) {
		struct sup_status st = fake_status(f, f->service[i].name);
		int fd = proc_pidfd_as(st.pid, st.start_time);

		if (fd >= 0)
			kill(-st.pid, SIGKILL);
	}
}

/* After the services have been described: write the spec, start, connect. */
__attribute__((unused)) static void fake_up(struct fakestack *f)
{
	struct err e = ERR_INIT;
	int fds[2];
	char c;

	CHECK_OK(sup_spec_write(f->stack, &f->head, f->service, &e), &e);
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	if (fork() == 0) {
		close(fds[1]);
		setsid();
		if (read(fds[0], &c, 1) == 0)
			fake_kill_all(f);
		_exit(0);
	}
	close(fds[0]);
	f->guard = fds[1];
	CHECK_OK(sup_start(f->exe_dir, f->run, f->head.stack, NULL, NULL, f->unit, &e),
		 &e);
	CHECK(sup_alive(f->stack));
	CHECK_OK(sup_connect(f->stack, &f->sock, &e), &e);
}

__attribute__((unused)) static void fake_call(struct fakestack *f, enum sup_op op,
					      const char *name)
{
	struct err e = ERR_INIT;

	CHECK_OK(sup_call(f->sock, op, name, -1, 20000, &e), &e);
}

/* Stop everything; nothing may be left. */
__attribute__((unused)) static void fake_down(struct fakestack *f)
{
	struct sup_event ev;

	fake_call(f, SUP_OP_STOP, "");
	fake_call(f, SUP_OP_QUIT, "");
	while (sup_next_event(f->sock, 5000, &ev) > 0)
		;
	for (int i = 0; i < 200 && sup_alive(f->stack); i++)
		usleep(10000);
	CHECK(!sup_alive(f->stack));
	CHECK(write(f->guard, "d", 1) == 1);
}

__attribute__((unused)) static void fake_reconnect(struct fakestack *f)
{
	struct err e = ERR_INIT;

	close(f->sock);
	CHECK_OK(sup_connect(f->stack, &f->sock, &e), &e);
}

__attribute__((unused)) static struct sup_status
fake_wait(struct fakestack *f, const char *name, enum sup_state want)
{
	struct sup_status st;

	for (int i = 0; i < 1000; i++) {
		st = fake_status(f, name);
		if (st.state == want)
			return st;
		usleep(10000);
	}
	test_fail(__FILE__, __LINE__, "%s is %s (%s), wanted %s", name,
		  sup_state_name(st.state), st.text, sup_state_name(want));
}

static struct fakestack fake_stack(void)
{
	struct fakestack f = { .sock = -1, .guard = -1 };
	struct err e = ERR_INIT;
	AUTO_CLOSE int dir = scratch_dir();
	const char *supervisor = getenv("MINIBOX_SUPERVISOR");
	char link[64], *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, f.base, sizeof(f.base) - 1);
	CHECK(n > 0);
	CHECK_OK(fd_mkdirs(dir, "run/app", 0700, &f.stack, &e), &e);
	CHECK_OK(fd_mkdir(dir, "run", 0700, &f.run, &e), &e);
	CHECK_OK(fd_mkdirs(dir, "root/logs/app", 0700, &f.logs, &e), &e);
	snprintf(f.head.stack, sizeof(f.head.stack), "app");
	snprintf(f.head.run_dir, sizeof(f.head.run_dir), "%s/run", f.base);
	snprintf(f.head.root_dir, sizeof(f.head.root_dir), "%s/root", f.base);
	n = readlink("/proc/self/exe", f.head.minibox, sizeof(f.head.minibox) - 1);
	CHECK(n > 0);
	snprintf(f.exe_dir, sizeof(f.exe_dir), "%s",
		 supervisor ? supervisor : f.head.minibox);
	slash = strrchr(f.exe_dir, '/');
	if (slash)
		snprintf(slash, 4, "%s", supervisor ? "" : "/..");
	fake_write(&f, "calls", "");
	return f;
}

#endif
