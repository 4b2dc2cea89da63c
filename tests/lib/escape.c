/*
 * escape.c - tries to get out of the container that it runs in, and tells how it was
 * refused.
 *
 * Prints one line an attack: "NAME denied REASON"; "NAME ESCAPED" when it worked;
 * "NAME unexpected REASON" when it failed, but for another reason than the one that is to
 * refuse it. What works does no harm, so it can be run where nothing is refused. Knows
 * what a default service is to refuse, to root and to others. Linked statically: any
 * image will do.
 *
 *   escape [HOST_PID ABSTRACT_NAME]   all attacks; a process and a socket of the host
 *   escape watch SECONDS              spy on processes that join the container
 *   escape nested                     as root of a user namespace that it makes
 *   escape keep-exe                   keep the program that runs open, to write to it
 * later
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { REASONS = 3 };

struct attack {
	const char *name;
	int (*try)(void); /* 0: it worked, else the errno of the refusal */
	int root[REASONS], user[REASONS]; /* what refuses it; user: as root where empty */
};

static int host_pid = 1 << 20; /* no process of ours has such a number */
static const char *host_socket = "minibox-nobody-listens-here";

static const char *reason(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },
		{ EACCES, "EACCES" },
		{ EROFS, "EROFS" },
		{ ENOSYS, "ENOSYS" },
		{ ENOENT, "ENOENT" },
		{ ESRCH, "ESRCH" },
		{ ECONNREFUSED, "ECONNREFUSED" },
		{ ETXTBSY, "ETXTBSY" },
		{ ENOTTY, "ENOTTY" },
	};
	static char number[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].err == err)
			return names[i].name;
	snprintf(number, sizeof(number), "errno-%d", err);
	return number;
}

static bool expected(const int *reasons, int err)
{
	for (int i = 0; i < REASONS; i++)
		if (reasons[i] == err)
			return true;
	return false;
}

static void tell(const char *name, int err, bool right)
{
	if (err == 0)
		printf("%s ESCAPED\n", name);
	else
		printf("%s %s %s\n", name, right ? "denied" : "unexpected", reason(err));
}

/* ---- system calls ---- */
#define CALL(fn, ...)                                                                    \
	static int fn(void)                                                              \
	{                                                                                \
		return (__VA_ARGS__) < 0 ? errno : 0;                                    \
	}

static char scratch[4096];

CALL(try_bpf, syscall(SYS_bpf, 0, (uint32_t[18]){ 2, 4, 4, 1 }, 72))
CALL(try_perf, syscall(SYS_perf_event_open, (uint32_t[32]){ 1, 128 }, 0, -1, -1, 0))
CALL(try_userfaultfd, syscall(SYS_userfaultfd, O_CLOEXEC))
CALL(try_io_uring, syscall(SYS_io_uring_setup, 1, scratch))
CALL(try_add_key, syscall(SYS_add_key, "user", "escape", "x", 1, -2))
CALL(try_request_key, syscall(SYS_request_key, "user", "escape", NULL, -3))
CALL(try_keyctl, syscall(SYS_keyctl, 0, -3, 0)) /* the id of the session keyring */
CALL(try_kexec, syscall(SYS_kexec_load, 0, 0, NULL, 0))
CALL(try_delete_module, syscall(SYS_delete_module, "escape", O_NONBLOCK))
CALL(try_new_userns, unshare(CLONE_NEWUSER))
CALL(try_new_userns_etc, unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP))
CALL(try_new_mntns, unshare(CLONE_NEWNS))
CALL(try_new_netns, unshare(CLONE_NEWNET))
CALL(try_clone3, syscall(SYS_clone3, (uint64_t[8]){ CLONE_NEWUSER }, 4))
CALL(try_mount, mount("none", "/tmp", "tmpfs", 0, NULL))
CALL(try_mount_proc, mount("none", "/tmp", "proc", 0, NULL))
CALL(try_mount_cgroup, mount("none", "/tmp", "cgroup2", 0, NULL))
CALL(try_bind, mount("/", "/tmp", NULL, MS_BIND, NULL))
CALL(try_remount, mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL))
CALL(try_unmask, umount2("/proc/sys", MNT_DETACH))
CALL(try_fsopen, syscall(SYS_fsopen, "tmpfs", 0))
CALL(try_open_tree, syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* a clone */))
CALL(try_mount_setattr,
     syscall(SYS_mount_setattr, AT_FDCWD, "/proc/sys", 0, (uint64_t[4]){ 0, 1 }, 32))
