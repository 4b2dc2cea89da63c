/* What comes out of layers: seen in the merged root of an image. */
#include <sys/xattr.h>

#include "tests/lib/image_test.h"

/* image-spec layer.md: "Whiteout files MUST only apply to resources in lower/parent
 * layers." */
TEST(whiteouts_act_on_lower_layers_only_in_any_order)
{
	struct fixture f = fixture_open();
	int root;

	python(&f, "low = Tar().add('f', data='1').add('g', data='1').add('h', data='1')"
		   ".add('d', 'd').add('d/old', data='o').add('e', 'd').add('e/old', "
		   "data='o').data()\n"
		   "up = Tar().add('.wh.f').add('f', data='2').add('g', "
		   "data='2').add('.wh.g')"
		   ".add('.wh.h').add('.wh.d').add('d', 'd').add('d/new', data='n')"
		   ".add('e', 'd').add('e/new', "
		   "data='n').add('.wh.e').add('.wh.nothing').data()\n"
		   "save('a.tar', [low, up])\n");
	root = root_of(&f, "a.tar");
	check_text(root, "f", "2");
	check_text(root, "g", "2");
	CHECK_STR(type_of(root, "h"), "");
	CHECK_STR(type_of(root, "d/old"), "");
	check_text(root, "d/new", "n");
	CHECK_STR(type_of(root, "e/old"), "");
	check_text(root, "e/new", "n");
}

TEST(opaque_directories_hide_lower_layers_wherever_the_mark_stands)
{
	struct fixture f = fixture_open();
	int root;

	python(&f, "low = Tar()\n"
		   "for d in 'abc': low.add(d, 'd', mode=0o750, uid=7).add(d + '/old', "
		   "data='o')\n"
		   "up = Tar().add('a', 'd').add('a/.wh..wh..opq').add('a/new', data='n')"
		   ".add('b', 'd').add('b/new', "
		   "data='n').add('b/.wh..wh..opq').add('c/.wh..wh..opq')\n"
		   "save('a.tar', [low.data(), up.data()])\n");
	root = root_of(&f, "a.tar");
	CHECK_STR(type_of(root, "a/old"), "");
	check_text(root, "a/new", "n");
	CHECK_STR(type_of(root, "b/old"), "");
	check_text(root, "b/new", "n");
	CHECK_STR(type_of(root, "c/old"), "");
	check_mode(root, "c", 0750, 7, 0);
}

TEST(opaque_root_hides_everything_below)
{
	struct fixture f = fixture_open();
	int root;

	python(&f, "save('a.tar', [base().data(), "
		   "Tar().add('.wh..wh..opq').add('only').data()])\n");
	root = root_of(&f, "a.tar");
	CHECK_STR(type_of(root, "etc"), "");
	CHECK_STR(type_of(root, "only"), "f");
}

TEST(later_entries_replace_earlier_ones)
{
	struct fixture f = fixture_open();
	int root;

	python(&f, "low = Tar().add('d2', 'd').add('d2/low', data='l').data()\n"
		   "t = Tar().add('f', data='1').add('f', data='2')\n"
		   "t.add('d', 'd').add('d/x', data='x').add('d', data='file')\n"
		   "t.add('g', data='file').add('g', 'd').add('g/x', data='x')\n"
		   "t.add('s', 'l', link='/etc').add('s', data='not through the link')\n"
		   "t.add('m', 'd', mode=0o700).add('m/x', data='x').add('m', 'd', "
		   "mode=0o711, uid=3)\n"
		   "t.add('d2', data='f').add('d2', 'd')\n"
		   "save('a.tar', [low, t.data()])\n");
	root = root_of(&f, "a.tar");
	check_text(root, "f", "2");
	check_text(root, "d", "file");
	check_text(root, "g/x", "x");
	check_text(root, "s", "not through the link");
	check_mode(root, "m", 0711, 3, 0);
	check_text(root, "m/x", "x");
	CHECK_STR(type_of(root, "d2"), "d");
	CHECK_STR(type_of(root, "d2/low"), ""); /* the file had replaced all of it */
}

