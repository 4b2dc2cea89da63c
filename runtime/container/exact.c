/* container/exact.c - see exact.h. The data alone, and the word to start. */
#include "runtime/container/exact.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "runtime/base/fd.h"
#include "runtime/container/child.h"

void container_exact_init(struct container_exact *x)
{
	memset(x, 0, sizeof(*x));
	x->umask = 022;
	x->word_fd = -1;
	for (size_t i = 0; i < ARRAY_LEN(x->join_ns); i++)
		x->join_ns[i] = -1;
}

void container_exact_free(struct container_exact *x)
{
	for (size_t i = 0; i < x->n_mounts; i++) {
		free(x->mounts[i].type);
		free(x->mounts[i].source);
		free(x->mounts[i].target);
		free(x->mounts[i].data);
	}
	for (size_t i = 0; i < x->n_devices; i++)
		free(x->devices[i].path);
	free(x->mounts);
	free(x->devices);
	strv_free(&x->masked);
	strv_free(&x->read_only);
	free(x->domainname);
	free(x->groups);
	free(x->apparmor);
	free(x->filter.filter);
	container_exact_init(x);
}

struct container_exact_mount *container_exact_add_mount(struct container_exact *x)
{
	struct container_exact_mount *m;

	x->mounts = mem_grow(x->mounts, x->n_mounts + 1, sizeof(*x->mounts));
	m = &x->mounts[x->n_mounts++];
	memset(m, 0, sizeof(*m));
	m->idmap_fd = -1;
	return m;
}

int container_word_send(int dir, const char *sock_name, struct err *e)
{
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct child_message m;
	int n;

	if (sock < 0)
		return err_set(e, errno, "make socket for '%s'", sock_name);
	/* sun_path holds 108 bytes; a state directory may be deeper than that */
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", dir, sock_name);
	if (connect(sock, (struct sockaddr *)&at, sizeof(at)) < 0) {
		if (errno == ECONNREFUSED || errno == ENOENT)
			return err_msg(e, ESRCH, "no process waits at '%s'", sock_name);
		return err_set(e, errno, "connect to '%s'", sock_name);
	}
	n = fd_recv(sock, &m, sizeof(m), NULL);
	if (n != (int)sizeof(m))
		return 0; /* closed by execve, or by its end */
	/* It was still ours when it wrote this, but it stands among others. */
	m.e.text[sizeof(m.e.text) - 1] = '\0';
	*e = m.e;
	str_sanitize(e->text);
	if (e->code <= 0)
		e->code = EIO;
	return -e->code;
}
