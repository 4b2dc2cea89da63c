/* Sockets below another process's root: what counts as a listener, and no way out. */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "runtime/base/proc.h"
#include "runtime/supervisor/unixsock.h"

static int listen_at(int type, const char *path, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	if (backlog >= 0)
		CHECK(listen(fd, backlog) == 0);
	return fd;
}

/* A process whose root is the directory "root" of @base, where we stand. */
static int jailed(int *ret_pidfd)
{
	int fds[2], pid;
	char c;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (chroot("root") < 0 || write(fds[1], "r", 1) != 1)
			_exit(1);
		pause();
	}
	CHECK(read(fds[0], &c, 1) == 1);
	*ret_pidfd = proc_pidfd(pid);
	CHECK(*ret_pidfd >= 0);
	return pid;
}

TEST(listeners_of_every_type_are_found_and_only_they)
{
	AUTO_CLOSE int dir = scratch_dir();
	int pidfd, pid, gone, full;

	CHECK(fchdir(dir) == 0);
	CHECK(mkdir("root", 0755) == 0 && mkdir("root/run", 0755) == 0);
	pid = jailed(&pidfd);
	CHECK_INT(unixsock_try(pid, pidfd, "/run/none"), -ENOENT);
	listen_at(SOCK_STREAM, "root/run/stream", 5);
	listen_at(SOCK_SEQPACKET, "root/run/packet", 5);
	listen_at(SOCK_DGRAM, "root/run/gram", -1);
	CHECK_INT(unixsock_try(pid, pidfd, "/run/stream"), 0);
	CHECK_INT(unixsock_try(pid, pidfd, "/run/packet"), 0);
	CHECK_INT(unixsock_try(pid, pidfd, "/run/gram"), 0);
	gone = listen_at(SOCK_STREAM, "root/run/gone", 5);
	close(gone);
	CHECK_INT(unixsock_try(pid, pidfd, "/run/gone"), -ECONNREFUSED);
	close(open("root/run/file", O_CREAT | O_WRONLY, 0644));
	CHECK_INT(unixsock_try(pid, pidfd, "/run/file"), -ENOTSOCK);
	CHECK(mkfifo("root/run/fifo", 0644) == 0);
	CHECK_INT(unixsock_try(pid, pidfd, "/run/fifo"), -ENOTSOCK);
	/* Nobody accepts: as many connections as the queue takes, and then no waiting. */
	full = listen_at(SOCK_STREAM, "root/run/full", 0);
	for (int i = 0; i < 10 && unixsock_try(pid, pidfd, "/run/full") == 0; i++)
		;
	CHECK_INT(unixsock_try(pid, pidfd, "/run/full"), -EAGAIN);
	close(full);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(unixsock_try(pid, pidfd, "/run/stream") < 0);
	/* A number that lives, but as another process than the one that was meant. */
	CHECK_INT(unixsock_try(getpid(), pidfd, "/run/stream"), -ESRCH);
}

TEST(links_do_not_lead_out_of_the_root)
{
	AUTO_CLOSE int dir = scratch_dir();
	char path[512];
	int pidfd, pid;

	CHECK(fchdir(dir) == 0);
	CHECK(getcwd(path, sizeof(path) - 32) != NULL);
	CHECK(mkdir("root", 0755) == 0 && mkdir("root/run", 0755) == 0);
	listen_at(SOCK_STREAM, "outside", 5);
	listen_at(SOCK_STREAM, "root/run/in", 5);
	CHECK(symlink("../outside", "root/up") == 0);
	strcat(path, "/outside");
	CHECK(symlink(path, "root/absolute") == 0);
	CHECK(symlink("/run/in", "root/inside") == 0);
	CHECK(symlink("/run", "root/var") == 0);
	pid = jailed(&pidfd);
	CHECK_INT(unixsock_try(pid, pidfd, "/up"), -ENOENT);
	CHECK_INT(unixsock_try(pid, pidfd, "/../outside"), -ENOENT);
	CHECK_INT(unixsock_try(pid, pidfd, "/absolute"), -ENOENT);
	CHECK_INT(unixsock_try(pid, pidfd, "/inside"), 0);
	CHECK_INT(unixsock_try(pid, pidfd, "/var/in"), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
