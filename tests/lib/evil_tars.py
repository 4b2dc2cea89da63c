"""evil_tars.py - layers whose bytes are wrong or odd: tar headers, PAX, GNU, sparse files, numbers,
attributes, compression, bombs.

POSIX pax(1) says what a header means, RFC 1952 and 8878 what gzip and zstd are; layer.md which of
it a layer may hold.
"""
import base64
import hashlib
import struct
import zlib

from evil import MARK, Group, d, f, inside, ln, sized
from evil_make import (END, TIME, ZSTD_MAGIC, Oci, base, base256, file, folder, gnu_long, gz,
                       gz_member, hard, header, layer, oci, old_sparse, padded, pax,
                       pax_sparse, record, symlink, tar, xattrs, zst, zst_skip)

g = Group("tar")
g.reject("checksum", "a header's checksum is wrong", file("x", "x", checksum=b"000001\0 "))
g.reject("checksum-text", "or no number", file("x", "x", checksum=b"hello!!!"))
g.reject("text", "a layer of text", [b"hello, world\n" * 200])
g.reject("noise", "a layer of noise", [hashlib.sha512(b"x").digest() * 100])
g.reject("cut-header", "cut within a header", lambda: oci(
        [layer(file("x", "x"))[:-1024 - 512 - 300]]))
g.reject("cut-data", "cut within a file's data", lambda: oci(
        [(base() + file("x", "x" * 5000))[:-3000]]), entry="x")
g.contain("cut-padding", "cut within the padding after it",
          lambda: oci([(base() + file("x", "x"))[:-300]]), plus={"x": f("x")})
g.contain("no-end", "no blocks of zeros at the end", lambda: oci([base()]), plus={})
g.contain("one-zero-block", "one block of zeros instead of two", lambda: oci([base() + bytes(512)]),
          plus={})
g.accept("empty", "nothing but the end: an empty layer", lambda: oci([layer(), tar()]), plus={})
g.accept("no-bytes", "a layer of no bytes", lambda: oci([layer(), b""], how="none"), plus={})
g.accept("trailing", "bytes after the end; they count for the diffID",
         lambda: oci([layer() + b"trailing" * 100]), plus={})
g.accept("second-archive", "a second archive after the end is not read",
         lambda: oci([layer() + tar(file(MARK, "x"))]), plus={})
g.accept("many-zeros", "a tail of zeros as tar's blocking factor makes",
         lambda: oci([layer() + bytes(10240)]), plus={})
g.reject("garbage-between", "a block of noise between two entries", b"\xa5" * 512 + file("x", "x"))
g.accept("zero-block-inside", "after one block of zeros the archive may not go on",
         lambda: oci([base() + bytes(1024) + file("x", "x") + END]), plus={})
g.accept("v7", "headers from before ustar", file("x", "x", magic=bytes(8)), plus={"x": f("x")})
g.accept("gnu-magic", "GNU's own magic", file("x", "x", magic=b"ustar  \0"), plus={"x": f("x")})
g.accept("name-100", "a name that fills its field without NUL", file("n" * 100, "x"),
         plus={"n" * 100: f("x")})
g.accept("link-100", "a target that fills its field", symlink("s", "t" * 100),
         plus={"s": ln("t" * 100)})
g.accept("prefix", "ustar's prefix: 155 and 100 bytes", file("n" * 100, "x", prefix=b"p" * 155),
         plus={"p" * 155: {**d(), "mtime": "any"}, "p" * 155 + "/" + "n" * 100: f("x")})
g.accept("user-names", "names of owners say nothing", file("x", "x", uname=b"root\0\xff",
        gname=b"../../x", uid=5), plus={"x": f("x", uid=5)})
g.accept("duplicate-1e5", "100000 entries of one name: the last holds, in linear time",
         lambda: oci([layer(file("x", "1") * 100000, file("x", "last"))]), plus={"x": f("last")})
g.accept("duplicate-directories", "20000 times the same directory",
         lambda: oci([layer(folder("a") * 20000, folder("a", mode=0o700))]), plus={"a": d(0o700)})
g.accept("duplicate-attributes", "a later directory entry changes mode, owner and time",
         folder("a", mode=0o777, uid=1) + folder("a", mode=0o700, mtime=5),
         plus={"a": d(0o700, mtime=5)})
g.accept("many-files", "20000 files in one directory", lambda: oci(
        [layer(folder("m"), *[file("m/%d" % i) for i in range(20000)])]),
         plus={"m": d(), **{"m/%d" % i: f() for i in range(20000)}})