TEST(metadata_is_kept)
{
	struct fixture f = fixture_open();
	char value[64];
	struct stat st;
	int root, fd;

	python(&f, "cap = bytes.fromhex('0100000200200000000000000000000000000000')\n"
		   "t = Tar().add('su', data='s', mode=0o4755).add('sg', data='s', "
		   "mode=0o2755, gid=4)\n"
		   "t.add('t', 'd', mode=0o1777).add('z', data='z', mode=0).add('zd', "
		   "'d', mode=0)\n"
		   "t.add('o', data='o', uid=65535, gid=65535).add('p', 'p', mode=0o622, "
		   "uid=5)\n"
		   "t.add('l', 'l', link='x' * 200, uid=9)\n"
		   "t.add('dir', 'd', mtime=1234567890.5).add('dir/x', data='x', "
		   "mtime=-1000)\n"
		   "t.add('xa', data='x', xattrs={'user.a': 'b\\0c', 'security.selinux': "
		   "'no'})\n"
		   "t.add('late', data='x', mtime=4102444800)\n"
		   "raw = t.data()\n"
		   "save('a.tar', [raw])\n");
	root = root_of(&f, "a.tar");
	check_mode(root, "su", 04755, 0, 0);
	check_mode(root, "sg", 02755, 0, 4);
	check_mode(root, "t", 01777, 0, 0);
	check_mode(root, "z", 0, 0, 0);
	check_mode(root, "zd", 0, 0, 0);
	check_mode(root, "o", 0644, 65535, 65535);
	check_mode(root, "p", 0622, 5, 0);
	check_mode(root, "l", 0777, 9, 0);
	CHECK_STR(type_of(root, "p"), "p");
	CHECK(fstatat(root, "dir", &st, 0) == 0);
	CHECK_INT(st.st_mtim.tv_sec, 1234567890);
	CHECK_INT(st.st_mtim.tv_nsec, 500000000);
	CHECK(fstatat(root, "dir/x", &st, 0) == 0 && st.st_mtim.tv_sec == -1000);
	CHECK(fstatat(root, "late", &st, 0) == 0 && st.st_mtim.tv_sec == 4102444800);
	fd = openat(root, "xa", O_RDONLY);
	CHECK_INT(fgetxattr(fd, "user.a", value, sizeof(value)), 3);
	CHECK(memcmp(value, "b\0c", 3) == 0);
	CHECK(fgetxattr(fd, "security.selinux", value, sizeof(value)) < 0);
}

TEST(capabilities_and_acls_are_kept)
{
	struct fixture f = fixture_open();
	char value[64];
	int root, fd;

	/* SCHILY.xattr values are bytes, which tarfile cannot write: records are made by
	 * hand. */
	python(&f, "def rec(k, v):\n"
		   "    n = len(k) + len(v) + 3\n"
		   "    while len(b'%d' % n) + len(k) + len(v) + 3 != n: "
		   "n = len(b'%d' % n) + len(k) + len(v) + 3\n"
		   "    return b'%d %s=%s\\n' % (n, k, v)\n"
		   "def hdr(name, typ, size):\n"
		   "    i = tarfile.TarInfo(name); i.type = typ; i.size = size\n"
		   "    return i.tobuf(tarfile.USTAR_FORMAT)\n"
		   "cap = bytes.fromhex('0100000200200000000000000000000000000000')\n"
		   "acl = bytes.fromhex('0200000001000600ffffffff02000400010000000400040"
		   "0ffffffff10000600ffffffff20000400ffffffff')\n"
		   "x = rec(b'SCHILY.xattr.security.capability', cap) + "
		   "rec(b'SCHILY.xattr.system.posix_acl_access', acl)\n"
		   "t = hdr('pax', b'x', len(x)) + x + bytes(-len(x) % 512) + hdr('f', "
		   "b'0', 0) + "
		   "bytes(1024)\n"
		   "save('a.tar', [t])\n");
	root = root_of(&f, "a.tar");
	fd = openat(root, "f", O_RDONLY);
	CHECK_INT(fgetxattr(fd, "security.capability", value, sizeof(value)), 20);
	CHECK_INT(fgetxattr(fd, "system.posix_acl_access", value, sizeof(value)), 44);
}

