/*
 * bench/floor.c - what the kernel alone takes to start and end one container.
 *
 * usage: floor ROOTFS SCRATCH
 * Namespaces, an overlay of ROOTFS with its upper in SCRATCH, /proc, a bridge "floor0", a
 * veth pair with address and route, a group in each cgroup hierarchy, /bin/true, and all
 * of it removed again but the bridge. No library, no file read, nothing checked twice,
 * nothing that could be found again after a crash: whoever does more takes longer.
 * Knows nothing of minibox.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BRIDGE "floor0"

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* One netlink request; attributes are appended at the end of @buf. */
struct request {
	union {
		struct nlmsghdr head;
		char buf[1024];
	};
};

static void start(struct request *q, int type, int flags, const void *body, size_t len)
{
	memset(q, 0, sizeof(*q));
	q->head.nlmsg_type = (uint16_t)type;
	q->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	q->head.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&q->head), body, len);
}

static struct rtattr *put(struct request *q, int type, const void *data, size_t len)
{
	struct rtattr *a = (void *)(q->buf + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void end(struct request *q, struct rtattr *nest)
{
	nest->rta_len = (uint16_t)(q->buf + q->head.nlmsg_len - (char *)nest);
}

/* Return: 0, or the errno that the kernel answers. */
static int run(int sk, struct request *q)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer;

	if (send(sk, q, q->head.nlmsg_len, 0) < 0 ||
	    recv(sk, &answer, sizeof(answer), 0) < 0)
		die("netlink");
	return -answer.error.error;
}

static int open_netlink(void)
{
	int sk = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (sk < 0)
		die("netlink socket");
	return sk;
}

static void link_up(int sk, int index)
{
	struct ifinfomsg m = { .ifi_index = index,
			       .ifi_flags = IFF_UP,
			       .ifi_change = IFF_UP };
	struct request q;

	start(&q, RTM_NEWLINK, 0, &m, sizeof(m));
	if ((errno = run(sk, &q)))
		die("link up");
}

static void add_address(int sk, int index, const char *text)
{
	struct ifaddrmsg m = { .ifa_family = AF_INET,
			       .ifa_prefixlen = 24,
			       .ifa_index = (unsigned)index };
	struct in_addr addr;
	struct request q;

	inet_pton(AF_INET, text, &addr);
	start(&q, RTM_NEWADDR, NLM_F_CREATE, &m, sizeof(m));
	put(&q, IFA_LOCAL, &addr, sizeof(addr));
	put(&q, IFA_ADDRESS, &addr, sizeof(addr));
	if ((errno = run(sk, &q)) && errno != EEXIST)
		die("address");
}

/* Made by whoever comes first, and left: a stack's bridge outlives its containers. */
static int bridge(int sk)
{
	struct ifinfomsg m = { 0 };
	struct request q;
	struct rtattr *info;
	int index;

	start(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof(m));
	put(&q, IFLA_IFNAME, BRIDGE, sizeof(BRIDGE));
	info = put(&q, IFLA_LINKINFO, NULL, 0);
	put(&q, IFLA_INFO_KIND, "bridge", 6);
	end(&q, info);
	errno = run(sk, &q);
	if (errno && errno != EEXIST)
		die("bridge");
	index = (int)if_nametoindex(BRIDGE);
	if (errno == 0) {
		add_address(sk, index, "10.99.99.1");
		link_up(sk, index);
	}
	return index;
}

static void veth(int sk, const char *name, int master, int netns)
{
	struct ifinfomsg m = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP }, none = { 0 };
	struct request q;
	struct rtattr *info, *data, *peer;
	uint32_t fd = (uint32_t)netns, index = (uint32_t)master;

	start(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof(m));
	put(&q, IFLA_IFNAME, name, strlen(name) + 1);
	put(&q, IFLA_MASTER, &index, sizeof(index));
	info = put(&q, IFLA_LINKINFO, NULL, 0);
	put(&q, IFLA_INFO_KIND, "veth", 4);
	data = put(&q, IFLA_INFO_DATA, NULL, 0);
	peer = put(&q, VETH_INFO_PEER, &none, sizeof(none));
	put(&q, IFLA_IFNAME, "eth0", 5);
	put(&q, IFLA_NET_NS_FD, &fd, sizeof(fd));
	end(&q, peer);
	end(&q, data);
	end(&q, info);
	if ((errno = run(sk, &q)))
		die("veth");
}