for what, made in (("cpio", b"070701" + b"0" * 104 + b"TRAILER!!!\0" + bytes(600)),
                   ("zip", b"PK\3\4" + bytes(600)), ("mtree",
        b"#mtree\n./x type=file contents=/etc/shadow\n" * 30), ("ar", b"!<arch>\n" + b"x" * 600),
                   ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(600)),
                   ("rar", b"Rar!\x1a\x07\x00" + bytes(600)),
                   ("warc", b"WARC/1.0\r\n" + b"x" * 600),
                   ("shar", b"#!/bin/sh\n: shar\n" + b"x" * 600),
                   ("iso", bytes(32768) + b"\1CD001\1\0" + bytes(4096))):
    g.reject("format-" + what, "libarchive reads %s too; a layer may not be one" % what,
             [made] if what != "iso" else (lambda m=made: oci([b"x" + m])))

g = Group("numbers")
g.reject("uid-2-40", "a uid that no kernel has", pax({"uid": str(1 << 40)}) + file("x"), entry="x")
g.reject("uid-2-32", "2^32, which would wrap to root", pax({"uid": str(1 << 32)}) + file("x"),
         entry="x")
g.reject("gid-2-32", "the same for the group", pax({"gid": str(1 << 32)}) + file("x"), entry="x")
g.reject("uid-65536", "an id no container has", file("x", uid=65536), entry="x")
g.reject("gid-65536", "a group no container has", folder("x", gid=65536), entry="x")
g.accept("id-65535", "the last id it has", file("x", uid=65535, gid=65535),
         plus={"x": f(uid=65535, gid=65535)})
g.reject("uid-negative-pax", "a negative uid", pax({"uid": "-5"}) + file("x"), entry="x")
g.reject("uid-negative-base256", "the same in binary", file("x", uid=base256(-1, 8)), entry="x")
g.reject("uid-huge-base256", "2^40 in binary", file("x", uid=base256(1 << 40, 8)), entry="x")
g.accept("id-base256", "small numbers may be binary, too",
         file("x", uid=base256(7, 8), gid=base256(8, 8), mtime=base256(TIME, 12)),
         plus={"x": f(uid=7, gid=8)})
g.accept("id-pax-over-header", "PAX overrides the header's number",
         pax({"uid": "7"}) + file("x", uid=3, gid=4), plus={"x": f(uid=7, gid=4)})
g.reject("uid-symlink", "a link's owner counts as well", symlink("s", "etc", uid=65536), entry="s")
g.contain("uid-letters", "a uid of letters", file("x", uid=b"hello!!\0"))
g.contain("uid-pax-letters", "the same in PAX", pax({"uid": "hello"}) + file("x"))
g.contain("uid-pax-empty", "an empty number", pax({"uid": ""}) + file("x", uid=3))
g.accept("spaces", "numbers may be padded by blanks", file("x", mode=b"   644 \0", uid=b"     7 \0",
        mtime=b"%11o " % TIME), plus={"x": f(uid=7)})
g.accept("mode-with-type", "bits of the type in the mode", file("x", mode=0o100755),
         plus={"x": f(mode=0o755)})
g.accept("mode-sticky", "set-uid, set-gid and sticky", file("u", "u", mode=0o4755) +
         file("g", "g", mode=0o2755, uid=3, gid=4) + folder("t", mode=0o1777) +
         folder("s", mode=0o2775, gid=9), plus={"u": f("u", 0o4755),
        "g": f("g", 0o2755, uid=3, gid=4), "t": d(0o1777), "s": d(0o2775, gid=9)})
g.accept("mode-0", "no rights at all", file("x", "x", mode=0) + folder("y", mode=0) +
         file("y/z", "z", mode=0), plus={"x": f("x", 0), "y": d(0), "y/z": f("z", 0)})
g.accept("setgid-parent", "a set-gid directory does not pass on its group",
         folder("s", mode=0o2777, gid=9) + file("s/x") + folder("s/y") + file("s/z/w"),
         plus={"s": d(0o2777, gid=9), "s/x": f(), "s/y": d(), "s/z": {**d(), "mtime": "any"},
               "s/z/w": f()})
g.accept("root-entry", "the root's own mode, owner and time",
         [tar(folder("./", mode=0o711, uid=3, gid=4, mtime=99)), tar(file("x"))],
         tree={"": d(0o711, uid=3, gid=4, mtime="any"), "x": f()})
g.accept("parent-attributes", "a parent without entry is as below",
         [layer(xattrs({"user.k": "v"}) + folder("a", mode=0o2750, uid=3, gid=4)),
          tar(file("a/x"))], plus={"a": d(0o2750, uid=3, gid=4, mtime="any",
            xattrs={"user.k": b"v"}), "a/x": f()})
g.accept("mtime-0", "the first second", file("x", mtime=0), plus={"x": f(mtime=0)})
g.accept("mtime-before-1970", "PAX has negative times", pax({"mtime": "-1000"}) + file("x"),
         plus={"x": f(mtime=-1000)})
g.accept("mtime-base256-negative", "and so has GNU", file("x", mtime=base256(-1000, 12)),
         plus={"x": f(mtime=-1000)})
