"""evil_paths.py - layers that reach out of the root: names, links, whiteouts, special files.

The image-spec (layer.md) says what an entry means; what of it is not said there is Docker's way:
names are looked up as if the layer's root were "/", and no further.
"""
from evil import (ANY, CANARY, IMPLIED, MARK, UP, BASE, ROOT, Group, d, f, inside, ln, p)
from evil_make import (device, fifo, file, folder, hard, header, layer, pax, symlink, tar,
                       xattrs)

IN = CANARY.strip("/")
SECRET = CANARY + "/secret"

g = Group("names")
g.accept("absolute", "a leading '/' is the image's own root",
         file(CANARY + "/" + MARK, "x"), plus=inside(CANARY + "/" + MARK, f("x")))
g.accept("absolute-many-slashes", "and many are one", file("///etc//x", "x"),
         plus={"etc/x": f("x")})
g.reject("dotdot", "a name out of the root", file("../" + MARK, "x"), entry="../" + MARK)
g.reject("dotdot-far", "a name far out of the root", file(UP + IN + "/" + MARK, "x"), entry=MARK)
g.reject("dotdot-absolute", "the same with a leading '/'", file("/../" + MARK, "x"),
         entry="/../" + MARK)
g.reject("dotdot-mid", "out by way of a directory", file("etc/" + UP + IN + "/" + MARK, "x"),
         entry=MARK)
g.reject("dotdot-dot", "'.' and empty parts between", file("./..//./" + MARK, "x"), entry=MARK)
g.accept("dotdot-inside", "'..' that stays inside is only a longer way", file("etc/../etc/x", "x"),
         plus={"etc/x": f("x")})
g.reject("dotdot-directory", "chmod of the store itself", folder("../..", mode=0o777),
         entry="../..")
g.reject("dotdot-last", "a directory whose name ends in '..'", folder("etc/../.."),
         entry="etc/../..")
g.reject("dotdot-by-pax", "PAX path overrides the header's harmless name",
         pax({"path": "../" + MARK}) + file("x", "x"), entry=MARK)
g.reject("dotdot-by-prefix", "ustar's prefix field makes it", file(MARK, "x", prefix=b"../.."),
         entry=MARK)
g.reject("dotdot-upper-layer", "in a layer with others below",
         [layer(), tar(file("../" + MARK, "x"))], entry=MARK)
g.reject("file-as-root", "the root is a file", [tar(file(".", "x"))], entry=".")
g.reject("root-symlink", "the root is a symlink (CVE-2021-29136)",
         [tar(symlink(".", CANARY), file("x"))], entry=".")
g.reject("root-symlink-slash", "the same, spelled './' in an upper layer",
         [layer(), tar(symlink("./", CANARY), file("x"))], entry="./")
g.reject("root-symlink-dotdot", "the same, spelled 'a/..'",
         [layer(), tar(symlink("bin/..", CANARY))], entry="bin/..")
g.reject("root-hardlink", "the root is a hard link", [layer(hard(".", "bin/sh"))], entry=".")
g.reject("root-fifo", "the root is a FIFO", [tar(fifo("/"))], entry="/")
g.reject("root-device", "the root is a device", [tar(device("./", "c", 1, 3))], entry="./")
g.reject("empty", "an entry without a name", file("", "x"))
g.reject("empty-directory", "a directory without a name", header("", "5", mode=0o777))
g.accept("backslashes", "no letter but '/' divides", file("..\\..\\" + MARK, "x"),
         plus={"..\\..\\" + MARK: f("x")})
g.accept("dots", "names of dots that are no '..'", file("...", "1") + file("..x", "2") +
         file(". .", "3"), plus={"...": f("1"), "..x": f("2"), ". .": f("3")})
g.accept("control-bytes", "any byte but NUL and '/' may be in a name",
         file("n\nl", "1") + file("e\x1b[2J", "2") + file("\x7f\t\r", "3") + file("-rf *", "4") +
         file("q\"'`$(id)", "5"),
         plus={"n\nl": f("1"), "e\x1b[2J": f("2"), "\x7f\t\r": f("3"), "-rf *": f("4"),
               "q\"'`$(id)": f("5")})
