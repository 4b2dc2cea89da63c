/* container/apparmor.c - see apparmor.h and container.h. */
#include "runtime/container/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"
#include "runtime/container/exact.h"

#define ENABLED_FILE "/sys/module/apparmor/parameters/enabled"
#define LIST_FILE "/sys/kernel/security/apparmor/profiles"
#define UNCONFINED "unconfined"
#define BY_DEFAULT "minibox-default"

enum { LIST_MAX = 4 << 20 };

static bool enabled(void)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;

	return fd_read_file(AT_FDCWD, ENABLED_FILE, 16, &text, &ignored) == 0 &&
	       text.data && *text.data == 'Y';
}

/* Return: 1 loaded, 0 not, -1 the host does not show it. */
static int loaded(const char *name)
{
	AUTO_BUF struct buf list = BUF_INIT;
	struct err ignored = ERR_INIT;

	if (fd_read_file(AT_FDCWD, LIST_FILE, LIST_MAX, &list, &ignored) < 0)
		return -1;
	return list.data && container_apparmor_listed(list.data, name);
}

bool container_apparmor_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	/* a name may have blanks in it, but the mode has none */
	for (const char *end; *list; list = *end ? end + 1 : end) {
		const char *mode;

		end = strchrnul(list, '\n');
		mode = memrchr(list, ' ', (size_t)(end - list));
		if (mode && (size_t)(mode - list) == n && memcmp(list, name, n) == 0)
			return true;
	}
	return false;
}

static int not_loaded(const char *profile, struct err *e)
{
	return err_msg(e, ENOENT, "AppArmor profile '%s' is not loaded", profile);
}

static int none_here(const char *profile, struct err *e)
{
	return err_msg(e, EOPNOTSUPP, "AppArmor profile '%s': this host has no AppArmor",
		       profile);
}

int container_apparmor_check(const char *profile, struct err *e)
{
	if (str_eq(profile, UNCONFINED))
		return 0;
	if (!enabled())
		return none_here(profile, e);
	return loaded(profile) == 0 ? not_loaded(profile, e) : 0;
}

int container_apparmor_decide(const struct container_spec *s, const char **ret,
			      struct err *e)
{
	const char *told = s->exact ? s->exact->apparmor : s->apparmor;
	int r = 0;

	*ret = NULL;
	if (!told) {
		if (!s->exact && !s->privileged && enabled() && loaded(BY_DEFAULT) == 1)
			*ret = BY_DEFAULT;
		return 0;
	}
	if (!s->exact)
		r = container_apparmor_check(told, e);
	else if (!str_eq(told, UNCONFINED) && !enabled())
		r = none_here(told, e);
	if (r == 0 && enabled())
		*ret = told;
	return r;
}

int container_apparmor_open(int *ret_fd, struct err *e)
{
	/* Its own directory: in attr/exec itself another security module may answer. */
	AUTO_CLOSE int fd = open("/proc/self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return err_set(e, errno, "open '/proc/self/attr/apparmor/exec'");
	/* A file of an image would take the word and do nothing (CVE-2019-16884). */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return err_msg(e, EXDEV, "'/proc' is not the kernel's");
	*ret_fd = fd_take(&fd);
	return 0;
}

int container_apparmor_ask(int fd, const char *profile, struct err *e)
{
	AUTO_FREE char *text = str_fmt("exec %s", profile);

	/* The kernel takes it whole or not at all. */
	if (write(fd, text, strlen(text)) >= 0)
		return 0;
	return errno == ENOENT
		       ? not_loaded(profile, e)
		       : err_set(e, errno, "take on AppArmor profile '%s'", profile);
}