g.accept("mtime-ns", "nanoseconds, of every kind of file",
         pax({"mtime": "1234567890.123456789"}) + file("x") + pax({"mtime": "5.000000001"}) +
         folder("y") + pax({"mtime": "7.5"}) + symlink("s", "x"),
         plus={"x": f(mtime=1234567890, ns=123456789), "y": d(mtime=5, ns=1),
               "s": ln("x", mtime=7, ns=500000000)})
g.accept("mtime-fraction-long", "more digits than nanoseconds are cut",
         pax({"mtime": "5.12345678999"}) + file("x"), plus={"x": f(mtime=5, ns=123456789)})
g.accept("mtime-fraction-negative", "-1.5 is one and a half before",
         pax({"mtime": "-1.5"}) + file("x"), plus={"x": f(mtime=-2, ns=500000000)})
g.accept("mtime-2100", "after 2038", pax({"mtime": "4102444800"}) + file("x") +
         file("y", mtime=4102444800), plus={"x": f(mtime=4102444800), "y": f(mtime=4102444800)})
g.contain("mtime-huge", "the end of time", file("x", mtime=base256(1 << 62, 12)) +
          pax({"mtime": "9" * 30}) + file("y"))
g.contain("mtime-text", "a time of letters", pax({"mtime": "yesterday"}) + file("x"))
g.contain("mtime-nan", "not a number", pax({"mtime": "nan"}) + file("x") + pax({"mtime": "1e9"}) +
          file("y"))
g.accept("mtime-directory-late", "a directory's time is set after its files",
         folder("a", mtime=5) + file("a/x") + file("a/y"),
         plus={"a": d(mtime=5), "a/x": f(), "a/y": f()})
g.accept("atime-ctime", "other times are left alone", pax(
        {"atime": "1", "ctime": "2", "comment": "x"}) + file("x"), plus={"x": f()})
g.reject("size-octal", "8 GiB announced, nothing there",
         lambda: oci([base() + header("x", "0", b"77777777777\0") + bytes(1024)]), entry="x")
g.reject("size-base256", "2^62 bytes announced", lambda: oci(
        [base() + header("x", "0", base256(1 << 62, 12)) + bytes(1024)]))
g.reject("size-base256-max", "2^63-1, which overflows when padded",
         lambda: oci([base() + header("x", "0", base256((1 << 63) - 1, 12)) + bytes(1024)]))
g.reject("size-base256-over", "more than 64 bits", lambda: oci(
        [base() + header("x", "0", b"\x80\xff\xff\xff" + b"\xff" * 8) + bytes(1024)]))
g.reject("size-negative", "a negative size", header("x", "0", base256(-1, 12)) + file(MARK, "x"))
g.reject("size-negative-512", "one that leads back to its own header",
         header("x", "0", base256(-512, 12)) + file(MARK, "x"))
g.contain("size-letters", "a size of letters", header("x", "0", b"hello, worl\0"))
g.accept("size-directory", "a directory's size is no data",
         header("a", "5", 0, mode=0o755) + file("x", "x"), plus={"a": d(), "x": f("x")})

g = Group("pax")
g.accept("path", "a long name, and UTF-8", pax({"path": "na\u00efve\u2603"}) + file("x", "1") +
         file("n" * 99 + "/" + "m" * 99, "2"), plus={"na\u00efve\u2603": f("1"),
        **inside("/" + "n" * 99 + "/" + "m" * 99, f("2"))})
g.accept("size", "PAX has the size, the header 0", pax({"size": "4"}) + header("x", "0", 0) +
         padded(b"data"), plus={"x": f("data")})
g.accept("twice", "the last of two equal keys holds", pax(record("path", "a") +
        record("path", "b")) + file("x", "1"), plus={"b": f("1")})
g.accept("linkpath", "the target of a hard link", pax({"linkpath": "etc/passwd"}) +
         hard("h", "wrong"), plus={"h": f("root:x:0:0::/:/bin/sh\n", same="p"),
                                   "etc/passwd": f("root:x:0:0::/:/bin/sh\n", same="p")})
g.accept("linkpath-symlink", "and of a symlink", pax({"linkpath": "right"}) + symlink("s", "wrong"),
         plus={"s": ln("right")})
g.reject("linkpath-out", "a hard link's target out of the root",
         pax({"linkpath": "../../secret"}) + hard("h", "etc/passwd"), entry="h")
g.accept("newline", "a value holds what bytes it likes",
         pax({"path": "a\nb=c\n7 d=e"}) + file("x", "1"), plus={"a\nb=c\n7 d=e": f("1")})
g.accept("binary", "hdrcharset=BINARY: names are bytes",
         pax({"hdrcharset": "BINARY", "path": b"caf\xe9"}) + file("x", "1"),
         plus={"caf\udce9": f("1")})
