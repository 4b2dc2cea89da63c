/* tests/unit/test_images_tarwrite.c - what tar makes of our headers. */
#include "images/archive/tarwrite.h"

#include "tests/lib/test.h"

/* Python's tarfile lists NAME SIZE MTIME of each member. */
static void check_listing(const struct buf *archive, const char *want)
{
	static const char code[] =
		"import sys, tarfile\n"
		"for m in tarfile.open(sys.argv[1]): print(m.name, m.size, m.mtime, "
		"oct(m.mode), m.type)\n";
	AUTO_CLOSE int dir = scratch_dir();
	AUTO_BUF struct buf got = BUF_INIT;
	struct err e = ERR_INIT;
	int st, out[2];
	pid_t pid;

	CHECK_OK(fd_write_file(dir, "a.tar", archive->data, archive->len, 0600, &e), &e);
	CHECK(pipe(out) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		if (fchdir(dir) == 0)
			execlp("python3", "python3", "-c", code, "a.tar", NULL);
		_exit(127);
	}
	close(out[1]);
	CHECK_OK(fd_read_all(out[0], 65536, &got, "python3", &e), &e);
	waitpid(pid, &st, 0);
	CHECK_INT(st, 0);
	CHECK_STR(got.data, want);
}

static void add_file(struct buf *b, const char *name, size_t n)
{
	AUTO_FREE char *data = mem_new(n + 1, 1);

	tarwrite_header(b, name, n);
	buf_add(b, data, n);
	tarwrite_padding(b, n);
}

TEST(tarwrite_makes_archives_that_others_read)
{
	AUTO_BUF struct buf b = BUF_INIT, want = BUF_INIT;
	char name[256];

	add_file(&b, "empty", 0);
	add_file(&b, "one", 1);
	add_file(&b, "block", 512);
	/* lengths around which the pax record's own length grows a digit */
	buf_adds(&want, "empty 0 0 0o644 b'0'\none 1 0 0o644 b'0'\nblock 512 0 0o644 "
			"b'0'\n");
	for (size_t n = 85; n < 256; n++) {
		memset(name, 'a' + (int)(n % 26), n);
		name[n] = '\0';
		add_file(&b, name, n);
		buf_addf(&want, "%s %zu 0 0o644 b'0'\n", name, n);
	}
	tarwrite_end(&b);
	CHECK_INT(b.len % 512, 0);
	check_listing(&b, want.data);
}

TEST(tarwrite_says_sizes_that_ustar_cannot)
{
	AUTO_BUF struct buf b = BUF_INIT;

	tarwrite_header(&b, "last", 077777777777);
	CHECK_INT(b.len, 512);
	CHECK(memcmp(b.data + 124, "77777777777", 12) == 0);
	b.len = 0;
	tarwrite_header(&b, "big", 0100000000000);
	CHECK_INT(b.len, 1536);
	CHECK(memcmp(b.data + 512, "19 size=8589934592\n", 20) == 0);
	CHECK(b.data[156] == 'x' && b.data[1024 + 156] == '0');
}
