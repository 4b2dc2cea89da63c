/* container/stdio.c - the three descriptors that a program starts with. See child.h. Does
 * not know terminals (tty.c). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/container/child.h"

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Another's link there would lead anywhere, and what a FIFO is given nobody throws away.
 */
static int open_null(int *ret, struct err *e)
{
	AUTO_CLOSE int fd = open("/dev/null", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open '/dev/null' in the container");
	if (!is_null(&st))
		return err_msg(e, ENODEV, "'/dev/null' in the container is another file");
	*ret = fd_take(&fd);
	return 0;
}

int container_stdio_own(int fd, uid_t uid, int *ret, struct err *e)
{
	struct stat st;

	*ret = -1;
	if (fd < 0)
		return open_null(ret, e);
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "look at fd '%d'", fd);
	if (is_null(&st))
		return open_null(ret, e);
	/* EPERM: its owner is nobody in our user namespace */
	if (S_ISFIFO(st.st_mode) && st.st_uid != uid)
		(void)!fchown(fd, uid, (gid_t)-1);
	return 0;
}
