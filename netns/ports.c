/*
 * netns/ports.c - can a port of the host be published, and who has it?
 *
 * Knows sockets and /proc. The kernel judges, by a bind; /proc only tells the name. Does
 * not know what minibox publishes itself: DNAT holds no socket.
 */
#include "netns/netns.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/base/fd.h"

#define TCP_LISTEN_STATE 0x0a

/* A row of /proc/net/tcp or tcp6: "sl local:port remote:port st tx:rx tr:tm retr uid to
 * inode"; an IPv6 address is compared by its last word, the IPv4 one of a mapped address.
 */
static uint64_t row_inode(const char *row, enum netns_proto proto, struct in_addr addr,
			  uint16_t port)
{
	unsigned row_port, state;
	uint64_t inode;
	uint32_t row_addr;
	char local[33];

	if (sscanf(row, " %*[0-9]: %32[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %" SCNu64,
		   local, &row_port, &state, &inode) != 4 ||
	    strlen(local) < 8)
		return 0;
	/* words are in host order of an address in network order: as in_addr holds it */
	row_addr = (uint32_t)strtoul(local + strlen(local) - 8, NULL, 16);
	if (row_port != port || (proto == NETNS_TCP && state != TCP_LISTEN_STATE))
		return 0;
	if (row_addr != addr.s_addr && row_addr != INADDR_ANY &&
	    addr.s_addr != INADDR_ANY)
		return 0;
	return inode;
}

static uint64_t find_inode(enum netns_proto proto, struct in_addr addr, uint16_t port)
{
	static const char *const file[2][2] = {
		[NETNS_TCP] = { "/proc/net/tcp", "/proc/net/tcp6" },
		[NETNS_UDP] = { "/proc/net/udp", "/proc/net/udp6" },
	};
	uint64_t inode = 0;
	char row[512];

	for (size_t i = 0; i < 2 && !inode; i++) {
		FILE *f = fopen(file[proto][i], "re");

		while (f && !inode && fgets(row, sizeof(row), f))
			inode = row_inode(row, proto, addr, port);
		if (f)
			fclose(f);
	}
	return inode;
}

static bool has_fd(int proc, const char *pid, const char *target)
{
	AUTO_FREE char *path = str_fmt("%s/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool found = false;
	struct dirent *d;
	char link[64];

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (d = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);

		link[n < 0 ? 0 : n] = '\0';
		found = strcmp(link, target) == 0;
	}
	closedir(dir);
	return found;
}

/* "'nginx' (pid 12)", or NULL where /proc does not tell (another pid namespace, the
 * kernel). */
static char *holder_of(uint64_t inode)
{
	AUTO_FREE char *target = str_fmt("socket:[%" PRIu64 "]", inode);
	AUTO_BUF struct buf comm = BUF_INIT;
	struct err ignored = ERR_INIT;
	DIR *proc = inode ? opendir("/proc") : NULL;
	AUTO_FREE char *path = NULL;
	char *ret = NULL;
	struct dirent *d;

	while (proc && !ret && (d = readdir(proc))) {
		if (!isdigit((unsigned char)d->d_name[0]) ||
		    !has_fd(dirfd(proc), d->d_name, target))
			continue;
		path = str_fmt("%s/comm", d->d_name);
		if (fd_read_file(dirfd(proc), path, 64, &comm, &ignored) == 0)
			comm.data[strcspn(comm.data, "\n")] = '\0';
		if (comm.data)
			str_sanitize(comm.data);
		ret = str_fmt("'%s' (pid %s)", comm.data ? comm.data : "?", d->d_name);
	}
	if (proc)
		closedir(proc);
	return ret;
}

static int bind_probe(enum netns_proto proto, struct in_addr addr, uint16_t port)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = addr,
	};
	AUTO_CLOSE int fd =
		socket(AF_INET,
		       (proto == NETNS_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	/* past connections in TIME_WAIT hold no port that matters; for UDP it would allow
	 * sharing */
	if (proto == NETNS_TCP &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	return bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
}

int netns_port_free(enum netns_proto proto, struct in_addr host_addr, uint16_t port,
		    struct err *e)
{
	const char *proto_name = proto == NETNS_TCP ? "tcp" : "udp";
	AUTO_FREE char *holder = NULL;
	char addr[INET_ADDRSTRLEN];
	int r = bind_probe(proto, host_addr, port);

	if (r == 0)
		return 0;
	inet_ntop(AF_INET, &host_addr, addr, sizeof(addr));
	if (r == -EADDRNOTAVAIL)
		return err_msg(e, -r, "port '%s:%u/%s': this host has no such address",
			       addr, port, proto_name);
	if (r != -EADDRINUSE)
		return err_set(e, -r, "port '%s:%u/%s'", addr, port, proto_name);
	holder = holder_of(find_inode(proto, host_addr, port));
	return err_msg(e, -r, "port '%s:%u/%s' is in use by %s", addr, port, proto_name,
		       holder ? holder : "a program that /proc does not show");
}