g.reject("newline-in-message", "a refusal stays one line whatever the name holds",
         hard("two\nlines\x1b[31m", "no/such"), entry="two")
g.reject("format-in-message", "nor is a name a format", hard("%s%n%99999d", "no/such"),
         entry="%s%n%99999d")
g.accept("component-255", "the longest name a file system takes", file("n" * 255, "x"),
         plus={"n" * 255: f("x")})
g.reject("component-256", "one byte more", file("n" * 256, "x"), entry="nnnn")
g.reject("component-300-dir", "a directory of 300 bytes", folder("n" * 300), entry="nnnn")
LONG = "/".join(["d" * 250] * 16)  # 4015 bytes
g.accept("path-4000", "as long as a path may be", file(LONG + "/x", "x"),
         plus={**inside("/" + LONG + "/x", f("x"))})
g.reject("path-4096", "longer than the kernel takes", file(LONG + "/" + "e" * 85, "x"),
         entry="dddd")
g.reject("path-100k", "a path of 100000 bytes", file("x/" * 50000 + "f", "x"), entry="x/x/x")
g.accept("deep-400", "400 levels", file("a/" * 400 + "f", "x"),
         plus=inside("/" + "a/" * 400 + "f", f("x")))
g.reject("deep-1500", "1500 levels: more than can be cleared with the usual number of open files",
         file("a/" * 1500 + "f", "x"), entry="a/a/a")
g.reject("deep-step-by-step", "the same depth, entry by entry",
         b"".join(folder("a/" * i) for i in range(1, 700)), entry="a/a/a")
g.reject("through-file", "a file where a directory must be", file("f", "x") + file("f/x", "x"),
         entry="f/x")
g.reject("through-file-below", "the same, the file in the layer below",
         [layer(file("f", "x")), tar(file("f/x", "x"))], entry="f/x")
g.reject("through-fifo", "a FIFO where a directory must be; no hang", fifo("f") + file("f/x"),
         entry="f/x")
# layer.md: "If the entry and the existing path are both directories, then the existing path's
# attributes MUST be replaced by those of the entry in the changeset. In all other cases [...]
# removing the file path [...] recreating the file path".
g.accept("file-becomes-directory", "a directory entry takes a file's place",
         file("f", "x") + folder("f") + file("f/x", "y"), plus={"f": d(), "f/x": f("y")})
g.accept("directory-becomes-file", "and a file a directory's, with all in it",
         folder("a") + file("a/x") + file("a", "y"), plus={"a": f("y")})
g.accept("trailing-slash", "a directory's name may end in '/' or '/.'",
         folder("a/") + folder("b/."), plus={"a": d(), "b": d()})

g = Group("symlinks")
g.accept("kept", "targets are kept as they are written",
         symlink("a", "/etc/passwd") + symlink("b", "/no/such") + symlink("c", UP + "etc") +
         symlink("e", "x" * 200 + "/" + "y" * 99) + symlink("s", "s") + symlink("t", "//etc/./../"),
         plus={"a": ln("/etc/passwd"), "b": ln("/no/such"), "c": ln(UP + "etc"),
               "e": ln("x" * 200 + "/" + "y" * 99), "s": ln("s"), "t": ln("//etc/./../")})
g.accept("write-through-absolute",
         "followed below the image's root (CVE-2014-6407, CVE-2018-15664)",
         symlink("l", CANARY) + file("l/" + MARK, "x"),
         plus={"l": ln(CANARY), **inside(CANARY + "/" + MARK, f("x"))})
g.accept("write-through-relative", "'..' of a link ends at the root",
         symlink("l", UP + IN) + file("l/" + MARK, "x"),
         plus={"l": ln(UP + IN), **inside(CANARY + "/" + MARK, f("x"))})
g.accept("chain", "three links in a row", symlink("c", CANARY) + symlink("b", "c") +
         symlink("a", "b") + file("a/" + MARK, "x"), plus={"a": ln("b"), "b": ln("c"),
        "c": ln(CANARY), **inside(CANARY + "/" + MARK, f("x"))})