CALL(try_disk_node, mknod("/tmp/escape-disk", S_IFBLK | 0600, makedev(8, 0)))
CALL(try_memory_node, mknod("/tmp/escape-mem", S_IFCHR | 0600, makedev(1, 1)))
CALL(try_syslog, syscall(SYS_syslog, 3, scratch, sizeof(scratch)))
CALL(try_alg, socket(AF_ALG, SOCK_SEQPACKET, 0))
CALL(try_vsock, socket(AF_VSOCK, SOCK_STREAM, 0))
CALL(try_raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
CALL(try_packet, socket(AF_PACKET, SOCK_RAW, 0x300))
CALL(try_personality, personality(ADDR_NO_RANDOMIZE))
CALL(try_clock, syscall(SYS_clock_settime, CLOCK_REALTIME, (int64_t[2]){ -1, -1 }))
CALL(try_hostname, sethostname("escape", 6))
CALL(try_swapon, syscall(SYS_swapon, "/tmp", 0))
CALL(try_acct, syscall(SYS_acct, NULL))
CALL(try_quota, syscall(SYS_quotactl, 0x800001 << 8, NULL, 0, scratch))
CALL(try_vhangup, syscall(SYS_vhangup))
CALL(try_kill_host, kill(host_pid, 0))
CALL(try_pidfd_host, syscall(SYS_pidfd_open, host_pid, 0))
CALL(try_ptrace_host, ptrace(PTRACE_SEIZE, host_pid, NULL, NULL))
CALL(try_limits_host, prlimit(host_pid, RLIMIT_CORE, NULL, NULL))
CALL(try_priority, setpriority(PRIO_PROCESS, 0, -20))
CALL(try_realtime, syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, (int[1]){ 1 }))
CALL(try_overlay_xattr, setxattr("/tmp", "trusted.overlay.opaque", "y", 1, 0))
CALL(try_move_pages, syscall(SYS_move_pages, 1, 0, NULL, NULL, NULL, 0))
CALL(try_parent_tty, ioctl(0, TIOCSTI, "x") < 0 ? ioctl(1, TIOCSTI, "x") : 0)

static int try_reboot(void)
{
	/* Bad magic numbers: EINVAL is how far one gets who may. */
	return syscall(SYS_reboot, 1, 2, 3, NULL) < 0 && errno != EINVAL ? errno : 0;
}

static int try_pivot_root(void)
{
	/* Onto itself: EBUSY or EINVAL is for who may. */
	return syscall(SYS_pivot_root, "/", "/") < 0 && errno == EPERM ? EPERM : 0;
}

static int try_module(void)
{
	/* ENOEXEC: it was looked at. */
	return syscall(SYS_init_module, scratch, 64, "") < 0 && errno != ENOEXEC ? errno
										 : 0;
}

/* As "shocker" did: any file of the file system by its number. */
static int try_file_handle(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char id[8];
	} handle = { 8, 1, { 2 } };
	int root = open("/", O_RDONLY | O_DIRECTORY);
	int err = syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY) < 0 ? errno : 0;

	close(root);
	return err == ESTALE ? 0 : err; /* looked for */
}

static int try_clone_userns(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid((pid_t)pid, NULL, 0);
	return 0;
}

static int try_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);
	int err = setns(fd, CLONE_NEWUTS) < 0 ? errno : 0;

	close(fd);
	return err;
}

/* The classic way out of a chroot; here it ends at the container's own root. */
static int try_chroot(void)
{
	struct stat before, after;

	if (stat("/", &before) < 0 || chroot("/tmp") < 0)
		return errno;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return errno;
	if (chroot(".") < 0 || stat("/", &after) < 0)
		return errno;
	return after.st_dev == before.st_dev && after.st_ino == before.st_ino ? EPERM : 0;
}

