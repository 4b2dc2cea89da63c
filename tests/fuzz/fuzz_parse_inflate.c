/* Compressed bytes: gzip, zstd, or neither. */
#include <stdint.h>
#include <sys/mman.h>

#include "images/parse/inflate.h"
#include "runtime/base/fd.h"

enum { ENOUGH = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CLOSE int fd = memfd_create("bytes", MFD_CLOEXEC);
	struct inflate *in = NULL;
	struct err e = ERR_INIT;
	const void *out;
	size_t total = 0;
	ssize_t n;

	if (fd < 0 || fd_write_all(fd, data, size, "memfd", &e) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	n = inflate_open(fd, &in, &e);
	while (in && total < ENOUGH && (n = inflate_next(in, &out, &e)) > 0)
		total += (size_t)n;
	if ((n < 0) != (e.code != 0))
		abort();
	inflate_free(in);
	return 0;
}