g.accept("parent-escape", "a directory's '..' after a link is the target's",
         folder("a") + folder("a/b") + symlink("l", "a/b") + symlink("m", "l/../../../" + IN) +
         file("m/" + MARK, "x"),
         plus={"a": d(), "a/b": d(), "l": ln("a/b"), "m": ln("l/../../../" + IN),
               **inside(CANARY + "/" + MARK, f("x"))})
g.reject("loop", "a link in a circle where a directory must be",
         symlink("a", "b") + symlink("b", "a") + file("a/x", "x"), entry="a/x")
g.reject("loop-self", "a link to itself", symlink("a", "a/a") + file("a/x", "x"), entry="a/x")
g.reject("chain-too-long", "more links than the kernel follows",
         b"".join(symlink("l%d" % i, "l%d" % (i + 1)) for i in range(60)) + folder("l60") +
         file("l0/x", "x"), entry="l0/x")
g.reject("doubling", "links that double the way with each level",
         b"".join(symlink("l%d" % i, "l%d/../l%d" % (i + 1, i + 1)) for i in range(30)) +
         folder("l30") + file("l0/x", "x"), entry="l0/x")
g.accept("below", "a link of the layer below is followed",
         [layer(folder("usr"), folder("usr/lib"), symlink("lib", "usr/lib")),
          tar(file("lib/x", "x"))], plus={"usr": d(mtime=ANY), "usr/lib": d(mtime=ANY),
        "lib": ln("usr/lib"), "usr/lib/x": f("x")})
g.accept("below-absolute", "and ends below the root too",
         [layer(symlink("l", CANARY)), tar(file("l/" + MARK, "x"))],
         plus={"l": ln(CANARY), **inside(CANARY + "/" + MARK, f("x"))})
g.accept("becomes-directory", "a directory entry replaces a link, it does not follow it",
         [layer(symlink("l", CANARY)), tar(folder("l", mode=0o777), file("l/x", "x"))],
         plus={"l": d(0o777), "l/x": f("x")})
g.accept("becomes-directory-same-layer", "the same within one layer",
         symlink("l", CANARY) + folder("l", mode=0o777) + file("l/x", "x"),
         plus={"l": d(0o777), "l/x": f("x")})
g.accept("becomes-file", "a file replaces a link, it is not written through",
         symlink("s", SECRET) + file("s", "new"), plus={"s": f("new")})
g.accept("becomes-file-upper", "the same over two layers",
         [layer(symlink("s", SECRET)), tar(file("s", "new"))], plus={"s": f("new")})
g.accept("directory-becomes-link", "then names below it lead to its target",
         folder("a") + file("a/old") + symlink("a", "etc") + file("a/x", "x"),
         plus={"a": ln("etc"), "etc/x": f("x")})
g.accept("directory-becomes-link-out", "the same, to the canary (the replaced-directory class)",
         folder("a") + file("a/x", "1") + symlink("a", CANARY) + file("a/" + MARK, "2"),
         plus={"a": ln(CANARY), **inside(CANARY + "/" + MARK, f("2"))})
g.accept("parent-becomes-link", "a parent in use is replaced: the next name is looked up anew",
         folder("a") + folder("a/b") + file("a/b/x", "1") + symlink("a", CANARY) +
         file("a/b/" + MARK, "2"), plus={"a": ln(CANARY), **inside(CANARY + "/b/" + MARK, f("2"))})
g.accept("parent-becomes-link-upper", "the same across layers",
         [layer(folder("a"), folder("a/b"), file("a/b/x", "1")),
          tar(symlink("a", CANARY), file("a/b/" + MARK, "2"))],
         plus={"a": ln(CANARY), **inside(CANARY + "/b/" + MARK, f("2"))})
g.accept("owner", "chown is of the link, not of its target",
         symlink("s", SECRET, uid=4242, gid=4343), plus={"s": ln(SECRET, uid=4242, gid=4343)})
g.accept("time", "so is its time", symlink("s", SECRET, mtime=5), plus={"s": ln(SECRET, mtime=5)})
g.contain("xattr", "no xattr is set through it", xattrs({"user.evil": "x"}) + symlink("s", SECRET),
          plus={"s": ln(SECRET)})