g.accept("unknown-keys", "keys nobody knows", pax({"VENDOR.thing": "x", "comment": "y"}) +
         file("x"), plus={"x": f()})
g.accept("big", "200 kB of a comment", lambda: oci([layer(pax({"comment": "c" * 200000}) +
            file("x"))]), plus={"x": f()})
g.contain("nul-path", "a NUL in a name ends it, or the layer is refused",
          pax({"path": "a\0b"}) + file("x"), plus={"a": f()})
g.contain("nul-linkpath", "a NUL in a target", pax({"linkpath": "etc\0/x"}) + symlink("s", "x"),
          plus={"s": ln("etc")})
g.contain("empty-path", "an empty name undoes the key", pax({"path": ""}) + file("x", "1"))
g.reject("length-past", "a record that goes past its header", pax(b"999 path=x\n") + file("x"))
g.reject("length-0", "a record of no length", pax(b"0 path=x\n") + file("x"))
g.reject("length-short", "a length that ends within the key", pax(b"5 path=x\n") + file("x"))
g.reject("length-letters", "a length of letters", pax(b"xx path=x\n") + file("x"))
g.reject("length-negative", "a negative length", pax(b"-9 path=x\n") + file("x"))
g.reject("length-huge", "a length of 30 digits", pax(b"9" * 30 + b" path=x\n") + file("x"))
g.reject("no-newline", "a record that does not end in a newline", pax(b"9 path=xy") + file("x"))
g.reject("no-equals", "a record without '='", pax(b"9 pathxy\n") + file("x"))
g.contain("no-key", "a record without a key", pax(b"5 =x\n") + file("x"))
g.reject("huge", "1 GiB announced", lambda: oci([base() + header("p", "x", 1 << 30) + bytes(1024)]))
g.reject("huge-real", "64 MiB of it and there", lambda: oci(
        [layer(pax({"comment": "c" * (64 << 20)}) + file("x"))]))
g.reject("size-negative", "size=-1", pax({"size": "-1"}) + file("x", "x"))
g.reject("size-overflow", "size of 20 digits", pax({"size": "9" * 20}) + file("x", "x"))
g.contain("size-letters", "size=12abc", pax({"size": "12abc"}) + file("x", "x" * 12),
          plus={"x": f("x" * 12)})
g.reject("size-larger", "size past the end of the layer", pax({"size": "100000"}) + file("x", "x"))
g.reject("lonely", "a header for an entry that does not come",
         lambda: oci([base() + pax({"path": "x"}) + END]))
g.contain("two", "two headers for one entry", pax({"path": "a"}) + pax({"uid": "7"}) +
          file("x", "1"))
g.contain("global-path", "a global path would rename all that follows",
          pax({"path": MARK}, "g") + file("x", "1") + file("y", "2"))
g.contain("global-out", "a global path out of the root",
          pax({"path": "../" + MARK}, "g") + file("x", "1"))
g.accept("global-comment", "git archive puts its commit there",
         pax({"comment": "c0ffee"}, "g") + file("x", "1"), plus={"x": f("1")})
g.contain("global-uid", "a global owner", pax({"uid": "7"}, "g") + file("x", "1"))
g.contain("global-malformed", "a malformed global header",
          pax(b"999 path=x\n", "g") + file("x", "1"))
g.accept("gnu-name", "GNU's long name", gnu_long("n" * 99 + "/" + "m" * 99) + file("short", "1"),
         plus=inside("/" + "n" * 99 + "/" + "m" * 99, f("1")))
g.accept("gnu-link", "GNU's long target", gnu_long("t" * 300, "K") + symlink("s", "t" * 100),
         plus={"s": ln("t" * 300)})
g.accept("gnu-both", "both for one entry", gnu_long("t" * 300, "K") + gnu_long("n" * 200) +
         symlink("s", "t"), plus={"n" * 200: ln("t" * 300)})
g.reject("gnu-out", "GNU's long name out of the root", gnu_long("../" * 40 + MARK) + file("x"),
         entry=MARK)
g.reject("gnu-100k", "GNU's long name of 100 kB", gnu_long("x/" * 50000 + "f") + file("x"))
g.reject("gnu-4g", "GNU's long name announced with 4 GiB",
         lambda: oci([base() + header("././@LongLink", "L", 1 << 32, magic=b"ustar  \0") +
                      bytes(1024)]))
g.reject("gnu-negative", "and with a negative size", lambda: oci(
        [base() + header("././@LongLink", "L", base256(-1, 12), magic=b"ustar  \0") + bytes(1024)]))
g.reject("gnu-lonely", "for an entry that does not come",
         lambda: oci([base() + gnu_long("n" * 200) + END]))
g.contain("gnu-twice", "two long names for one entry", gnu_long("a" * 120) + gnu_long("b" * 120) +
          file("x", "1"))