TEST(names_are_bytes)
{
	struct fixture f = fixture_open();
	int root;

	/* NFD must not become NFC, whatever the locale: e + U+0301 */
	setenv("LC_ALL", "C.UTF-8", 1);
	python(&f,
	       "t = Tar().add('e\\u0301', data='1').add('na\\u00efve\\u2603', data='2')\n"
	       "t.add('s', 'l', link='e\\u0301')\n"
	       "i = tarfile.TarInfo('x'); b = bytearray(i.tobuf(tarfile.USTAR_FORMAT))\n"
	       "b[0:4] = b'caf\\xe9'; b[148:156] = b' ' * 8\n"
	       "b[148:156] = b'%06o\\0 ' % sum(b)\n"
	       "raw = bytes(b) + t.data()\n"
	       "t = Tar(); t.tar.encoding = 'utf-8'; t.add('n' * 150 + '\\udce9', "
	       "data='3')\n"
	       "save('a.tar', [raw, t.data()])\n");
	root = root_of(&f, "a.tar");
	check_text(root, "e\xcc\x81", "1");
	check_text(root, "na\xc3\xafve\xe2\x98\x83", "2");
	CHECK_STR(type_of(root, "caf\xe9"), "f");
	check_text(root, "s", "1");
}

TEST(gnu_and_pax_long_names_and_sparse_files)
{
	struct fixture f = fixture_open();
	struct stat st;
	int root;

	python(&f,
	       "import subprocess\n"
	       "os.makedirs('in/' + 'd' * 120)\n"
	       "open('in/' + 'd' * 120 + '/' + 'f' * 120, 'w').write('long')\n"
	       "with open('in/sparse', 'wb') as s: s.seek(20 << 20); s.write(b'end'); "
	       "s.truncate(30 << 20)\n"
	       "def gnu(fmt): return subprocess.run(['tar', '-C', 'in', '--format=' + "
	       "fmt, '-S', "
	       "'--owner=0', '--group=0', '-c', '.'], stdout=subprocess.PIPE, "
	       "check=True).stdout\n"
	       "save('gnu.tar', [gnu('gnu')]); save('pax.tar', [gnu('pax')])\n");
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *d = mem_new(1, 300);

		memset(d, 'd', 120);
		d[120] = '/';
		memset(d + 121, 'f', 120);
		root = root_of(&f, i ? "pax.tar" : "gnu.tar");
		check_text(root, d, "long");
		CHECK(fstatat(root, "sparse", &st, 0) == 0);
		CHECK_INT(st.st_size, 30 << 20);
		CHECK(st.st_blocks * 512 < 1 << 20);
	}
}

TEST(hard_links_share_an_inode)
{
	struct fixture f = fixture_open();
	struct stat a, b, c;
	int root;

	python(&f,
	       "t = Tar().add('a', data='data').add('b', 'h', link='./a').add('d', 'd')"
	       ".add('d/c', 'h', link='/a').add('s', 'l', link='/nowhere').add('t', 'h', "
	       "link='s')\n"
	       "save('a.tar', [t.data()])\n");
	root = root_of(&f, "a.tar");
	CHECK(fstatat(root, "a", &a, 0) == 0 && fstatat(root, "b", &b, 0) == 0 &&
	      fstatat(root, "d/c", &c, 0) == 0);
	CHECK_INT(a.st_nlink, 3);
	CHECK(a.st_ino == b.st_ino && a.st_ino == c.st_ino);
	CHECK_STR(type_of(root, "t"), "l");
}

