/*
 * tests/lib/parse_broken.c - a parser that was taken over: linked into minibox-parse in
 * place of job_entries(). The name of the archive's first entry says what it tries once
 * confined; it reports what came of it, if it lives to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "images/parse/job.h"

int __wrap_job_entries(const struct job_stream *s);

static long try_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long try_open_up(void)
{
	return open("../../../../../../etc/passwd", O_RDONLY);
}

static long try_openat2(void)
{
	unsigned long long how[3] = { O_RDONLY };

	return syscall(SYS_openat2, AT_FDCWD, "/", how, sizeof(how));
}

static long try_create(void)
{
	return open("here", O_WRONLY | O_CREAT, 0600);
}

static long try_mkdir(void)
{
	return mkdir("here", 0700);
}

static long try_unlink(void)
{
	return unlink("here");
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long try_memory(void)
{
	char c;
	struct iovec to = { &c, 1 }, from = { &c, 1 };

	return process_vm_readv(1, &to, 1, &from, 1, 0);
}

static long try_mount(void)
{
	return mount("none", "/", "tmpfs", 0, NULL);
}

static long try_chroot(void)
{
	return chroot(".");
}

static long try_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_root(void)
{
	return setresuid(0, 0, 0);
}

static long try_kill(void)
{
	return kill(1, 0);
}

static long try_exec(void)
{
	return execl("/bin/sh", "sh", NULL);
}

static long try_fork(void)
{
	return fork();
}

static long try_bpf(void)
{
	return syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0);
}

static long try_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long try_ring(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, WIRE_FD_SIDE, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long try_descriptor(void)
{
	for (int fd = WIRE_FD_SIDE + 1; fd < 4096; fd++)
		if (close(fd) == 0)
			return fd;
	errno = EBADF;
	return -1;
}

static long try_memory_limit(void)
{
	for (int i = 0; i < 64; i++)
		if (mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return -1;
	return 0;
}

#define TRY(name)                                                                        \
	{                                                                                \
#name, try_##name                                                        \
	}
static const struct {
	const char *name;
	long (*run)(void);
} tries[] = {
	TRY(open),   TRY(open_up),    TRY(openat2),      TRY(create), TRY(mkdir),
	TRY(unlink), TRY(socket),     TRY(unix),         TRY(ptrace), TRY(memory),
	TRY(mount),  TRY(chroot),     TRY(unshare),      TRY(root),   TRY(kill),
	TRY(exec),   TRY(fork),       TRY(bpf),          TRY(uring),  TRY(code),
	TRY(ring),   TRY(descriptor), TRY(memory_limit),
};

static int say(const struct job_stream *s, const char *text)
{
	struct {
		struct wire_message m;
		char text[64];
	} all = { 0 };
	size_t n = strlen(text);

	all.m.h.kind = WIRE_FAIL;
	all.m.link_n = 1;
	memcpy(all.text, text, n);
	all.m.name_n = (uint32_t)n + 1;
	all.m.h.size = (uint32_t)sizeof(all.m) + all.m.name_n + 1;
	return s->emit(s->arg, &all, all.m.h.size);
}

int __wrap_job_entries(const struct job_stream *s)
{
	const void *data = NULL;

	if (s->read(s->arg, 0, &data) < 100)
		return say(s, "no archive");
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		if (!str_eq(data, tries[i].name))
			continue;
		if (tries[i].run() >= 0)
			return say(s, "ESCAPED");
		return say(s, errno == EACCES   ? "refused"
			      : errno == ENOMEM ? "no memory"
			      : errno == EBADF  ? "nothing open"
						: "failed otherwise");
	}
	return say(s, "unknown attempt");
}