g.accept("xattr-trusted", "trusted.* may be on a link",
         xattrs({"trusted.evil": "x"}) + symlink("s", SECRET),
         plus={"s": ln(SECRET, xattrs={"trusted.evil": b"x"})})
g.reject("empty", "a link to nothing", symlink("s", ""), entry="s")
g.reject("long-target", "a target of 5000 bytes", symlink("s", "t" * 5000), entry="s")
g.accept("target-4095", "the longest target there is", symlink("s", "t" * 4095),
         plus={"s": ln("t" * 4095)})
g.accept("what-a-runtime-mounts",
         "proc, sys, dev, resolv.conf as links (CVE-2019-5736, CVE-2021-30465)",
         b"".join(symlink(n, CANARY) for n in ("proc", "sys", "dev")) +
         b"".join(symlink("etc/" + n, SECRET) for n in ("resolv.conf", "hosts", "hostname",
            "mtab")), plus={**{n: ln(CANARY) for n in ("proc", "sys", "dev")},
                            **{"etc/" + n: ln(SECRET) for n in ("resolv.conf", "hosts", "hostname",
            "mtab")}})
g.accept("with-data", "a link's size says nothing", header("s", "2", link="etc", mode=0o777,
        size=0), plus={"s": ln("etc")})
g.accept("proc-self-root", "links into /proc are of the image's own",
         symlink("l", "/proc/self/root") + file("l/" + MARK, "x"),
         plus={"l": ln("/proc/self/root"), **inside("/proc/self/root/" + MARK, f("x"))})
g.accept("proc-self-cwd", "and so are those to the current directory",
         symlink("l", "/proc/self/cwd/..") + file("l/" + MARK, "x"),
         plus={"l": ln("/proc/self/cwd/.."), **inside("/proc/self/cwd", IMPLIED),
               "proc/self/" + MARK: f("x")})

g = Group("hard-links")
g.accept("three-names", "one file, three names", file("a", "data") + hard("b", "a") +
         hard("etc/c", "./a"), plus={"a": f("data", same="a"), "b": f("data", same="a"),
                                     "etc/c": f("data", same="a")})
g.accept("chain", "each linked to the one before", file("l0", "x") +
         b"".join(hard("l%d" % (i + 1), "l%d" % i) for i in range(50)),
         plus={"l%d" % i: f("x", same="l") for i in range(51)})
g.reject("missing", "to a name nobody has", hard("h", "no/such"), entry="h")
g.reject("missing-upper", "nor the layers below", [layer(), tar(hard("h", "etc/no"))], entry="h")
g.reject("later", "to a name that only comes later", hard("h", "a") + file("a", "x"), entry="h")
g.reject("self", "to itself", hard("h", "h"), entry="h")
g.reject("self-spelled", "to itself in other words", file("h", "x") + hard("./h", "bin/../h"),
         entry="./h")
g.reject("empty", "to nothing", hard("h", ""), entry="h")
g.reject("root", "to the root", hard("h", "/"), entry="h")
g.reject("directory", "to a directory", hard("h", "etc"), entry="h")
g.reject("directory-below", "to a directory of the layer below", [layer(), tar(hard("h", "etc"))],
         entry="h")
g.reject("dotdot", "to a name out of the root", hard("h", "../../secret"), entry="h")
g.reject("dotdot-far", "to the canary", hard("h", UP + IN + "/secret"), entry="h")
g.reject("absolute", "absolute is the image's own root, which has no such file", hard("h", SECRET),
         entry="h")
g.accept("absolute-inside", "and here it has", hard("h", "/etc/passwd"),
         plus={"h": f("root:x:0:0::/:/bin/sh\n", same="p"),
               "etc/passwd": f("root:x:0:0::/:/bin/sh\n", same="p")})
g.reject("through-symlink", "by way of a link to the canary",
         symlink("l", CANARY) + hard("h", "l/secret"), entry="h")