g.contain("gnu-nul", "a long name with a NUL within", gnu_long("a\0b") + file("x", "1"))
g.contain("gnu-and-pax", "a long name of each kind", pax({"path": "a"}) + gnu_long("b") +
          file("x", "1"))
g.reject("many-headers", "100000 headers before one entry",
         lambda: oci([layer(pax({"comment": "c"}) * 100000 + gnu_long("x") * 10 +
                            header("x", "0", b"-1"))]))

g = Group("sparse")
BIG = 1 << 20
HOLES = [(4096, b"one"), (BIG // 2, b"two" * 100)]


def holes(chunks=HOLES, size=BIG):
    data = bytearray(size)
    for at, part in chunks:
        data[at:at + len(part)] = part
    return bytes(data)


g.accept("old", "GNU's first form", old_sparse("x", HOLES, BIG), plus={"x": f(holes())})
for version in ("0.0", "0.1", "1.0"):
    g.accept("pax-" + version, "GNU's form %s" % version, pax_sparse(version, "x", HOLES, BIG),
             plus={"x": f(holes())})
    g.accept("pax-%s-then" % version, "what follows is read from the right place",
             pax_sparse(version, "x", HOLES, BIG) + file("y", "y"),
             plus={"x": f(holes()), "y": f("y")})
    bad = {"negative-offset": [(-10, 80)], "negative-length": [(0, -80)],
           "past-size": [(BIG - 10, 80)], "overflow": [((1 << 63) - 10, 80)]}
    for name, lie in bad.items():
        g.reject("pax-%s-%s" % (version, name), "a map that lies: %s" % name,
                 pax_sparse(version, "x", [(0, b"x" * 80)], BIG, lie=lie), entry="x")
    # what no two readers agree on
    g.contain("pax-%s-overlap" % version, "blocks that overlap",
              pax_sparse(version, "x", [(0, b"x" * 80)], BIG, lie=[(50, 60), (10, 20)]),
              plus={"x": sized(BIG)})
    g.contain("pax-%s-more-than-stored" % version, "a block longer than what is stored",
              pax_sparse(version, "x", [(0, b"x" * 80)], BIG, lie=[(0, 8000)]) + file("y", "y"),
              plus={"x": f(holes([(0, b"x" * 80)])), "y": f("y")})
g.accept("old-all-hole", "nothing but a hole, as GNU tar writes it",
         old_sparse("x", [], BIG, lie=[(BIG, 0)]), plus={"x": f(bytes(BIG))})
g.accept("pax-all-hole", "the same in PAX", pax_sparse("1.0", "x", [], BIG, lie=[(BIG, 0)]),
         plus={"x": f(bytes(BIG))})
g.contain("old-no-map", "no map at all", old_sparse("x", [], BIG), plus={"x": f(bytes(BIG))})
g.contain("old-overlap", "blocks that overlap", old_sparse("x", [(0, b"x" * 80)], BIG,
        lie=[(50, 60), (10, 20)]), plus={"x": sized(BIG)})
g.reject("old-negative", "a negative offset", old_sparse("x", [(0, b"x" * 80)], BIG,
        lie=[(-512, 80)]), entry="x")
g.reject("old-past", "data past its size", old_sparse("x", [(0, b"x" * 80)], 10), entry="x")
g.contain("old-extended-empty", "a continuation announced though the map ended",
          header("x", "S", 0, magic=b"ustar  \0", extended=b"\1", real=base256(BIG, 12)),
          plus={"x": f(bytes(BIG))})
g.reject("old-extended-cut", "a continuation that does not come",
         lambda: oci([base() + header("x", "S", 4, magic=b"ustar  \0", extended=b"\1",
                                      real=base256(BIG, 12),
                                      sparse=b"".join(base256(512 * i, 12) +
            base256(1, 12) for i in range(4)))]))
g.reject("map-letters", "a map of letters", pax({"GNU.sparse.size": "100",
            "GNU.sparse.numblocks": "1", "GNU.sparse.map": "a,b"}) + file("x", "x"))
g.reject("map-letters-1.0", "the same before the data",
         pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x",
              "GNU.sparse.realsize": "100"}) + header("y", "0", 1024) + padded(b"hello\nworld\n") +
         bytes(512))
g.reject("map-count-huge", "10^12 blocks announced", pax(
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x",
         "GNU.sparse.realsize": "100"}) + header("y", "0", 1024) +
         padded(b"1000000000000\n0\n1\n") + bytes(512))
g.contain("map-odd", "a map with half a pair", pax({"GNU.sparse.size": "100",
            "GNU.sparse.numblocks": "2", "GNU.sparse.map": "0,10,20"}) + file("x", "x" * 10))
g.reject("name-out", "the sparse name leads out of the root",
         pax_sparse("1.0", "../" + MARK, HOLES, BIG), entry=MARK)