/* In the container's network namespace. */
static void guest_network(void)
{
	struct rtmsg m = { .rtm_family = AF_INET,
			   .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = RTPROT_STATIC,
			   .rtm_type = RTN_UNICAST };
	int sk = open_netlink(), eth0 = (int)if_nametoindex("eth0");
	struct in_addr gateway;
	struct request q;

	link_up(sk, 1);
	add_address(sk, eth0, "10.99.99.2");
	link_up(sk, eth0);
	inet_pton(AF_INET, "10.99.99.1", &gateway);
	start(&q, RTM_NEWROUTE, NLM_F_CREATE, &m, sizeof(m));
	put(&q, RTA_GATEWAY, &gateway, sizeof(gateway));
	if ((errno = run(sk, &q)))
		die("route");
	close(sk);
}

static const char *const HIERARCHIES[] = { "cpu",   "cpuacct", "memory",
					   "pids",  "freezer", "devices",
					   "blkio", "cpuset",  "unified" };
enum { N_HIERARCHIES = sizeof(HIERARCHIES) / sizeof(*HIERARCHIES) };

static void group_path(char *ret, size_t size, size_t i, const char *name)
{
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		snprintf(ret, size, "/sys/fs/cgroup/%s", i ? "" : name);
	else
		snprintf(ret, size, "/sys/fs/cgroup/%s/%s", HIERARCHIES[i], name);
}

static void copy_file(const char *group, const char *file)
{
	char path[256], text[256];
	const char *slash = strrchr(group, '/');
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - group), group, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	close(fd);
	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (n < 0 || fd < 0 || write(fd, text, (size_t)n) < 0)
		die(path);
	close(fd);
}

/* v1: the cheap way in is "tasks", by which a thread moves only itself. */
static void join_groups(const char *name)
{
	for (size_t i = 0; i < N_HIERARCHIES; i++) {
		char group[160], path[200];
		int fd;

		group_path(group, sizeof(group), i, name);
		if (group[strlen(group) - 1] == '/' || mkdir(group, 0755) < 0)
			continue;
		if (strcmp(HIERARCHIES[i], "cpuset") == 0 && strstr(group, "/cpuset/")) {
			copy_file(group, "cpuset.cpus");
			copy_file(group, "cpuset.mems");
		}
		snprintf(path, sizeof(path), "%s/tasks", group);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0) {
			snprintf(path, sizeof(path), "%s/cgroup.procs", group);
			fd = open(path, O_WRONLY | O_CLOEXEC);
		}
		if (fd < 0 || write(fd, "0", 1) < 0)
			die(path);
		close(fd);
	}
}

static void remove_groups(const char *name)
{
	for (size_t i = 0; i < N_HIERARCHIES; i++) {
		char group[160];

		group_path(group, sizeof(group), i, name);
		if (group[strlen(group) - 1] == '/')
			continue;
		/* EBUSY: the dead process is not quite out of it yet */
		while (rmdir(group) < 0 && errno == EBUSY)
			usleep(100);
	}
}

static void mount_root(const char *rootfs, const char *scratch)
{
	char options[1024], upper[300], work[300];

	snprintf(upper, sizeof(upper), "%s/upper", scratch);
	snprintf(work, sizeof(work), "%s/work", scratch);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", rootfs,
		 upper, work);
	if (mkdir(upper, 0755) < 0 || mkdir(work, 0755) < 0)
		die(upper);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("overlay", scratch, "overlay", 0, options) < 0)
		die("overlay");
	if (chdir(scratch) < 0 || mount("proc", "proc", "proc", 0, NULL) < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		die("pivot_root");
}

static void child(int sync, const char *name, const char *rootfs, const char *scratch)
{
	char byte;

	join_groups(name);
	if (unshare(CLONE_NEWCGROUP) < 0)
		die("cgroup namespace");
	mount_root(rootfs, scratch);
	if (read(sync, &byte, 1) != 1)
		_exit(1);
	guest_network();
	execl("/bin/true", "true", (char *)NULL);
	die("/bin/true");
}

static void remove_scratch(const char *scratch)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/work/work", scratch);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/work", scratch);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/upper", scratch);
	rmdir(path);
}

int main(int argc, char **argv)
{
	struct clone_args a = { .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
					 CLONE_NEWUTS | CLONE_NEWIPC,
				.exit_signal = SIGCHLD };
	char name[32], path[64];
	int pair[2], status, netns, sk;
	pid_t pid;

	if (argc != 3 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 2;
	snprintf(name, sizeof(name), "floor%d", (int)getpid());
	pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (pid < 0)
		die("clone");
	if (pid == 0)
		child(pair[1], name, argv[1], argv[2]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	sk = open_netlink();
	veth(sk, name, bridge(sk), netns);
	if (write(pair[0], "", 1) != 1 || waitpid(pid, &status, 0) < 0)
		die("container");
	remove_groups(name);
	remove_scratch(argv[2]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