g.accept("through-symlink-inside", "by way of a link that stays inside",
         symlink("l", "etc") + hard("h", "l/passwd"), plus={"l": ln("etc"),
        "h": f("root:x:0:0::/:/bin/sh\n", same="p"), "etc/passwd": f("root:x:0:0::/:/bin/sh\n",
            same="p")})
g.accept("to-symlink", "to a link: the link itself, never its target",
         symlink("s", SECRET) + hard("h", "s"), plus={"s": ln(SECRET, same="s"),
        "h": ln(SECRET, same="s")})
g.accept("to-symlink-then-file", "then a file takes its name (CVE-2018-15664 class)",
         symlink("s", SECRET) + hard("h", "s") + file("h", "new"),
         plus={"s": ln(SECRET), "h": f("new")})
g.accept("to-symlink-mode", "and no mode goes through it",
         symlink("s", SECRET) + hard("h", "s", mode=0o666, uid=7),
         plus={"s": ln(SECRET, same="s"), "h": ln(SECRET, same="s")})
g.accept("then-file", "a file in a link's place does not change the others",
         file("a", "old") + hard("b", "a") + file("b", "new"), plus={"a": f("old"), "b": f("new")})
g.accept("attributes", "a link's own header changes nothing",
         file("a", "x", mode=0o600, uid=1) + hard("b", "a", mode=0o4777, uid=9, mtime=1),
         plus={"a": f("x", 0o600, uid=1, same="a"), "b": f("x", 0o600, uid=1, same="a")})
g.accept("replaces-file", "a link takes a file's place",
         file("a", "1") + file("b", "2") + hard("b", "a"),
         plus={"a": f("1", same="a"), "b": f("1", same="a")})
g.accept("replaces-directory", "and a directory's", file("a", "1") + folder("b") + file("b/x") +
         hard("b", "a"), plus={"a": f("1", same="a"), "b": f("1", same="a")})
g.accept("fifo", "to a FIFO", fifo("a") + hard("b", "a"), plus={"a": p(same="a"), "b": p(same="a")})
g.reject("device", "to a device node, which is not kept", device("a", "c", 1, 3) + hard("b", "a"),
         entry="b")
g.accept("below", "to a file of the layer below: it comes along",
         [layer(file("a", "data", mode=0o640, uid=5)), tar(hard("b", "a"))],
         plus={"a": f("data", 0o640, uid=5, same="a"), "b": f("data", 0o640, uid=5, same="a")})
g.accept("below-symlink", "to a link of the layer below: the link",
         [layer(symlink("s", SECRET)), tar(hard("h", "s"))],
         plus={"s": ln(SECRET, same="s"), "h": ln(SECRET, same="s")})
g.reject("whited-out", "to a file that this layer removes",
         [layer(file("a", "x")), tar(file(".wh.a"), hard("b", "a"))], entry="b")
g.reject("below-opaque", "to a file that an opaque directory hides",
         [layer(folder("o"), file("o/a", "x")), tar(folder("o"), file("o/.wh..wh..opq"),
            hard("b", "o/a"))], entry="b")
# pax -o linkdata gives a link its data again; other tars write a size and no data
g.contain("with-data", "a link with the data once more",
          file("a", "data") + header("b", "1", 4, link="a") + b"data" + bytes(508) + file("c", "c"),
          plus={"a": f("data", same="a"), "b": f("data", same="a"), "c": f("c")})
g.contain("with-other-data", "a link with other data",
          file("a", "data") + header("b", "1", 4, link="a") + b"evil" + bytes(508))
g.contain("with-size", "a link with a size and no data",
          file("a", "data") + header("b", "1", 4, link="a") + file("c", "c"))
g.accept("parent-of-target", "a target spelled with '..' inside", hard("h", "bin/../etc/passwd"),
         plus={"h": f("root:x:0:0::/:/bin/sh\n", same="p"),
               "etc/passwd": f("root:x:0:0::/:/bin/sh\n", same="p")})
g.accept("long-target", "a target of 200 bytes", folder("d" * 99) +
         file("d" * 99 + "/" + "e" * 100, "x") + hard("h", "d" * 99 + "/" + "e" * 100),
         plus={"d" * 99: d(), "d" * 99 + "/" + "e" * 100: f("x", same="x"), "h": f("x", same="x")})