g.reject("size-1-tib", "1 TiB, more than the disk: refused before a byte is written",
         old_sparse("x", [(0, b"x")], 1 << 40), entry="x")
g.reject("size-2-62", "and 4 EiB", pax_sparse("1.0", "x", [(0, b"x")], 1 << 62), entry="x")
g.reject("size-negative", "a negative real size", pax_sparse("0.1", "x", [(0, b"x")], -1))

g = Group("xattrs")
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
ACL = struct.pack("<IHHIHHIHHIHHIHHI", 2, 1, 6, 0xffffffff, 2, 4, 5, 4, 4, 0xffffffff, 0x10, 4,
                  0xffffffff, 0x20, 4, 0xffffffff)
g.accept("user", "of files and directories, any bytes",
         xattrs({"user.a": "1", "user.b": b"\0\xff\n"}) + file("x") + xattrs({"user.d": ""}) +
         folder("y"), plus={"x": f(xattrs={"user.a": b"1", "user.b": b"\0\xff\n"}),
                            "y": d(xattrs={"user.d": b""})})
g.accept("capability", "security.capability comes along",
         xattrs({"security.capability": CAPABILITY}) + file("x", "x", mode=0o755),
         plus={"x": f("x", 0o755, xattrs={"security.capability": CAPABILITY})})
g.accept("capability-setuid", "even after chown, which would clear it",
         xattrs({"security.capability": CAPABILITY}) + file("x", "x", mode=0o4755, uid=7),
         plus={"x": f("x", 0o4755, uid=7, xattrs={"security.capability": CAPABILITY})})
g.reject("capability-damaged", "one that the kernel does not take",
         xattrs({"security.capability": "hello"}) + file("x", "x", mode=0o755), entry="x")
g.accept("security-other", "the rest of security.* is the host's own policy",
         xattrs({"security.evil": "x", "security.ima": "\1"}) + file("x"), plus={"x": f()})
g.accept("namespace-unknown", "a namespace that Linux does not have",
         xattrs({"evil.x": "1", "com.apple.quarantine": "2"}) + file("x"), plus={"x": f()})
g.accept("acl", "an access ACL", xattrs({"system.posix_acl_access": ACL}) + file("x", mode=0o644),
         plus={"x": f(xattrs={"system.posix_acl_access": ACL})})
g.accept("acl-default", "a default ACL, and what is made in it",
         xattrs({"system.posix_acl_default": ACL}) + folder("a") + file("a/x", mode=0o600) +
         folder("a/y"), plus={"a": d(xattrs={"system.posix_acl_default": ACL}),
                              "a/x": f(mode=0o600), "a/y": d()})
g.contain("acl-version", "an ACL of a version that Linux does not know",
          xattrs({"system.posix_acl_access": "noise"}) + file("x"), plus={"x": f()})
g.reject("acl-damaged", "an ACL of half an entry", xattrs({"system.posix_acl_access": ACL[:-3]}) +
         file("x"), entry="x")
g.accept("below", "a lower layer's xattrs go with its file",
         [layer(xattrs({"user.a": "1"}) + file("x", "1")), tar(file("x", "2"))], plus={"x": f("2")})
g.accept("hard-link", "a link to a file below brings them",
         [layer(xattrs({"user.a": "1"}) + file("x", "1")), tar(hard("y", "x"))],
         plus={"x": f("1", same="x", xattrs={"user.a": b"1"}),
               "y": f("1", same="x", xattrs={"user.a": b"1"})})
g.accept("value-64k", "the longest value", lambda: oci([
            layer(xattrs({"trusted.a": "v" * 65536}) + file("x"))]),
         plus={"x": f(xattrs={"trusted.a": b"v" * 65536})})
g.reject("value-65537", "one byte more", lambda: oci([layer(xattrs({"trusted.a": "v" * 65537}) +
            file("x"))]), entry="x")
g.reject("name-256", "a name of 256 bytes", xattrs({"user." + "n" * 251: "v"}) + file("x"),
         entry="x")
g.contain("name-empty", "no name", xattrs({"": "v"}) + file("x"))
g.contain("name-user", "a namespace and no name", xattrs({"user.": "v"}) + file("x"))
g.contain("name-nul", "a NUL in a name", xattrs({"user.a\0trusted.overlay.opaque": "y"}) +
          folder("x"))
g.contain("fifo", "user.* is not for FIFOs", xattrs({"user.a": "1"}) + header("x", "6"))
g.reject("overlay-by-base64", "overlayfs's mark in libarchive's own key",
         pax({"LIBARCHIVE.xattr.trusted.overlay.opaque": base64.b64encode(b"y").decode(
              ).rstrip("=")}) + folder("etc"))
g.contain("acl-text", "an ACL in star's words",
          pax({"SCHILY.acl.access": "user::rw-,user:7:r--,group::r--,mask::r--,other::r--"}) +
          file("x"))
