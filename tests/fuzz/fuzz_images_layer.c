/* A layer's blob: decompression, tar, entries. The digest never fits; all before it runs.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#include "images/unpack.h"
#include "runtime/base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int unpack(int blob, size_t size, int root, enum tree_mode mode, struct err *e)
{
	struct unpack_job job = {
		.blob = { blob, 0, size }, .root = root, .below = -1, .mode = mode
	};
	struct unpack_result res;

	digest_of(DIGEST_SHA256, "", 0, &job.diff_id);
	return unpack_layer(&job, &res, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CLOSE int blob = memfd_create("layer", MFD_CLOEXEC), root = -1;
	char dir[] = "/tmp/minibox-fuzz.XXXXXX";
	struct err e = ERR_INIT;

	if (!mkdtemp(dir) || blob < 0 || fd_write_all(blob, data, size, "memfd", &e) < 0)
		abort();
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		struct err failed = ERR_INIT;
		int r = unpack(blob, size, root, i ? TREE_BOTTOM : TREE_ALONE, &failed);

		if ((r < 0) != (failed.code != 0))
			abort();
	}
	close(fd_take(&root));
	if (fd_rm_rf(AT_FDCWD, dir, &e) < 0)
		abort();
	return 0;
}