TEST(a_layer_that_needs_those_below_is_keyed_by_its_chain)
{
	struct fixture f = fixture_open();
	struct image *img;
	struct stat st;
	int root;

	python(&f, "low = Tar().add('etc', 'd', mode=0o750, uid=3, gid=4, "
		   "xattrs={'user.x': 'y'})"
		   ".add('etc/a', data='a', uid=5, mode=0o4711).add('etc/dead', data='d')"
		   ".add('usr', 'd').add('usr/lib', 'd', mode=0o711).add('lib', 'l', "
		   "link='usr/lib')\n"
		   "up = Tar().add('etc/b', data='b').add('lib/x', "
		   "data='x').add('new/y', data='y')"
		   ".add('link', 'h', link='etc/a').add('etc/.wh.dead')\n"
		   "save('a.tar', [low.data(), up.data()])\n");
	img = load(&f, "a.tar");
	CHECK(!str_starts(img->layers.v[0], "chain-"));
	CHECK(str_starts(img->layers.v[1], "chain-"));
	root = merged(&f, img);
	check_mode(root, "etc", 0750, 3, 4);
	check_text(root, "etc/b", "b");
	CHECK_STR(type_of(root, "etc/dead"), "");
	CHECK_STR(type_of(root, "lib"), "l");
	check_text(root, "usr/lib/x", "x");
	check_mode(root, "usr/lib", 0711, 0, 0);
	check_mode(root, "new", 0755, 0, 0);
	check_mode(root, "link", 04711, 5, 0);
	check_text(root, "link", "a");
	CHECK(fstatat(root, "etc/a", &st, 0) == 0 && st.st_nlink == 2);
	image_free(img);
	img = load(&f, "a.tar"); /* found again by both keys */
	CHECK_INT(count_names(&f, "layers"), 2);
	image_free(img);
}

/* overlayfs shows the uppermost layer's root; a layer without an entry for it says
 * nothing. */
TEST(the_root_keeps_the_mode_of_the_layer_that_states_it)
{
	struct fixture f = fixture_open();
	int root;

	python(&f,
	       "save('a.tar', [Tar().add('./', 'd', mode=0o711, uid=6).add('a').data(), "
	       "Tar().add('b').data(), Tar().add('c').data()])\n"
	       "save('b.tar', [Tar().add('a').data(), Tar().add('./', 'd', "
	       "mode=0o700).data()])\n"
	       "save('c.tar', [Tar().add('./', 'd', mode=0o711, uid=6).add('a').data(), "
	       "Tar().add('./', 'd').add('b').data()])\n");
	root = root_of(&f, "a.tar");
	check_mode(root, ".", 0711, 6, 0);
	CHECK_STR(type_of(root, "c"), "f");
	check_mode(root_of(&f, "b.tar"), ".", 0700, 0, 0);
	check_mode(root_of(&f, "c.tar"), ".", 0755, 0, 0);
}

TEST(links_of_a_layer_stay_inside_the_root)
{
	struct fixture f = fixture_open();
	char code[PATH_MAX * 2];
	int root;

	CHECK(mkdirat(f.dir, "outside", 0755) == 0);
	snprintf(code, sizeof(code),
		 "out = '%s/outside'\n"
		 "save('a.tar', [base().add('l', 'l', link=out).add('l/x', data='x')"
		 ".add('m', 'l', link='../' * 30 + out[1:]).add('m/y', "
		 "data='y').data()])\n"
		 "save('b.tar', [base().add('l', 'l', link=out).data(), "
		 "Tar().add('l/x', data='x').add('l/.wh.z').data()])\n",
		 f.path);
	python(&f, code);
	root = root_of(&f, "a.tar");
	snprintf(code, sizeof(code), "%s/outside/x", f.path + 1);
	check_text(root, code, "x");
	snprintf(code, sizeof(code), "%s/outside/y", f.path + 1);
	check_text(root, code, "y");
	root = root_of(&f, "b.tar");
	snprintf(code, sizeof(code), "%s/outside/x", f.path + 1);
	check_text(root, code, "x");
	CHECK_INT(unlinkat(f.dir, "outside", AT_REMOVEDIR), 0); /* still empty */
}