g.contain("acl-text-noise", "and in none", pax({"SCHILY.acl.access": "u" * 1000,
            "SCHILY.acl.default": ",,,::"}) + file("x"))
g.contain("file-flags", "flags such as immutable", pax({"SCHILY.fflags": "immutable,append"}) +
          file("x"), plus={"x": f()})

g = Group("compression")


def blob(packed, how="gzip", **more):
    """The base layer in a packing that the test made itself."""
    return lambda: oci([layer()], how=how, blobs=[packed(layer())], **more)


g.reject("gzip-cut", "cut in the middle", blob(lambda t: gz(t)[:-60]), layer=0)
g.reject("gzip-cut-trailer", "cut in its trailer", blob(lambda t: gz(t)[:-3]), layer=0)
g.reject("gzip-crc", "a wrong checksum", blob(lambda t: gz_member(t, crc=1)), layer=0)
g.reject("gzip-length", "a wrong length", blob(lambda t: gz_member(t, size=1)), layer=0)
g.reject("gzip-noise", "noise after a good header", blob(lambda t: gz(t)[:10] +
        bytes(range(256)) * 8), layer=0)
g.reject("gzip-method", "a method that is not deflate", blob(lambda t: b"\x1f\x8b\x07" + gz(t)[3:]),
         layer=0)
g.reject("gzip-flags", "reserved flags", blob(lambda t: gz_member(t, flags=0xe0)), layer=0)
g.reject("gzip-header-only", "a header and no more", blob(lambda t: gz(t)[:10]), layer=0)
g.reject("gzip-empty-member", "a layer of one empty member", blob(lambda t: gz(b"")), layer=0)
g.accept("gzip-header-fields", "extra field, name and comment",
         blob(lambda t: gz_member(t, 0x1c, b"\4\0abcd" + b"../../name\0comment\0")), plus={})
g.accept("gzip-header-crc", "and a checksum of the header",
         blob(lambda t: gz_member(t, 2, struct.pack("<H",
            0xffff & zlib.crc32(b"\x1f\x8b\x08\2" + bytes(4) + b"\0\xff")))), plus={})
g.reject("gzip-header-endless", "a name that does not end",
         blob(lambda t: b"\x1f\x8b\x08\x08" + bytes(4) + b"\0\xff" + b"n" * 100000), layer=0)
g.accept("gzip-members", "RFC 1952: a file is a series of members",
         blob(lambda t: b"".join(gz_member(t[i:i + 700]) for i in range(0, len(t), 700))), plus={})
g.accept("gzip-empty-members", "some of them empty", blob(lambda t: gz(b"") + gz(t[:512]) +
        gz(b"") * 3 + gz(t[512:]) + gz(b"")), plus={})
g.contain("gzip-zeros-after", "zeros after the last member", blob(lambda t: gz(t) + bytes(1000)),
          plus={})
g.contain("gzip-garbage-after", "noise after the last member",
          blob(lambda t: gz(t) + b"garbage!" * 10), plus={})
g.reject("gzip-second-damaged", "a second member that is damaged",
         blob(lambda t: gz(t[:512]) + gz_member(t[512:], crc=2)), layer=0)
g.reject("gzip-twice", "gzip within gzip", blob(lambda t: gz(gz(t))), layer=0)
g.accept("estargz", "a member for each file, a table of contents at the end",
         lambda: oci([layer(file("stargz.index.json", "{}"))],
                     blobs=[b"".join(gz_member(p) for p in (base(), file("stargz.index.json", "{}"),
            END)) + gz_member(b"", 4, b"\x1a\0SG\x16\0%016xSTARGZ" % 99)]),
         plus={"stargz.index.json": f("{}")})
g.accept("zstd", "zstd", blob(zst, "zstd"), plus={})
g.accept("zstd-frames", "RFC 8878: a series of frames",
         blob(lambda t: b"".join(zst(t[i:i + 700]) for i in range(0, len(t), 700)), "zstd"),
         plus={})
g.accept("zstd-skippable", "frames to pass over, before, between and after (zstd:chunked)",
         blob(lambda t: zst(t[:512]) + zst_skip(b"toc" * 9) + zst(t[512:]) + zst_skip(b"") +
              zst_skip(b"x" * 99), "zstd"), plus={})
g.accept("zstd-skippable-first", "one right at the start",
         blob(lambda t: zst_skip(b"hello") + zst(t), "zstd"), plus={})
g.accept("zstd-empty-frames", "frames of nothing", blob(lambda t: zst(b"") + zst(t) + zst(b""),
        "zstd"), plus={})
g.reject("zstd-cut", "cut in the middle", blob(lambda t: zst(t)[:-60], "zstd"), layer=0)
g.reject("zstd-size", "a frame that says another size",
         blob(lambda t: zst(t, size=len(t) + 1), "zstd"), layer=0)