/* What root may do with raw sockets, it may do in its own network only. */
static int try_links(void)
{
	struct if_nameindex *all = if_nameindex(), *i;
	int foreign = 0;

	for (i = all; i && i->if_name; i++)
		if (strcmp(i->if_name, "lo") != 0 && strcmp(i->if_name, "eth0") != 0)
			foreign++;
	if_freenameindex(all);
	return foreign ? 0 : ENOENT;
}

static int try_host_socket(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), err;

	memcpy(to.sun_path + 1, host_socket, strlen(host_socket));
	err = connect(s, (struct sockaddr *)&to,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  strlen(host_socket))) < 0
		      ? errno
		      : 0;
	close(s);
	return err;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;

	if (fd < 0)
		return errno;
	err = *text && write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static int try_oom_score(void)
{
	return write_file("/proc/self/oom_score_adj", "-1000");
}

static int try_uid_map(void)
{
	return write_file("/proc/self/uid_map", "0 0 1\n");
}

static int try_init_memory(void)
{
	char word[8];
	const struct {
		void *at;
		size_t n;
	} here = { word, 8 }, there = { (void *)0x400000, 8 };

	return syscall(SYS_process_vm_readv, 1, &here, 1, &there, 1, 0) < 0 ? errno : 0;
}

#ifdef __x86_64__
static long int80(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}
/* The numbers are those of 32-bit programs. With them a filter can be gone around. */
static int try_32_mount(void)
{
	return int80(21, 0, 0, 0) == -EPERM ? EPERM : 0;
}
static int try_32_socketcall(void)
{
	return int80(102, 1, 0, 0) == -EPERM ? EPERM : 0;
}
static int try_32_unshare(void)
{
	return int80(310, CLONE_NEWUTS, 0, 0) == -EPERM ? EPERM : 0;
}
CALL(try_x32_mount, syscall(0x40000000 | SYS_mount, NULL, NULL, NULL, 0, NULL))
#endif

