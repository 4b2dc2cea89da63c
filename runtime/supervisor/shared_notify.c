/* supervisor/shared_notify.c - a word to the service manager; compiled into both
 * programs. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/supervisor/supervisor.h"

int sup_notify(const char *socket_path, const char *text, bool wait)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(socket_path);
	int fd, r = 0;

	if (n < 2 || n >= sizeof(at.sun_path))
		return -EINVAL;
	memcpy(at.sun_path, socket_path, n);
	if (at.sun_path[0] == '@') /* an abstract name */
		at.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT),
		   (const struct sockaddr *)&at,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		r = -errno;
	close(fd);
	return r;
}