g.reject("zstd-window", "a window of 1 TiB to be kept in memory",
         blob(lambda t: zst(t, window=0xf0), "zstd"), layer=0)
g.reject("zstd-window-2g", "and one of 2 GiB", blob(lambda t: zst(t, window=21 << 3), "zstd"),
         layer=0)
g.reject("zstd-dictionary", "a dictionary that is not there",
         blob(lambda t: ZSTD_MAGIC + b"\xe3" + struct.pack("<IQ", 1, len(t)) + zst(t)[13:], "zstd"),
         layer=0)
g.reject("zstd-reserved", "a reserved bit", blob(lambda t: ZSTD_MAGIC + b"\xe8" + zst(t)[5:],
        "zstd"), layer=0)
g.reject("zstd-block", "a block of the reserved type", blob(lambda t: ZSTD_MAGIC + b"\xe0" +
        struct.pack("<Q", len(t)) + b"\x07\0\0", "zstd"), layer=0)
g.reject("zstd-garbage-after", "noise after the last frame",
         blob(lambda t: zst(t) + b"garbage!", "zstd"), layer=0)
g.reject("zstd-skippable-cut", "a frame to pass over that is cut",
         blob(lambda t: zst(t) + zst_skip(b"x" * 99)[:-9], "zstd"), layer=0)
g.reject("zstd-skippable-huge", "one that is announced with 4 GiB",
         blob(lambda t: zst(t) + b"\x50\x2a\x4d\x18\xff\xff\xff\xff", "zstd"), layer=0)
g.reject("xz", "xz is in no media type", blob(lambda t: b"\xfd7zXZ\0" + bytes(100)), layer=0)
g.reject("bzip2", "nor is bzip2", blob(lambda t: b"BZh91AY&SY" + bytes(100)), layer=0)
g.reject("lz4", "nor lz4", blob(lambda t: b"\x04\x22\x4d\x18" + bytes(100)), layer=0)
g.reject("compress", "nor compress, uuencode or a program's output",
         blob(lambda t: b"\x1f\x9d\x90" + bytes(100)), layer=0)
g.accept("mixed", "each layer in its own packing", lambda: oci(
        [layer(), tar(file("a", "1")), tar(file("b", "2"))], how=["zstd", "none", "gzip"]),
         plus={"a": f("1"), "b": f("2")})
# Docker and skopeo look at the bytes, not at the media type; the diffID vouches for what comes out.
for told, real, pack in (("gzip", "none", bytes), ("gzip", "zstd", zst), ("zstd", "gzip", gz),
                         ("none", "gzip", gz), ("none", "zstd", zst), ("zstd", "none", bytes)):
    g.contain("told-%s-is-%s" % (told, real), "the media type says %s, the bytes are %s" % (told,
            real), blob(pack, told), plus={})


def zeros(size, pack, tail=END):
    """A file of @size zeros that nobody unpacks to the end: its diffID is a lie."""
    return Oci([layer()], blobs=[pack(header("zeros", "0", base256(size, 12)), size,
                                      tail)]).archive()


def gz_zeros(head, size, tail):
    part = gz(bytes(64 << 20), 9)
    return gz(head) + part * (size >> 26) + gz(tail)


def zst_zeros(head, size, tail):
    frame = ZSTD_MAGIC + bytes([0x00, 7 << 3])  # a window of 128 KiB
    block = struct.pack("<I", (128 << 10) << 3 | 2)[:3] + b"\0"
    return zst(head) + frame + block * (size >> 17) + b"\1\0\0" + zst(tail)


g = Group("bombs")
g.reject("gzip", "64 GiB of zeros in 64 MB of gzip: refused before the disk is full of them",
         lambda: zeros(64 << 30, gz_zeros), entry="zeros")
g.reject("zstd", "4 TiB of zeros in a few MB of zstd", lambda: zeros(4 << 40, lambda h, s,
        t: zst_zeros(h, 64 << 30, t), b""), entry="zeros")
g.reject("gzip-after-end", "8 GiB that follow the end of the archive",
         lambda: oci([layer()], blobs=[gz_zeros(layer(), 8 << 30, b"")]), layer=0)
g.reject("many-small", "files that are each small and together more than the disk has",
         lambda: oci([layer()], blobs=[gz(base()) + b"".join(
            [gz(header("f%d" % i, "0", 64 << 20)) + ZEROS for i in range(40)]) + gz(END)]), layer=0)
ZEROS = gz(bytes(64 << 20), 9)
g.reject("empty-members", "a million empty members", blob(lambda t: gz(t) +
        gz_member(b"") * 1000000 + b"x"), layer=0)
g.reject("zstd-empty-frames", "a million empty frames",
         blob(lambda t: zst(b"") * 1000000 + zst(t)[:-9], "zstd"), layer=0)