static const struct attack attacks[] = {
	{ "bpf", try_bpf, { EPERM }, { 0 } },
	{ "perf_event_open", try_perf, { EPERM }, { 0 } },
	{ "userfaultfd", try_userfaultfd, { EPERM }, { 0 } },
	{ "io_uring_setup", try_io_uring, { EPERM }, { 0 } },
	{ "add_key", try_add_key, { EPERM }, { 0 } },
	{ "request_key", try_request_key, { EPERM }, { 0 } },
	{ "keyctl", try_keyctl, { EPERM }, { 0 } },
	{ "kexec_load", try_kexec, { EPERM }, { 0 } },
	{ "init_module", try_module, { EPERM }, { 0 } },
	{ "delete_module", try_delete_module, { EPERM }, { 0 } },
	{ "open_by_handle_at", try_file_handle, { EPERM }, { 0 } },
	{ "unshare-user", try_new_userns, { EPERM }, { 0 } },
	{ "unshare-user-mnt-cgroup", try_new_userns_etc, { EPERM }, { 0 } },
	{ "unshare-mnt", try_new_mntns, { EPERM }, { 0 } },
	{ "unshare-net", try_new_netns, { EPERM }, { 0 } },
	{ "clone-user", try_clone_userns, { EPERM }, { 0 } },
	{ "clone3", try_clone3, { ENOSYS }, { 0 } },
	{ "setns", try_setns, { EPERM }, { 0 } },
	{ "mount-tmpfs", try_mount, { EPERM }, { 0 } },
	{ "mount-proc", try_mount_proc, { EPERM }, { 0 } },
	{ "mount-cgroup2", try_mount_cgroup, { EPERM }, { 0 } },
	{ "mount-bind", try_bind, { EPERM }, { 0 } },
	{ "mount-remount-rw", try_remount, { EPERM }, { 0 } },
	{ "umount-mask", try_unmask, { EPERM }, { 0 } },
	{ "fsopen", try_fsopen, { EPERM }, { 0 } },
	{ "open_tree", try_open_tree, { EPERM }, { 0 } },
	{ "mount_setattr", try_mount_setattr, { EPERM }, { 0 } },
	{ "pivot_root", try_pivot_root, { EPERM }, { 0 } },
	{ "chroot", try_chroot, { EPERM }, { 0 } },
	{ "mknod-disk", try_disk_node, { EPERM }, { 0 } },
	{ "mknod-memory", try_memory_node, { EPERM }, { 0 } },
	{ "dmesg", try_syslog, { EPERM }, { 0 } },
	{ "socket-alg", try_alg, { EPERM }, { 0 } },
	{ "socket-vsock", try_vsock, { EPERM }, { 0 } },
	{ "foreign-links", try_links, { ENOENT }, { 0 } },
	{ "abstract-socket-of-host", try_host_socket, { ECONNREFUSED }, { 0 } },
	{ "personality", try_personality, { ENOSYS }, { 0 } },
	{ "clock_settime", try_clock, { EPERM }, { 0 } },
	{ "sethostname", try_hostname, { EPERM }, { 0 } },
	{ "swapon", try_swapon, { EPERM }, { 0 } },
	{ "acct", try_acct, { EPERM }, { 0 } },
	{ "quotactl", try_quota, { EPERM }, { 0 } },
	{ "vhangup", try_vhangup, { EPERM }, { 0 } },
	{ "reboot", try_reboot, { EPERM }, { 0 } },
	{ "move_pages", try_move_pages, { EPERM }, { 0 } },
	{ "kill-host-process", try_kill_host, { ESRCH }, { 0 } },
	{ "pidfd-of-host-process", try_pidfd_host, { ESRCH }, { 0 } },
	{ "ptrace-host-process", try_ptrace_host, { ESRCH }, { 0 } },
	{ "prlimit-host-process", try_limits_host, { ESRCH }, { 0 } },
	{ "read-memory-of-init", try_init_memory, { EPERM }, { 0 } },
	{ "nice", try_priority, { EACCES }, { 0 } },
	{ "realtime", try_realtime, { EPERM }, { 0 } },
	{ "overlay-xattr", try_overlay_xattr, { EPERM }, { 0 } },
	{ "oom_score_adj", try_oom_score, { EACCES }, { 0 } },
	{ "uid_map", try_uid_map, { EPERM }, { EPERM, EACCES } },
	{ "TIOCSTI", try_parent_tty, { ENOTTY, EPERM }, { 0 } },
#ifdef __x86_64__
	{ "mount-by-32-bit-call", try_32_mount, { EPERM }, { 0 } },
	{ "socketcall-by-32-bit-call", try_32_socketcall, { EPERM }, { 0 } },
	{ "unshare-by-32-bit-call", try_32_unshare, { EPERM }, { 0 } },
	{ "mount-by-x32-call", try_x32_mount, { ENOSYS }, { 0 } },
#endif
}, for_users[] = {
	{ "socket-raw", try_raw, { EPERM }, { 0 } },
	{ "socket-packet", try_packet, { EPERM }, { 0 } },
};

/* Each in a process of its own: one that works changes what the next one meets. */
static int in_child(int (*try)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(try());
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return EIO;
	return WEXITSTATUS(status);
}

static void run_attacks(const struct attack *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool user = getuid() != 0 && a[i].user[0];
		int err = in_child(a[i].try);

		tell(a[i].name, err, expected(user ? a[i].user : a[i].root, err));
	}
}

/* ---- root of a user namespace below ours, where no filter keeps one from making it ----
 */
CALL(try_nested_sysfs, mount("none", "/tmp", "sysfs", 0, NULL))

static int write_file(const char *path, const char *text);

/* As CVE-2022-0492 did: a hierarchy of our own mounting, and its release agent. */
static int try_nested_release_agent(void)
{
	static const char *const hierarchies[] = { "cpuset", "memory", "blkio", "rdma" };
	int err = EPERM;

	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(*hierarchies) && err; i++)
		if (mount("none", "/tmp", "cgroup", 0, hierarchies[i]) == 0 &&
		    write_file("/tmp/release_agent", "/x") == 0)
			err = 0;
	return err;
}
/* Its own group, read-write: limits could be lifted. */
static int try_nested_cgroup(void)
{
	int err;

	if (mount("none", "/tmp", "cgroup", 0, "memory") < 0 &&
	    mount("none", "/tmp", "cgroup2", 0, NULL) < 0)
		return errno;
	err = write_file("/tmp/cgroup.procs", "");
	if (err && mkdir("/tmp/escape", 0700) == 0)
		return rmdir("/tmp/escape") < 0 ? errno : 0;
	return err;
}
static int try_nested_core_pattern(void)
{
	return write_file("/proc/sys/kernel/core_pattern", "");
}
static int try_nested_modprobe(void)
{
	return write_file("/proc/sys/kernel/modprobe", "");
}

