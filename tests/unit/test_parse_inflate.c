/* Decompression by the first bytes. */
#include "images/parse/inflate.h"
#include "images/parse/magic.h"
#include "runtime/base/str.h"
#include "tests/lib/python.h"

/* Everything the stream gives; the result of the last call in @ret. */
static char *drain(int fd, ssize_t *ret, struct err *e)
{
	struct inflate *in = NULL;
	AUTO_BUF struct buf b = BUF_INIT;
	const void *data;

	*ret = inflate_open(fd, &in, e);
	while (in && (*ret = inflate_next(in, &data, e)) > 0)
		buf_add(&b, data, (size_t)*ret);
	inflate_free(in);
	return buf_take(&b);
}

static char *drain_file(int dir, const char *name, ssize_t *ret, struct err *e)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	return drain(fd, ret, e);
}

TEST(inflate_reads_all_members_and_frames)
{
	int dir = scratch_dir();
	static const char *const names[] = { "plain", "gz",    "gz2", "gzpad",
					     "zst",   "empty", "one" };
	static const char *const want[] = { "hello", "hello", "hello", "hello",
					    "hello", "",      "h" };

	run_python(dir,
		   "z = lambda b: compress(b, 'zstd')\n"
		   "g = gzip.compress\n"
		   "for n, b in (('plain', b'hello'), ('gz', g(b'hello')), ('empty', "
		   "b''), ('one', b'h'),\n"
		   "  ('gz2', g(b'he') + g(b'') + g(b'llo')), ('gzpad', g(b'hello') + "
		   "bytes(500)),\n"
		   "  ('zst', z(b'hel') + z(b'lo'))): open(n, 'wb').write(b)\n");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err e = ERR_INIT;
		ssize_t r;
		AUTO_FREE char *got = drain_file(dir, names[i], &r, &e);

		CHECK_OK((int)r, &e);
		CHECK_STR(got, want[i]);
	}
}

TEST(inflate_refuses_damage)
{
	int dir = scratch_dir();
	static const char *const t[][2] = {
		{ "cut", "cut short" },  { "crc", "damaged" }, { "tail", "bytes follow" },
		{ "zcut", "cut short" }, { "xz", "xz" },       { "bz", "bzip2" }
	};

	run_python(dir,
		   "import lzma, bz2\n"
		   "b = os.urandom(3000); g = gzip.compress(b); c = bytearray(g); c[-8] "
		   "^= 1\n"
		   "for n, d in (('cut', g[:-60]), ('crc', bytes(c)), ('tail', g + "
		   "b'garbage'),\n"
		   "  ('zcut', compress(b, 'zstd')[:-5]), ('xz', lzma.compress(b)),\n"
		   "  ('bz', bz2.compress(b))): open(n, 'wb').write(d)\n");
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = ERR_INIT;
		ssize_t r;
		AUTO_FREE char *got = drain_file(dir, t[i][0], &r, &e);

		CHECK_INT(r, -EINVAL);
		if (!strstr(err_text(&e), t[i][1]))
			test_fail(__FILE__, __LINE__, "%s: '%s'", t[i][0], err_text(&e));
	}
}

/* The magic bytes may come one at a time. */
TEST(inflate_reads_a_slow_pipe)
{
	int dir = scratch_dir();
	struct err e = ERR_INIT;
	int p[2];
	ssize_t r;
	AUTO_FREE char *got = NULL;

	run_python(dir, "open('gz', 'wb').write(gzip.compress(b'hello'))\n");
	CHECK(pipe(p) == 0);
	if (fork() == 0) {
		int fd = openat(dir, "gz", O_RDONLY);
		char c;

		while (read(fd, &c, 1) == 1 && write(p[1], &c, 1) == 1)
			usleep(2000);
		_exit(0);
	}
	close(p[1]);
	got = drain(p[0], &r, &e);
	CHECK_OK((int)r, &e);
	CHECK_STR(got, "hello");
}

TEST(tar_is_told_by_its_first_header)
{
	static const char *const t[] = { "USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT" };
	unsigned char block[MAGIC_TAR_SIZE] = { 0 };
	int dir = scratch_dir();

	CHECK(!magic_is_tar(block));
	memset(block, 'y', sizeof(block));
	CHECK(!magic_is_tar(block));
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_FREE char *code =
			str_fmt("with tarfile.open('t', 'w', format=tarfile.%s) as t:\n"
				"    m = tarfile.TarInfo('n\\xe4me' * 10)\n"
				"    m.uid = 70000000 * %zu\n"
				"    t.addfile(m)\n",
				t[i], i);
		AUTO_BUF struct buf b = BUF_INIT;
		struct err e = ERR_INIT;

		run_python(dir, code);
		CHECK_OK(fd_read_file(dir, "t", 1 << 20, &b, &e), &e);
		CHECK(b.len > sizeof(block) && magic_is_tar((const void *)b.data));
		b.data[0] ^= 1;
		CHECK(!magic_is_tar((const void *)b.data));
	}
}
