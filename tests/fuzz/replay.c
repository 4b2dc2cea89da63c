/*
 * tests/fuzz/replay.c - runs a fuzz target over the files named on the command line, so
 * that a corpus is replayed by plain gcc; libFuzzer's own main takes its place with clang
 * -fsanitize=fuzzer.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		AUTO_BUF struct buf b = BUF_INIT;
		struct err e = ERR_INIT;

		if (fd_read_file(AT_FDCWD, argv[i], 64 << 20, &b, &e) < 0) {
			fprintf(stderr, "%s\n", err_text(&e));
			return 1;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
	}
	printf("replayed %d inputs\n", argc - 1);
	return 0;
}