TEST(entries_that_cannot_be_are_refused_by_name)
{
	static const struct {
		const char *entry, *text;
	} t[] = {
		{ "add('etc/../../x')", "leads out of the root" },
		{ "add('../..', 'd', mode=0o777)", "leads out of the root" },
		{ "add('.', 'l', link='/tmp')", "replace the root" },
		{ "add('.', data='x')", "replace the root" },
		{ "add('h', 'h', link='no/such')", "hard link's target 'no/such'" },
		{ "add('h', 'h', link='h')", "hard link to itself" },
		{ "add('h', 'h', link='etc')", "hard link to the directory" },
		{ "add('h', 'h', link='../x')", "leads out of the root" },
		{ "add('x', uid=65536)", "owner 65536:0" },
		{ "add('x', gid=1 << 40)", "owner 0:1099511627776" },
		{ "add('etc/.wh.')", "whiteout of nothing" },
		{ "add('etc/.wh...')", "whiteout of nothing" },
		{ "add('w', 'c')", "overlayfs's own whiteout" },
		{ "add('x', xattrs={'trusted.overlay.opaque': 'y'})", "overlayfs's own" },
		{ "add('x', xattrs={'user.overlay.redirect': 'y'})", "overlayfs's own" },
		{ "add('etc/a/b', data='x')", "Not a directory" },
		{ "add('n' * 300)", "File name too long" },
		{ "add('d/' * 600 + 'f')", "500 levels" },
		{ "add('a', 'l', link='b').add('b', 'l', link='a').add('a/x')",
		  "symbolic links" },
	};
	struct fixture f = fixture_open();

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_FREE char *code =
			str_fmt("save('a.tar', [base().%s.data()])\n", t[i].entry);

		python(&f, code);
		refuse(&f, "a.tar", t[i].text);
		refuse(&f, "a.tar", "entry '");
		refuse(&f, "a.tar", "layer 'sha256:");
	}
}

TEST(device_nodes_and_aufs_metadata_are_left_out)
{
	struct fixture f = fixture_open();
	int root;

	python(&f, "save('a.tar', [base().add('null', 'c', dev=(1, 3)).add('sda', 'b', "
		   "dev=(8, 0))"
		   ".add('.wh..wh.plnk', "
		   "'d').add('.wh..wh.plnk/1.2').add('.wh..wh.aufs').data()])\n");
	root = root_of(&f, "a.tar");
	CHECK_STR(type_of(root, "null"), "");
	CHECK_STR(type_of(root, "sda"), "");
	CHECK_STR(type_of(root, ".wh..wh.plnk"), "");
	check_text(root, "etc/a", "a");
}

TEST(damaged_tar_data_is_refused)
{
	struct fixture f = fixture_open();

	python(&f,
	       "save('a.tar', [b'hello, world\\n' * 200])\n"
	       "b = bytearray(base().data()); b[512] ^= 1; save('b.tar', [bytes(b)])\n"
	       "save('c.tar', [base().add('big', data=b'x' * 100000).data()[:50000]])\n");
	refuse(&f, "a.tar", "Unrecognized archive format");
	refuse(&f, "b.tar", "tar data is damaged");
	refuse(&f, "c.tar", "damaged in entry 'big'");
}

TEST(empty_layers_and_trailing_bytes_are_taken)
{
	struct fixture f = fixture_open();
	int root;

	python(&f, "save('a.tar', [base().data(), b'', bytes(1024), "
		   "Tar().add('z').data() + b'x' * 999])\n"
		   "save('b.tar', [base().data()], how='none'); save('c.tar', "
		   "[base().data()], how='zstd')\n");
	root = root_of(&f, "a.tar");
	check_text(root, "etc/a", "a");
	CHECK_STR(type_of(root, "z"), "f");
	check_text(root_of(&f, "b.tar"), "etc/a", "a");
	check_text(root_of(&f, "c.tar"), "etc/a", "a");
}
