/*
 * base/fsid.c - see fsid.h. Raw system calls: they are for one thread, which is what is
 * wanted here, where glibc's wrappers change all threads.
 */
#include "runtime/base/fsid.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Leaving fsuid 0 drops the file capabilities from the effective set; the permitted set
 * keeps them, so they are taken up again. */
static int raise_all(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	return (int)syscall(SYS_capset, &head, data);
}

int fsid_as_owner(int dir, struct err *e)
{
	struct stat st;

	if (dir < 0)
		return 0;
	if (fstat(dir, &st) < 0)
		return err_set(e, errno, "stat the directory to be made in");
	setfsgid(st.st_gid);
	setfsuid(st.st_uid);
	if (raise_all() == 0)
		return 0;
	(void)err_set(e, errno, "keep capabilities");
	fsid_restore();
	return -e->code;
}

void fsid_restore(void)
{
	setfsuid(geteuid());
	setfsgid(getegid());
	(void)raise_all();
}
