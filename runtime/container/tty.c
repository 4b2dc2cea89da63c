/* container/tty.c - a terminal of the container's own devpts. See child.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/child.h"
#include "runtime/container/mnt.h"

static int bind_console(int master, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	char path[32];
	int number, r;

	if (ioctl(master, TIOCGPTN, &number) < 0)
		return err_set(e, errno, "number of terminal '/dev/pts/ptmx'");
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	if (mknod("/dev/console", S_IFREG | 0620, 0) < 0)
		return err_set(e, errno, "make '/dev/console'");
	r = container_mnt_clone(AT_FDCWD, path, false, &tree, e);
	return r < 0 ? r : container_mnt_attach(tree, AT_FDCWD, "/dev/console", e);
}

int container_tty_open(uid_t owner, bool console, int *ret_master, int *ret_slave,
		       struct err *e)
{
	AUTO_CLOSE int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	AUTO_CLOSE int slave = -1;
	int unlock = 0, r = 0;

	if (master < 0)
		return err_set(e, errno, "open '/dev/pts/ptmx'");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_set(e, errno, "unlock terminal '/dev/pts/ptmx'");
	/* By the master itself: no path that the container could have replaced. */
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(e, errno, "open peer of '/dev/pts/ptmx'");
	if (fchown(slave, owner, (gid_t)-1) < 0)
		return err_set(e, errno, "chown terminal '/dev/pts/ptmx'");
	if (console)
		r = bind_console(master, e);
	if (r < 0)
		return r;
	*ret_master = fd_take(&master);
	*ret_slave = fd_take(&slave);
	return 0;
}