static const struct attack nested_attacks[] = {
	{ "mknod-disk", try_disk_node, { EPERM }, { 0 } },
	{ "umount-mask", try_unmask, { EINVAL }, { 0 } }, /* locked together */
	{ "mount-remount-rw", try_remount, { EPERM }, { 0 } },
	{ "mount_setattr", try_mount_setattr, { EPERM }, { 0 } },
	{ "mount-proc", try_mount_proc, { EPERM }, { 0 } }, /* would reveal too much */
	{ "mount-sysfs", try_nested_sysfs, { EPERM }, { 0 } },
	{ "release_agent", try_nested_release_agent, { EPERM }, { 0 } },
	{ "own-cgroup", try_nested_cgroup, { EACCES, EPERM }, { 0 } },
	{ "core_pattern", try_nested_core_pattern, { EACCES, EROFS }, { 0 } },
	{ "modprobe", try_nested_modprobe, { EACCES, EROFS, ENOENT }, { 0 } },
	{ "open_by_handle_at", try_file_handle, { EPERM }, { 0 } },
	{ "init_module", try_module, { EPERM, ENOSYS }, { 0 } },
	{ "kexec_load", try_kexec, { EPERM, ENOSYS }, { 0 } },
	{ "sethostname", try_hostname, { EPERM }, { 0 } },
	{ "swapon", try_swapon, { EPERM }, { 0 } },
	{ "acct", try_acct, { EPERM, ENOSYS }, { 0 } },
	{ "nice", try_priority, { EACCES }, { 0 } },
};

static int nested(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1\n", getuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWNET |
		    CLONE_NEWPID) < 0 ||
	    write_file("/proc/self/uid_map", map) != 0) {
		printf("nested %s\n", reason(errno));
		return 1;
	}
	if (fork() == 0) {
		run_attacks(nested_attacks,
			    sizeof(nested_attacks) / sizeof(*nested_attacks));
		printf("end\n");
		exit(0);
	}
	wait(NULL);
	return 0;
}

/* ---- files ---- */
/* Nobody's who is mapped here (EACCES), or on a read-only mount (EROFS). */
static void try_writes(void)
{
	static const char *const paths[] = {
		"/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/modprobe",
		"/proc/sys/kernel/panic",
		"/proc/sys/kernel/hostname",
		"/proc/sys/vm/overcommit_memory",
		"/proc/sys/fs/file-max",
		"/proc/sys/net/ipv4/ip_forward",
		"/proc/sysrq-trigger",
		"/proc/1/exe",
		"/sys/kernel/uevent_helper",
		"/sys/kernel/mm/transparent_hugepage/enabled",
		"/sys/power/state",
		"/sys/module/printk/parameters/time",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char name[96];
		int err = write_file(paths[i], "");

		/* ENOENT: a machine without it has nothing to defend. */
		snprintf(name, sizeof(name), "write:%s", paths[i]);
		tell(name, err,
		     expected((int[]){ EACCES, EROFS, ENOENT }, err) ||
			     (err == ETXTBSY && strcmp(paths[i], "/proc/1/exe") == 0));
	}
}

/* Devices and sockets that no container has. */
static void try_absent(void)
{
	static const char *const paths[] = {
		"/dev/mem",         "/dev/kmem",
		"/dev/kmsg",        "/dev/port",
		"/dev/fuse",        "/dev/kvm",
		"/dev/net/tun",     "/dev/loop-control",
		"/dev/loop0",       "/dev/sda",
		"/dev/vda",         "/dev/nvme0n1",
		"/dev/vhost-net",   "/dev/vsock",
		"/dev/userfaultfd", "/dev/mapper/control",
		"/dev/uinput",      "/dev/snapshot",
		"/dev/tty1",        "/dev/disk",
		"/run/minibox",     "/var/lib/minibox",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char name[96];
		struct stat st;
		int err = lstat(paths[i], &st) < 0 ? errno : 0;

		snprintf(name, sizeof(name), "there:%s", paths[i]);
		tell(name, err, err == ENOENT);
	}
}