g = Group("whiteouts")
# layer.md: "Whiteout files MUST only apply to resources in lower/parent layers.", and "Once a
# whiteout is applied, the whiteout itself MUST also be hidden."
g.accept("file", "a file of the layer below is gone", [layer(file("a", "x")), tar(file(".wh.a"))],
         plus={})
g.accept("directory", "a directory with all in it", [layer(folder("a"), file("a/x")),
        tar(file(".wh.a"))], plus={})
g.accept("symlink", "a link goes, not its target", [layer(symlink("a", "etc")), tar(file(".wh.a"))],
         plus={})
g.accept("nothing", "of a name nobody has", [layer(), tar(file(".wh.no"), file("no/dir/.wh.x"))],
         plus={"no": IMPLIED, "no/dir": IMPLIED})
g.accept("bottom", "in the bottom layer there is nothing to hide", [layer(file(".wh.a"))], plus={})
g.accept("bottom-directory", "nor in a directory of it", [layer(file("etc/.wh.a"))], plus={})
g.accept("then-file", "the same layer's own file stays",
         [layer(file("a", "1")), tar(file(".wh.a"), file("a", "2"))], plus={"a": f("2")})
g.accept("after-file", "in either order", [layer(file("a", "1")),
        tar(file("a", "2"), file(".wh.a"))], plus={"a": f("2")})
g.accept("then-directory", "a directory made anew shows nothing of the old",
         [layer(folder("a"), file("a/old")), tar(file(".wh.a"), folder("a"), file("a/new", "n"))],
         plus={"a": d(), "a/new": f("n")})
g.accept("after-directory", "in either order", [layer(folder("a"), file("a/old")),
        tar(folder("a"), file("a/new", "n"), file(".wh.a"))], plus={"a": d(), "a/new": f("n")})
g.accept("then-file-below", "a name below a removed directory makes it anew",
         [layer(folder("a", mode=0o700), file("a/old")), tar(file(".wh.a"), file("a/new", "n"))],
         plus={"a": IMPLIED, "a/new": f("n")})
g.accept("three-layers", "gone, back, gone", [layer(file("a", "1")), tar(file(".wh.a")),
        tar(file("a", "2")), tar(file(".wh.a"))], plus={})
g.accept("twice", "listed twice", [layer(file("a", "1")), tar(file(".wh.a"), file(".wh.a"))],
         plus={})
g.accept("in-the-middle", "'.wh.' elsewhere in a name means nothing",
         file("x.wh.y", "1") + file(".whx", "2") + file("wh.z", "3") + file(".wh", "4"),
         plus={"x.wh.y": f("1"), ".whx": f("2"), "wh.z": f("3"), ".wh": f("4")})
g.reject("empty-name", "of nothing", [layer(), tar(file("etc/.wh."))], entry="etc/.wh.")
g.reject("dot", "of '.'", [layer(), tar(file(".wh.."))], entry=".wh..")
g.reject("dotdot", "of '..': the parent", [layer(), tar(file("etc/.wh..."))], entry="etc/.wh...")
g.reject("out", "out of the root", [layer(), tar(file(UP + IN + "/.wh.secret"))],
         entry=".wh.secret")
g.accept("through-link-below", "by way of a link of the layer below: inside",
         [layer(symlink("l", CANARY)), tar(file("l/.wh.secret"))],
         plus={"l": ln(CANARY), **inside(CANARY, IMPLIED)})
g.accept("through-link", "by way of a link of the same layer",
         [layer(), tar(symlink("l", CANARY), file("l/.wh.secret"))],
         plus={"l": ln(CANARY), **inside(CANARY, IMPLIED)})
g.accept("through-link-inside", "and where it leads inside, the file there goes",
         [layer(symlink("l", "etc")), tar(file("l/.wh.passwd"))],
         tree={k: {**v, "mtime": ANY} if k == "etc" else v for k,
               v in BASE.items() if k != "etc/passwd"} | {"l": ln("etc")})
