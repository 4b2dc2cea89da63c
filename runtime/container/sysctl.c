/*
 * container/sysctl.c - kernel settings of the container's own namespaces. See rootfs.h.
 *
 * Knows which names belong to a namespace; any other would be the host's and is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/base/fd.h"
#include "runtime/container/rootfs.h"

/* Without a user namespace the kernel would let us write the host's: so the names are
 * checked. */
static bool is_ours(const struct container_spec *s, const char *name)
{
	static const char *const ipc[] = { "kernel/msg", "kernel/sem", "kernel/shm",
					   "kernel/domainname", "fs/mqueue/" };

	if (strstr(name, "..") || *name == '/')
		return false;
	if (str_starts(name, "net/"))
		return s->netns_fd >= 0 || s->exact;
	for (size_t i = 0; i < ARRAY_LEN(ipc); i++)
		if (str_starts(name, ipc[i]))
			return true;
	return false;
}

static int write_one(int sys, const char *name, const char *value, struct err *e)
{
	AUTO_CLOSE int fd = fd_open_beneath(sys, name, O_WRONLY, 0);

	if (fd < 0)
		return err_set(e, errno, "open sysctl '%s'", name);
	if (write(fd, value, strlen(value)) < 0)
		return err_set(e, errno, "write '%s' to sysctl '%s'", value, name);
	return 0;
}

/* "net.ipv4.x=1" or "net/ipv4/x=1"; a name with slashes may hold dots (vlan interfaces).
 */
static int apply(const struct container_spec *s, int sys, const char *pair, struct err *e)
{
	AUTO_FREE char *name = str_dup(pair);
	char *value = strchr(name, '=');

	if (!value)
		return err_msg(e, EINVAL, "sysctl '%s' has no '='", pair);
	*value++ = '\0';
	if (!strchr(name, '/'))
		for (char *p = name; (p = strchr(p, '.')); p++)
			*p = '/';
	if (!is_ours(s, name))
		return err_msg(e, EINVAL,
			       "sysctl '%s' is not of the container's namespaces", pair);
	return write_one(sys, name, value, e);
}

int container_sysctl_apply(const struct container_spec *s, int proc, struct err *e)
{
	static const char *const net_defaults[][2] = {
		{ "net/ipv4/ip_unprivileged_port_start", "0" },
		{ "net/ipv4/ping_group_range", "0 65535" },
	};
	AUTO_CLOSE int sys = openat(proc, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (sys < 0)
		return err_set(e, errno, "open 'sys'");
	/* A network namespace of the host's user namespace refuses: then the defaults
	 * stay. */
	for (size_t i = 0; s->netns_fd >= 0 && i < ARRAY_LEN(net_defaults); i++)
		if (write_one(sys, net_defaults[i][0], net_defaults[i][1], e) < 0)
			err_clear(e);
	for (size_t i = 0; i < s->sysctls.n && r == 0; i++)
		r = apply(s, sys, s->sysctls.v[i], e);
	return r;
}
