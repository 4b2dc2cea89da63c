/* An archive as far as its manifests: the outer tarball, index.json, manifest.json. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#include "images/archive/archive_image.h"
#include "tests/lib/jail_inside.h"
#include "runtime/base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CLOSE int fd = memfd_create("archive", MFD_CLOEXEC);
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *path = str_fmt("/proc/self/fd/%d", fd);
	struct archive_images list = { NULL, 0 };
	struct image_store s = { .tmp = tmp };
	struct source *src = NULL;
	struct err e = ERR_INIT;
	int r;

	if (fd < 0 || tmp < 0 || fd_write_all(fd, data, size, "memfd", &e) < 0)
		abort();
	r = source_open(&s, AT_FDCWD, path, &src, &e);
	if (r == 0)
		r = archive_images_read(src, &list, &e);
	if ((r < 0) != (e.code != 0))
		abort();
	archive_images_free(&list);
	source_free(src);
	return 0;
}
