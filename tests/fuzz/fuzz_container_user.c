/* tests/fuzz/fuzz_container_user.c - an image's passwd and group files, cut at a NUL. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/fd.h"
#include "runtime/container/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put(int dir, const char *name, const uint8_t *data, size_t n)
{
	struct err e = ERR_INIT;
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, data, n, name, &e) < 0)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const users[] = { "", "app", "0", "1000:staff", "x:1" };
	char top[] = "/tmp/minibox-fuzz.XXXXXX";
	const uint8_t *cut = n ? memchr(data, 0, n) : NULL;
	size_t first = cut ? (size_t)(cut - data) : n;
	struct err e = ERR_INIT;
	int dir = mkdtemp(top) ? open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir < 0 || mkdirat(dir, "etc", 0700) < 0)
		abort();
	put(dir, "etc/passwd", data, first);
	put(dir, "etc/group", data + first, n - first);
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		struct container_user u;

		if (container_user_resolve(dir, users[i], &u, &e) == 0)
			container_user_free(&u);
		else
			err_clear(&e);
	}
	close(dir);
	return fd_rm_rf(AT_FDCWD, top, &e) < 0 ? (abort(), 1) : 0;
}
