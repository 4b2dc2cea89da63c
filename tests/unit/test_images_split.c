/* tests/unit/test_images_split.c - a stream taken apart and made again. */
#include "images/layer/split.h"

#include <sys/types.h>

#include "tests/lib/test.h"

/* A layer's directory with fs/, and the stream as it should come out again. */
struct lab {
	int dir, fs;
	struct split_writer *w;
	struct buf want, got, faults;
};

static struct lab lab_open(void)
{
	struct lab l = { .dir = scratch_dir() };
	struct err e = ERR_INIT;

	CHECK_OK(fd_mkdir(l.dir, "fs", 0755, &l.fs, &e), &e);
	CHECK_OK(split_create(l.dir, &l.w, &e), &e);
	return l;
}

static void raw(struct lab *l, const void *data, size_t n)
{
	struct err e = ERR_INIT;

	buf_add(&l->want, data, n);
	CHECK_OK(split_raw(l->w, data, n, &e), &e);
}

/* @n bytes made from @seed go to @path at @at, in pieces of @step. */
static void data(struct lab *l, const char *path, unsigned seed, uint64_t at, size_t n,
		 size_t step)
{
	AUTO_CLOSE int fd = openat(l->fs, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char *bytes = mem_new(n, 1);
	struct err e = ERR_INIT;

	CHECK(fd >= 0);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(seed + i * 7 + i / 251);
	CHECK(pwrite(fd, bytes, n, (off_t)at) == (ssize_t)n);
	buf_add(&l->want, bytes, n);
	for (size_t i = 0; i < n; i += step)
		CHECK_OK(split_data(l->w, path, at + i, bytes + i,
				    n - i < step ? n - i : step, &e),
			 &e);
	free(bytes);
}

static void moved(struct lab *l, const char *path)
{
	struct err e = ERR_INIT;
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *up =
		slash ? str_ndup(path, (size_t)(slash - path)) : str_dup(".");
	AUTO_CLOSE int dir = openat(l->fs, up, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(dir >= 0);
	CHECK_OK(split_moved(l->w, dir, slash ? slash + 1 : path, path, &e), &e);
	CHECK(faccessat(l->fs, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0);
}

static void finish(struct lab *l)
{
	struct err e = ERR_INIT;
	uint64_t n = 0, again = 0;

	CHECK_OK(split_finish(l->w, &n, &e), &e);
	split_free(l->w);
	CHECK_INT(n, l->want.len);
	CHECK_OK(split_bytes(l->dir, &again, &e), &e);
	CHECK_INT(again, n);
}

static int keep(void *arg, const void *bytes, size_t n, struct err *e)
{
	struct lab *l = arg;

	CHECK(n > 0 && e->code == 0);
	buf_add(&l->got, bytes, n);
	return 0;
}

static void check_same(struct lab *l)
{
	struct err e = ERR_INIT;

	struct split_reader to = { keep, NULL, l };

	CHECK_OK(split_replay(l->dir, &to, &e), &e);
	CHECK_INT(l->got.len, l->want.len);
	CHECK(l->want.len == 0 || memcmp(l->got.data, l->want.data, l->want.len) == 0);
}

static void check_fails(struct lab *l, const char *text)
{
	struct err e = ERR_INIT;

	struct split_reader to = { keep, NULL, l };

	CHECK(split_replay(l->dir, &to, &e) < 0);
	CHECK_STR(err_text(&e), text);
}

TEST(split_gives_back_an_empty_stream)
{
	struct lab l = lab_open();

	finish(&l);
	check_same(&l);
	CHECK_INT(l.got.len, 0);
}

TEST(split_gives_back_headers_and_content_in_order)
{
	struct lab l = lab_open();
	char header[512];

	CHECK(mkdirat(l.fs, "d", 0755) == 0);
	memset(header, 'h', sizeof(header));
	raw(&l, header, sizeof(header));
	data(&l, "d/big", 1, 0, 700001, 4096);
	raw(&l, header, 111);
	raw(&l, header, sizeof(header));
	data(&l, "small", 2, 0, 1, 1);
	/* sparse: the gaps are not in the stream */
	data(&l, "sparse", 3, 1 << 20, 5000, 5000);
	data(&l, "sparse", 4, 5 << 20, 300000, 77777);
	/* one after the other without any byte between, and a file come back to */
	data(&l, "d/big", 5, 700001, 10, 3);
	raw(&l, header, 1);
	finish(&l);
	check_same(&l);
}

TEST(split_keeps_more_raw_bytes_than_any_buffer)
{
	struct lab l = lab_open();
	size_t n = 1000003;
	char *bytes = mem_new(n, 1);
	unsigned x = 1;

	for (size_t i = 0; i < n; i++) { /* does not compress */
		x = x * 1103515245 + 12345;
		bytes[i] = (char)(x >> 16);
	}
	raw(&l, bytes, 3);
	raw(&l, bytes, n);
	raw(&l, bytes, 64 << 10);
	free(bytes);
	finish(&l);
	check_same(&l);
}

TEST(split_finds_what_was_replaced)
{
	struct lab l = lab_open();

	data(&l, "a", 1, 0, 100, 100);
	moved(&l, "a");
	data(&l, "a", 2, 0, 50, 50);
	moved(&l, "a");
	/* now a directory stands there, and goes away with what was replaced within */
	CHECK(mkdirat(l.fs, "a", 0755) == 0);
	data(&l, "a/x", 3, 0, 10, 10);
	moved(&l, "a/x");
	data(&l, "a/x", 4, 0, 20, 20);
	data(&l, "a/y", 5, 0, 30, 30);
	moved(&l, "a");
	CHECK(mkdirat(l.fs, "a", 0755) == 0);
	data(&l, "a/x", 6, 0, 40, 40);
	moved(&l, "a/x");
	data(&l, "a/x", 7, 0, 5, 5);
	/* a name that only begins alike */
	data(&l, "ab", 8, 0, 6, 6);
	raw(&l, "end", 3);
	finish(&l);
	check_same(&l);
	CHECK(faccessat(l.dir, "replaced/4", F_OK, 0) == 0);
	CHECK(faccessat(l.dir, "replaced/5", F_OK, 0) < 0);
}

TEST(split_bounds_what_a_layer_may_replace)
{
	struct lab l = lab_open();
	char name[256];
	struct err e = ERR_INIT;
	unsigned long n = 0;
	int r = 0;

	memset(name, 'n', 255);
	name[255] = '\0';
	for (; r == 0 && n < 40000; n++) {
		AUTO_CLOSE int fd =
			openat(l.fs, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		CHECK(fd >= 0);
		r = split_moved(l.w, l.fs, name, name, &e);
	}
	CHECK_INT(r, -E2BIG);
	CHECK(n > 30000);
	CHECK(strstr(err_text(&e), "replaces more than") != NULL);
	CHECK(faccessat(l.fs, name, F_OK, 0) == 0);
	split_free(l.w);
}

TEST(split_names_what_is_missing)
{
	struct lab l = lab_open();
	struct err e = ERR_INIT;

	data(&l, "f", 1, 0, 100, 100);
	data(&l, "r", 2, 0, 100, 100);
	moved(&l, "r");
	data(&l, "r", 3, 0, 9, 9);
	finish(&l);
	CHECK(renameat(l.dir, "replaced/0", l.dir, "aside") == 0);
	check_fails(&l, "'replaced/0' is missing");
	CHECK(renameat(l.dir, "aside", l.dir, "replaced/0") == 0);

	CHECK(unlinkat(l.fs, "f", 0) == 0);
	check_fails(&l, "'fs/f' is missing");
	CHECK(mkfifoat(l.fs, "f", 0600) == 0); /* must not block either */
	check_fails(&l, "'fs/f' is no file any more");
	CHECK(unlinkat(l.fs, "f", 0) == 0);
	CHECK(symlinkat("r", l.fs, "f") == 0);
	check_fails(&l, "'fs/f' is no file any more");
	CHECK(unlinkat(l.fs, "f", 0) == 0);
	CHECK_OK(fd_write_file(l.fs, "f", "short", 5, 0600, &e), &e);
	check_fails(&l, "'fs/f' is too short");
}

static void note(void *arg, const char *path, const char *what)
{
	struct lab *l = arg;

	buf_addf(&l->faults, "%s %s; ", path, what);
}

TEST(split_goes_on_past_faults_when_asked)
{
	struct lab l = lab_open();
	struct split_reader to = { keep, note, &l };
	struct err e = ERR_INIT;

	for (const char *name = "abcdef"; *name; name++) {
		char path[2] = { *name };

		raw(&l, "header", 6);
		data(&l, path, 1, 0, 300000, 1000);
	}
	finish(&l);
	CHECK(unlinkat(l.fs, "a", 0) == 0);
	CHECK_OK(fd_write_file(l.fs, "b", "short", 5, 0600, &e), &e);
	{
		AUTO_CLOSE int fd = openat(l.fs, "d", O_WRONLY | O_CLOEXEC);

		CHECK(pwrite(fd, "?", 1, 299999) == 1); /* the last byte */
	}
	CHECK(unlinkat(l.fs, "e", 0) == 0 && mkdirat(l.fs, "e", 0755) == 0);
	CHECK_OK(split_replay(l.dir, &to, &e), &e);
	CHECK_STR(l.faults.data, "fs/a is missing; fs/b is too short; fs/d has changed; "
				 "fs/e is no file any more; ");
	CHECK_INT(l.got.len, l.want.len);
}

static int third(void *arg, const void *bytes, size_t n, struct err *e)
{
	(void)bytes, (void)n;
	return ++*(int *)arg == 3 ? err_msg(e, EPIPE, "enough") : 0;
}

TEST(split_replay_ends_when_the_sink_has_enough)
{
	struct lab l = lab_open();
	struct err e = ERR_INIT;
	int calls = 0;
	struct split_reader to = { third, NULL, &calls };

	for (int i = 0; i < 5; i++) {
		raw(&l, "x", 1);
		data(&l, "f", 1, 0, 9, 9);
	}
	finish(&l);
	CHECK_INT(split_replay(l.dir, &to, &e), -EPIPE);
	CHECK_STR(err_text(&e), "enough");
	CHECK_INT(calls, 3);
}

TEST(split_says_when_there_is_no_stream)
{
	struct lab l = lab_open();
	struct split_reader to = { keep, NULL, &l };
	struct err e = ERR_INIT;
	uint64_t n;

	raw(&l, "x", 1);
	split_free(l.w); /* never finished */
	check_fails(&l, "'stream.zst' is damaged");
	CHECK(unlinkat(l.dir, SPLIT_FILE, 0) == 0);
	CHECK_INT(split_replay(l.dir, &to, &e), SPLIT_E_NONE);
	CHECK_INT(split_bytes(l.dir, &n, &e), SPLIT_E_NONE);
	CHECK_INT(l.got.len, 0);
}

static int count(void *arg, const void *bytes, size_t n, struct err *e)
{
	(void)bytes, (void)e;
	*(size_t *)arg += n;
	return 0;
}

/* Cut short anywhere, or with any byte changed: an error, or the same number of bytes
 * (zstd's frames here carry no checksum; the digest over the stream is the judge). */
TEST(split_survives_a_damaged_stream)
{
	struct lab l = lab_open();
	AUTO_BUF struct buf whole = BUF_INIT;
	struct err e = ERR_INIT;
	size_t refused = 0;

	raw(&l, "header", 6);
	data(&l, "f", 1, 0, 1000, 10);
	moved(&l, "f");
	data(&l, "f", 2, 0, 2000, 2000);
	raw(&l, "tail", 4);
	finish(&l);
	CHECK_OK(fd_read_file(l.dir, SPLIT_FILE, 1 << 20, &whole, &e), &e);
	for (size_t i = 0; i < 2 * whole.len; i++) {
		AUTO_BUF struct buf bad = BUF_INIT;
		size_t got = 0, at = i / 2;
		struct split_reader to = { count, NULL, &got };
		int r;

		buf_add(&bad, whole.data, i % 2 ? at : whole.len);
		if (i % 2 == 0)
			bad.data[at] = (char)(bad.data[at] ^ 0x55);
		CHECK_OK(fd_write_file(l.dir, SPLIT_FILE, bad.data, bad.len, 0600, &e),
			 &e);
		r = split_replay(l.dir, &to, &e);
		CHECK(r < 0 || (r == 0 && got == l.want.len));
		CHECK(r == 0 || e.code);
		CHECK(i % 2 == 0 || r < 0);
		refused += r < 0;
		err_clear(&e);
	}
	CHECK(refused > whole.len);
}