g.contain("hardlinked-to", "a file that is linked to a whiteout's name",
          [layer(), tar(file(".wh.x"), hard("y", ".wh.x"))])
g.contain("hardlinked-from", "a whiteout that is a hard link",
          [layer(), tar(file("x", "x"), hard(".wh.etc", "x"))])
g.contain("is-directory", "a whiteout that is a directory",
          [layer(file("a")), tar(folder(".wh.a"))])
g.contain("is-symlink", "a whiteout that is a symlink to the canary",
          [layer(file("a")), tar(symlink(".wh.a", SECRET))])
g.contain("has-data", "a whiteout with bytes in it", [layer(file("a")), tar(file(".wh.a", "data"))],
          plus={})
g.contain("below-whiteout", "a name below a whiteout's name",
          [layer(), tar(folder(".wh.a"), file(".wh.a/x", "x"))])
# layer.md: "In addition to expressing that a single entry should be removed from a lower layer,
# layers may remove all of the children using an opaque whiteout entry.", and its mark is applied
# first "regardless of the ordering in which the whiteout file was encountered".
g.accept("opaque", "only what this layer has", [layer(folder("a"), file("a/old"), folder("a/s"),
            file("a/s/x")), tar(folder("a", mode=0o700), file("a/.wh..wh..opq"),
                                file("a/new", "n"))], plus={"a": d(0o700), "a/new": f("n")})
g.accept("opaque-last", "the mark may come last", [layer(folder("a"), file("a/old")),
        tar(folder("a"), file("a/new", "n"), file("a/.wh..wh..opq"))],
         plus={"a": d(), "a/new": f("n")})
g.accept("opaque-first", "or before its directory", [layer(folder("a"), file("a/old")),
        tar(file("a/.wh..wh..opq"), folder("a", mode=0o711), file("a/new", "n"))],
         plus={"a": d(0o711), "a/new": f("n")})
g.accept("opaque-without-directory", "the directory stays as it was below",
         [layer(folder("a", mode=0o750, uid=3), file("a/old")), tar(file("a/.wh..wh..opq"))],
         plus={"a": d(0o750, uid=3, mtime=ANY)})
g.accept("opaque-root", "all below is hidden", [layer(),
        tar(file(".wh..wh..opq"), file("only", "x"))], tree={**ROOT, "only": f("x")})
g.accept("opaque-root-mid", "of three layers the middle one hides the first",
         [layer(), tar(file(".wh..wh..opq"), file("a", "1")), tar(file("b", "2"))],
         tree={**ROOT, "a": f("1"), "b": f("2")})
g.accept("opaque-nested", "a directory in an opaque one",
         [layer(folder("a"), folder("a/b"), file("a/b/old")),
          tar(file("a/.wh..wh..opq"), file("a/b/new", "n"))],
         plus={"a": d(mtime=ANY), "a/b": IMPLIED, "a/b/new": f("n")})
g.accept("opaque-bottom", "in the bottom layer", [layer(folder("a"), file("a/.wh..wh..opq"),
            file("a/x", "x"))], plus={"a": d(), "a/x": f("x")})
g.accept("opaque-then-more", "a layer above adds to it",
         [layer(folder("a"), file("a/old")), tar(folder("a"), file("a/.wh..wh..opq")),
          tar(folder("a"), file("a/x", "x"))], plus={"a": d(), "a/x": f("x")})
g.accept("opaque-through-link", "by way of a link to the canary: inside",
         [layer(), tar(symlink("l", CANARY + "/dir"), file("l/.wh..wh..opq"))],
         plus={"l": ln(CANARY + "/dir"), **inside(CANARY + "/dir", IMPLIED)})
g.contain("opaque-is-directory", "the mark is a directory",
          [layer(), tar(folder("etc"), folder("etc/.wh..wh..opq"))])
g.reject("opaque-on-file", "of a file", [layer(file("a", "x")), tar(file("a/.wh..wh..opq"))],
         entry="a/.wh..wh..opq")