/* Whether there is anything to read: a file of nothing and an empty directory hide. */
static int read_any(const char *path)
{
	struct stat st;
	char byte;
	int fd, n = 0;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		DIR *d = opendir(path);

		if (!d)
			return errno;
		for (struct dirent *e; (e = readdir(d));)
			n += *e->d_name != '.';
		closedir(d);
		return n ? 0 : ENOENT;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno;
	n = (int)read(fd, &byte, 1);
	close(fd);
	return n > 0 ? 0 : n < 0 ? errno : ENOENT;
}

static void try_reads(void)
{
	static const char *const paths[] = {
		"/proc/kcore",
		"/proc/keys",
		"/proc/kmsg",
		"/proc/timer_list",
		"/proc/sched_debug",
		"/proc/acpi",
		"/proc/scsi",
		"/proc/asound",
		"/proc/interrupts",
		"/sys/firmware",
		"/sys/kernel/debug",
		"/sys/kernel/tracing",
		"/sys/kernel/security",
		"/sys/fs/bpf",
		"/sys/fs/fuse/connections",
		"/sys/devices/virtual/powercap",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char name[96];
		int err = read_any(paths[i]);

		snprintf(name, sizeof(name), "read:%s", paths[i]);
		tell(name, err, expected((int[]){ EACCES, EPERM, ENOENT }, err));
	}
}

/* ---- nodes of the host that are seen through a mount ---- */
/* What is no node of the container's own /dev is the host's: then its mode is, too. The
 * mode that it has is written, so that nothing changes where that works. */
static void try_nodes(void)
{
	static const char *const paths[] = {
		"/dev/null",        "/dev/zero",    "/dev/full",       "/dev/random",
		"/dev/urandom",     "/dev/tty",     "/proc/keys",      "/proc/kcore",
		"/proc/timer_list", "/proc/1/fd/0", "/proc/self/fd/0",
	};
	struct stat dev, st;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char name[96];
		int err;

		if (stat("/dev", &dev) < 0 || stat(paths[i], &st) < 0 ||
		    !S_ISCHR(st.st_mode) || major(st.st_rdev) == 136 ||
		    st.st_dev == dev.st_dev)
			continue;
		snprintf(name, sizeof(name), "chmod:%s", paths[i]);
		err = chmod(paths[i], st.st_mode & 07777) < 0 ? errno : 0;
		tell(name, err, expected((int[]){ EPERM, EROFS, 0 }, err));
	}
}

/* ---- cgroups: CVE-2022-0492 ---- */
static const char *const cgroup_files[] = {
	"cgroup.procs",      "tasks",         "release_agent",
	"notify_on_release", "memory.max",    "memory.limit_in_bytes",
	"pids.max",          "devices.allow", "cgroup.subtree_control",
	"cgroup.kill",       "cgroup.freeze",
};

static void try_cgroup(const char *dir)
{
	char path[256], name[300];
	int err;

	for (size_t i = 0; i < sizeof(cgroup_files) / sizeof(*cgroup_files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, cgroup_files[i]);
		err = write_file(path, "");
		snprintf(name, sizeof(name), "write:%s", path);
		if (err != ENOENT)
			tell(name, err, expected((int[]){ EACCES, EROFS, 0 }, err));
	}
	snprintf(path, sizeof(path), "%s/escape", dir);
	err = mkdir(path, 0700) < 0 ? errno : 0;
	if (err == 0)
		rmdir(path);
	snprintf(name, sizeof(name), "mkdir:%s", path);
	tell(name, err, expected((int[]){ EACCES, EROFS, EPERM }, err));
}

static void try_cgroups(void)
{
	DIR *d = opendir("/sys/fs/cgroup");

	try_cgroup("/sys/fs/cgroup");
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[300];
		struct stat st;

		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", e->d_name);
		if (*e->d_name != '.' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			try_cgroup(path);
	}
	if (d)
		closedir(d);
}

/* ---- descriptors: CVE-2024-21626 ---- */
static void try_fds(void)
{
	char where[4096] = "";

	for (int fd = 3; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("leaked-fd-%d ESCAPED\n", fd);
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
			printf("stdio-%d ESCAPED\n", fd);
	}
	printf("leaked-fds denied none\n");
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0 || *where != '/')
		printf("cwd ESCAPED\n");
	else
		printf("cwd denied inside\n");
}

/* ---- a process that joins: CVE-2016-9962 ---- */
static unsigned long joined, got;

static void spy(const char *pid)
{
	static const char *const links[] = { "exe", "cwd", "root", "fd/3", "ns/mnt" };
	char path[64], to[256], comm[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, comm, sizeof(comm) - 1) <= 0 ||
	    strcmp(comm, "minibox\n") != 0)
		goto out;
	joined++;
	if (ptrace(PTRACE_SEIZE, atoi(pid), NULL, NULL) == 0) {
		char now[32] = "";

		if (pread(fd, now, sizeof(now) - 1, 0) > 0 && strcmp(now, comm) == 0)
			got += (unsigned)printf("traced %s\n", pid);
		(void)ptrace(PTRACE_DETACH, atoi(pid), NULL, NULL);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
		n = readlink(path, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = '\0';
		/* It may have become minibox-init, on its read-only mount, or the command
		 * meanwhile: those are the container's to see. */
		if (n > 0 && !strstr(to, "minibox-init") &&
		    strncmp(to, "socket:", 7) != 0 &&
		    (strstr(to, "minibox") || strcmp(links[i], "fd/3") == 0))
			got += (unsigned)printf("%s -> %s\n", path, to);
	}
out:
	if (fd >= 0)
		close(fd);
}

static int watch(int seconds)
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end) {
		DIR *d = opendir("/proc");

		for (struct dirent *e; d && (e = readdir(d));)
			if (*e->d_name >= '1' && *e->d_name <= '9')
				spy(e->d_name);
		closedir(d);
	}
	printf("joined %s, %lu bytes of them seen\n", joined ? "some" : "none", got);
	return 0;
}

/* ---- the program of the host that starts us: CVE-2019-5736 ---- */
/*
 * As /lib64/ld-linux-x86-64.so.2 of an image we are what the kernel runs for
 * /proc/self/exe, be that a program of the host. Its file is kept open until nobody runs
 * it.
 */
static int keep_exe(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char number[16];

	if (fd < 0 || fork() != 0)
		return 1;
	setsid();
	snprintf(number, sizeof(number), "%d", fd);
	execl("/bin/escape", "escape", "overwrite", number, NULL);
	return 1;
}

static int overwrite(const char *number)
{
	char path[64], to[256];
	int fd = -1, err = ETXTBSY, out;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%s", number);
	n = readlink(path, to, sizeof(to) - 1);
	to[n < 0 ? 0 : n] = '\0';
	for (int i = 0; i < 100 && fd < 0 && err == ETXTBSY; i++) {
		fd = open(path, O_WRONLY);
		err = fd < 0 ? errno : 0;
		usleep(20000);
	}
	out = open("/overwrite", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	dprintf(out, "%s %s\n", to, err ? reason(err) : "ESCAPED");
	return rename("/overwrite", "/overwritten") < 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "nested") == 0)
		return nested();
	if (argc >= 2 && strcmp(argv[1], "keep-exe") == 0)
		return keep_exe();
	if (argc == 3 && strcmp(argv[1], "overwrite") == 0)
		return overwrite(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && strcmp(argv[1], "watch") == 0)
		return watch(atoi(argv[2]));
	if (argc == 3) {
		host_pid = atoi(argv[1]);
		host_socket = argv[2];
	}
	try_fds();
	run_attacks(attacks, sizeof(attacks) / sizeof(*attacks));
	if (getuid() != 0)
		run_attacks(for_users, sizeof(for_users) / sizeof(*for_users));
	try_writes();
	try_absent();
	try_reads();
	try_nodes();
	try_cgroups();
	printf("end\n");
	return 0;
}