g.accept("aufs", "what AUFS kept for itself is left out",
         folder(".wh..wh.plnk") + file(".wh..wh.plnk/1.2", "x") + file(".wh..wh.aufs") +
         folder(".wh..wh.orph"), plus={})
g.reject("overlay-device", "overlayfs's own whiteout, a 0/0 device",
         [layer(), tar(device("etc", "c", 0, 0))], entry="etc")
g.reject("overlay-opaque", "overlayfs's own mark of an opaque directory",
         [layer(), tar(xattrs({"trusted.overlay.opaque": "y"}) + folder("etc"))], entry="etc")
g.reject("overlay-redirect", "its redirect, which may name any directory below",
         [layer(), tar(xattrs({"trusted.overlay.redirect": "/bin"}) + folder("etc"))], entry="etc")
g.reject("overlay-metacopy", "its mark of a file whose data is elsewhere",
         [layer(), tar(xattrs({"trusted.overlay.metacopy": ""}) + file("etc/passwd"))],
         entry="etc/passwd")
g.reject("overlay-user", "the same under user.*", [layer(),
        tar(xattrs({"user.overlay.whiteout": "y"}) + file("etc/x"))], entry="etc/x")
g.reject("overlay-origin", "its file handle", xattrs({"trusted.overlay.origin": b"\x00\xfb\x1d"}) +
         file("x"), entry="x")
g.reject("overlay-root", "on the root", [tar(xattrs({"trusted.overlay.opaque": "y"}) + folder("./"),
            file("x"))], entry="./")
g.accept("overlay-like", "a name that only looks like them",
         xattrs({"trusted.overlayx": "1", "user.overlay_": "2"}) + file("x"),
         plus={"x": f(xattrs={"trusted.overlayx": b"1", "user.overlay_": b"2"})})

g = Group("special-files")
g.accept("fifo", "a FIFO with its mode and owner", fifo("p", mode=0o620, uid=3, gid=4),
         plus={"p": p(0o620, uid=3, gid=4)})
g.accept("fifo-replaces", "in a file's place", file("p", "x") + fifo("p"), plus={"p": p()})
g.accept("fifo-replaced", "a file in a FIFO's place; no hang", fifo("p") + file("p", "x"),
         plus={"p": f("x")})
# layer.md lists devices among the types of files. A container has a /dev of its own and could not
# open any of the image's, so these are left out, with a note.
g.accept("devices", "device nodes are left out", device("null", "c", 1, 3) +
         device("sda", "b", 8, 0), plus={})
g.accept("device-0-0-block", "a block device 0/0 is no whiteout", device("z", "b", 0, 0), plus={})
g.reject("device-0-0", "a character device 0/0 is one, in the bottom layer too",
         device("z", "c", 0, 0), entry="z")
g.contain("device-huge", "numbers that no device has", header("z", "3", major=b"7777777\0",
        minor=b"7777777\0"))
g.contain("device-over-file", "a device takes a file's place",
          [layer(file("a", "x")), tar(device("a", "c", 1, 3))])
for letter, what in (("A", "Solaris ACL"), ("Z", "a letter nobody uses"), ("M", "GNU multi-volume"),
                     ("V", "GNU volume label"), ("N", "old GNU names"), ("I", "inode metadata"),
                     ("\x01", "a control byte")):
    # POSIX pax: an unknown type is to be taken as a regular file
    g.contain("type-%02x" % ord(letter), "an entry of type %s" % what, header("odd", letter, 0))
g.contain("type-7", "a contiguous file is a file", header("c", "7", 4) + b"data" + bytes(508),
          plus={"c": f("data")})
g.accept("type-nul", "before POSIX a file had type NUL",
         header("o", b"\0", 4) + b"data" + bytes(508), plus={"o": f("data")})
g.accept("type-nul-slash", "and a directory a name that ends in '/'",
         header("o/", b"\0", 0, mode=0o755), plus={"o": d()})
g.contain("directory-with-size", "a directory that claims data",
          header("z", "5", 512, mode=0o755) + bytes(512) + file("after", "x"))
g.contain("fifo-with-size", "a FIFO that claims data", header("z", "6", 512) + file("x") +
          file("after", "x"))
