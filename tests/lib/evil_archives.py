"""evil_archives.py - what an image comes in: the outer tar, docker-archives, layout directories.

image-layout.md says what a layout holds; docker-archives are as `docker save` made them up to
version 24.
"""
import os
import stat

from evil import CANARY, MARK, UP, Group, d
from evil_make import (END, Archive, Entry, Oci, config_of, device, digest_by, docker, dumps, fifo,
                       file, folder, gnu_long, gz, hard, header, layer, oci, old_sparse, outer,
                       symlink, zst)

SECRET = CANARY + "/secret"
TEXT = b"not what it was"


g = Group("outer")


def replaced(which, entry):
    """A file of the archive becomes the tar entry that @entry(path) makes."""
    def change(files):
        return [(p, Entry(entry(p)) if which(p, b) else b) for p, b in files]
    return lambda: oci([layer()], on_files=change)


def is_layer(_, data):
    return data[:2] == b"\x1f\x8b"


def is_index(path, _):
    return path == "index.json"


def with_files(before=(), after=(), **more):
    return lambda: oci([layer()], on_files=lambda fs: [*before, *fs, *after], **more)


def entry_file(name, data=b"x"):
    return ("", Entry(file(name, data)))


for name, which in (("layer", is_layer), ("index", is_index)):
    g.reject(name + "-symlink-out", "the %s is a symlink to the canary" % name,
             replaced(which, lambda p: symlink(p, SECRET)))
    g.reject(name + "-symlink-relative", "a relative one",
             replaced(which, lambda p: symlink(p, UP + SECRET.strip("/"))))
    g.reject(name + "-symlink-proc", "one to a descriptor of the reader",
             replaced(which, lambda p: symlink(p, "/proc/self/fd/0")))
    g.reject(name + "-hard-link-out", "a hard link to the canary",
             replaced(which, lambda p: hard(p, SECRET)))
    g.reject(name + "-fifo", "a FIFO; no hang", replaced(which, fifo))
    g.reject(name + "-device", "a device", replaced(which, lambda p: device(p, "c", 1, 5)))
    g.reject(name + "-directory", "a directory", replaced(which, folder))
    g.reject(name + "-itself", "a link to itself", replaced(which,
            lambda p: symlink(p, os.path.basename(p))))
    g.reject(name + "-size-lie", "announced with 1 TiB",
             replaced(which, lambda p: header(p, "0", b"\x80" + bytes(5) + b"\1" + bytes(5))))
g.reject("circle", "two links in a circle", lambda: oci([layer()],
        on_files=lambda fs: [(p, Entry(symlink(p, "a")) if p == "index.json" else b) for p,
                             b in fs] + [("", Entry(symlink("a", "b") + symlink("b", "a")))]))
g.reject("chain-long", "a chain of 1000 links", lambda: oci([layer()],
        on_files=lambda fs: [(p if p != "index.json" else "l1000", b) for p, b in fs] +
        [("", Entry(symlink("index.json", "l0") + b"".join(symlink("l%d" % i, "l%d" % (i + 1))
            for i in range(1000))))]))
g.contain("link-inside", "a link to another file of the archive",
          lambda: oci([layer()], on_files=lambda fs: [(p if p != "index.json" else "real.json", b)
            for p, b in fs] + [("", Entry(symlink("index.json", "real.json")))]), plus={})
g.contain("duplicate-blob", "a blob twice, the second damaged",
          lambda: oci([layer()], on_files=lambda fs: fs +
                      [(p, TEXT) for p, b in fs if b[:2] == b"\x1f\x8b"]))
g.contain("duplicate-blob-first", "the first damaged", lambda: oci([layer()],
        on_files=lambda fs: [(p, TEXT) for p, b in fs if b[:2] == b"\x1f\x8b"] + fs), plus={})
g.contain("duplicate-index", "index.json twice", with_files(
        after=[("index.json", b'{"schemaVersion":2,"manifests":[]}')]), plus={})
g.contain("dotdot", "a file whose name leads out", with_files(after=[entry_file("../../" + MARK)]),
          plus={})
g.contain("dotdot-blob", "a file of blobs/ whose name leads out",
          with_files(after=[entry_file("blobs/../../../" + MARK)]), plus={})
g.contain("absolute", "an absolute one", with_files(after=[entry_file("/" + MARK),
            entry_file(CANARY + "/" + MARK)]), plus={})
g.contain("strangers", "files that belong to nothing", with_files(
        before=[entry_file("hello"), entry_file("n" * 90 + "/" + "m" * 90)],
        after=[("", Entry(fifo("p") + device("c", "c", 1, 3)))]), plus={})
g.accept("dot-slash", "names that begin with './'", lambda: oci([layer()],
        on_files=lambda fs: [("./" + p, b) for p, b in fs]), plus={})
g.accept("directories", "entries for directories", with_files(
        before=[("", Entry(folder("blobs") + folder("blobs/sha256")))]), plus={})
g.accept("order", "the index last", lambda: oci([layer()], on_files=lambda fs: sorted(fs)), plus={})
g.accept("gnu-names", "GNU long names", lambda: oci([layer()],
        on_files=lambda fs: [(p, Entry(gnu_long(p) + file("short", b))) for p, b in fs]), plus={})
g.contain("sparse-blob", "a blob that is stored sparse",
          replaced(is_index, lambda p: old_sparse(p, [(0, b"{}")], 1 << 40)))
g.reject("case", "INDEX.JSON is another name", lambda: oci([layer()],
        on_files=lambda fs: [(p.upper() if p == "index.json" else p, b) for p, b in fs]))
g.reject("no-index", "no index.json", lambda: oci([layer()],
        on_files=lambda fs: [x for x in fs if x[0] != "index.json"]))
# image-layout.md: the layout "MUST also contain a file that is used to identify the layout version"
g.reject("no-layout", "no oci-layout", lambda: oci([layer()], on_files=lambda fs: fs[1:]))
for name, text in (("version", b'{"imageLayoutVersion":"9.9.9"}'), ("no-version", b"{}"),
                   ("number", b'{"imageLayoutVersion":1}'), ("text", b"hello"), ("empty", b""),
                   ("array", b"[]"), ("huge", b" " * 1000000 + b"{}")):
    g.reject("layout-" + name, "oci-layout is %.40r" % text,
             lambda t=text: oci([layer()], on_files=lambda fs: [("oci-layout", t)] + fs[1:]))
g.reject("200000-files", "200000 files", lambda: oci([layer()],
        on_files=lambda fs: fs + [("", Entry(file("f") * 200000))]))
BIGGER = [layer(file("r", bytes(range(256)) * 4000))]
for name, cut in (("half", 0.5), ("start", 0.01), ("end", 0.97)):
    g.reject("cut-" + name, "cut at %d %%" % (cut * 100),
             lambda c=cut: (lambda a: Archive(a.data[:int(len(a.data) * c)], a.layers))(
            oci(BIGGER, how="none", on_files=lambda fs: fs[:2] + fs[:1:-1])))
for n in range(1, 13):
    g.reject("cut-block-%d" % n, "cut in the middle of block %d" % n,
             lambda k=n: Archive(oci([layer()], how="none").data[:512 * k - 256], []))
g.contain("no-end", "without the blocks at its end", lambda: (
        lambda a: Archive(a.data[:-1024], a.layers))(oci([layer()])), plus={})
g.accept("trailing", "noise after them", lambda: (lambda a: Archive(a.data + b"noise" * 1000,
            a.layers))(oci([layer()])), plus={})
g.reject("after-end", "the index lies behind the end", lambda: oci([layer()],
        on_files=lambda fs: [fs[0]] + [("", Entry(END))] + fs[1:]))
for name, data in (("no-bytes", b""), ("zeros", bytes(10240)), ("text", b"hello\n" * 1000),
                   ("noise", bytes(range(256)) * 100), ("json", b'{"schemaVersion":2}'),
                   ("one-byte", b"x"), ("elf", b"\x7fELF" + bytes(2000))):
    g.reject(name, "not an archive at all: %s" % name, lambda b=data: Archive(b, []))
g.accept("gzip", "docker save | gzip", lambda: oci([layer()], pack=gz), plus={})
g.accept("zstd", "or zstd", lambda: oci([layer()], pack=zst), plus={})
g.reject("gzip-cut", "gzip, cut", lambda: oci([layer()], pack=lambda b: gz(b)[:-500]))
g.reject("gzip-damaged", "gzip, a byte changed", lambda: oci([layer()],
        pack=lambda b: gz(b)[:-6] + b"x" + gz(b)[-5:]))
g.reject("gzip-twice", "gzip twice", lambda: oci([layer()], pack=lambda b: gz(gz(b))))
g.reject("xz", "xz", lambda: oci([layer()], pack=lambda b: b"\xfd7zXZ\0" + b))
g.reject("gzip-bomb", "64 GiB of zeros as an archive", lambda: Archive(
        gz(bytes(64 << 20), 9) * 1024, []))
g.accept("both", "index.json and manifest.json, as Docker 25 saves",
         lambda: (lambda o: Archive(outer(o.files + [("manifest.json",
            dumps([{"Config": Oci.path(o.config["digest"]), "RepoTags": ["evil:1"],
                    "Layers": [Oci.path(x) for x in o.layers]}]))]), o.layers))(Oci([layer()])),
         plus={})
g.contain("both-differ", "they name different images", with_files(
        after=[("manifest.json", b'[{"Config":"nope.json","RepoTags":["evil:9"],"Layers":[]}]')]),
          plus={})

g = Group("docker")


def entry(**fields):
    """manifest.json with other fields in its one image."""
    return lambda: docker([layer()], on_manifest=lambda m: [{**m[0], **fields}])


def manifest(data):
    return lambda: docker([layer()], on_manifest=lambda _: data)


g.accept("plain", "as Docker saved up to version 24", lambda: docker([layer()]), plus={})
g.accept("legacy", "with the files of before 1.10 beside",
         lambda: docker([layer()], on_files=lambda fs: [
            (fs[0][0].replace("layer.tar", "VERSION"), b"1.0"),
            (fs[0][0].replace("layer.tar", "json"), b'{"id":"x"}')] + fs +
                        [("repositories", b'{"evil":{"1":"x"}}')]), plus={})
g.accept("layer-link", "a layer that another image has already is a symlink",
         lambda: docker([layer(), layer()], on_files=lambda fs: [fs[0],
            (fs[1][0], Entry(symlink(fs[1][0], "../" + fs[0][0])))] + fs[2:]), plus={})
g.accept("layer-hard-link", "or a hard link", lambda: docker([layer(), layer()],
        on_files=lambda fs: [fs[0], (fs[1][0], Entry(hard(fs[1][0], fs[0][0])))] + fs[2:]), plus={})
g.accept("gzip-layers", "layers in gzip; the diffID is of the tar",
         lambda: docker([layer()], blobs=[gz(layer())]), plus={})
g.accept("gzip-outside", "docker save | gzip", lambda: docker([layer()], pack=gz), plus={})
g.accept("no-tags", "RepoTags is null", entry(RepoTags=None), plus={}, names=[])
g.accept("empty-tags", "RepoTags is empty", entry(RepoTags=[]), plus={}, names=[])
g.accept("many-tags", "several tags", entry(RepoTags=["evil:1", "evil:2", "evil:1"]), plus={},
         names=["evil:1", "evil:2"])
g.accept("no-layers", "no layers", lambda: docker([], on_manifest=lambda m: [
            {**m[0], "Layers": None}]), tree={"": d(mtime="any")})
g.accept("extra", "keys nobody knows", entry(Parent="sha256:x", LayerSources={"sha256:x": {}},
        evil=[[]]), plus={})
g.reject("layers-traversal", "a layer out of the archive", entry(Layers=[UP + SECRET.strip("/")]))
g.reject("layers-absolute", "an absolute one", entry(Layers=[SECRET]), says=SECRET)
g.reject("layers-empty-name", "a layer without a name", entry(Layers=[""]))
g.reject("layers-missing", "a layer that is not there", entry(Layers=["no/layer.tar"]),
         says="no/layer.tar")
g.reject("layers-string", "Layers is a string", entry(Layers="x"))
g.reject("layers-null", "Layers is null, the config has one", entry(Layers=None))
g.reject("layers-numbers", "Layers is numbers", entry(Layers=[1]))
g.reject("layers-10-6", "a million layers", entry(Layers=["a"] * 1000000))
g.reject("layers-twice", "more layers than diffIDs", lambda: docker([layer()],
        on_manifest=lambda m: [{**m[0], "Layers": m[0]["Layers"] * 2}]))
g.reject("layers-nul", "a NUL in a layer's name", entry(Layers=["a\0b"]))
g.reject("config-absolute", "Config is /etc/passwd", entry(Config="/etc/passwd"))
g.reject("config-traversal", "Config leads out", entry(Config=UP + "etc/passwd"))
g.reject("config-missing", "Config is not there", entry(Config="nope.json"), says="nope.json")
g.reject("config-number", "Config is a number", entry(Config=5))
g.reject("config-null", "Config is null", entry(Config=None))
g.reject("config-is-layer", "Config names the layer", lambda: docker([layer()],
        on_manifest=lambda m: [{**m[0], "Config": m[0]["Layers"][0]}]))
g.reject("config-digest", "a config that is not what its name says",
         lambda: docker([layer()], on_files=lambda fs: [
            (p, b + b" " if p.endswith(".json") and p != "manifest.json" else b) for p, b in fs]))
g.reject("layer-other", "a layer that is not what its diffID says",
         lambda: docker([layer()], blobs=[layer(file("x"))]), layer=0)
g.reject("tags-numbers", "RepoTags is numbers", entry(RepoTags=[1]))
g.reject("tags-string", "RepoTags is a string", entry(RepoTags="evil:1"))
g.reject("tags-object", "RepoTags is an object", entry(RepoTags={"evil": 1}))
for name, data in (("object", {"Config": "x"}), ("empty", []), ("null", None), ("string", "x"),
                   ("numbers", [1, 2]), ("nested", [[]]), ("nul", bytes(100)), ("nothing", b""),
                   ("brackets", b"[" * 300000), ("5000", [{"Config": "x"}] * 5000),
                   ("cut", b'[{"Config":')):
    g.reject("manifest-" + name, "manifest.json is %.30r" % (data,), manifest(data))
g.reject("repositories-only", "the form of before 1.10 alone",
         lambda: docker([layer()], on_files=lambda fs: [x for x in fs if x[0] != "manifest.json"] +
                        [("repositories", b'{"evil":{"1":"x"}}')]))

g = Group("layout-directory")


def directory(change=None, **how):
    """An image layout as a directory; @change gets {path: bytes or function(path)} and the Oci."""
    def make():
        made = Oci([layer()], **how)
        files = dict(made.files)
        if change:
            change(files, made)
        return files
    return make


def put(path_of, body):
    """Replace one file: @path_of(made) says which."""
    def change(files, made):
        files[path_of(made)] = body
    return change


def layer_path(made):
    return Oci.path(made.layers[0])


def index_path(_):
    return "index.json"


def linked(to):
    return lambda path: os.symlink(to, path)


def link_to_copy(path):
    """To a good blob, but outside of the layout."""
    out = os.path.dirname(CANARY) + "/good-blob"
    if not os.path.exists(out):
        with open(out, "wb") as blob:
            blob.write(gz(layer()))
    os.symlink(out, path)


def special(mode, dev=0):
    return lambda path: os.mknod(path, mode | 0o600, dev)


g.accept("good", "an image layout that is no tarball", directory(), plus={})
g.accept("strangers", "with files that belong to nothing",
         directory(lambda fs, _: fs.update({"x": b"", "blobs/md5/x": b"",
            "p": special(stat.S_IFIFO)})), plus={})
g.accept("link-inside", "a blob that is a link within",
         directory(lambda fs, m: fs.update({"real": fs[layer_path(m)],
            layer_path(m): linked("../../real")})), plus={})
for name, where in (("layer", layer_path), ("index", index_path)):
    g.reject(name + "-link-out", "the %s is a link to the canary" % name,
             directory(put(where, linked(SECRET))))
    g.reject(name + "-link-relative", "by a relative link",
             directory(put(where, linked(UP + SECRET.strip("/")))))
    g.reject(name + "-link-proc", "to a descriptor", directory(
            put(where, linked("/proc/self/fd/0"))))
    g.reject(name + "-link-zero", "to an endless device",
             directory(put(where, linked("/dev/zero"))))
    g.reject(name + "-link-itself", "to itself", directory(
            put(where, lambda p: os.symlink(os.path.basename(p), p))))
    g.reject(name + "-fifo", "a FIFO; no hang", directory(put(where, special(stat.S_IFIFO))))
    g.reject(name + "-socket", "a socket", directory(put(where, special(stat.S_IFSOCK))))
    g.reject(name + "-device", "a device", directory(put(where,
                special(stat.S_IFCHR, os.makedev(1, 5)))))
    g.reject(name + "-directory", "a directory", directory(put(where, os.mkdir)))
    g.reject(name + "-empty", "an empty file", directory(put(where, b"")))
g.reject("layer-link-good", "a link to a good blob outside of the layout",
         directory(put(layer_path, link_to_copy)))
g.reject("layer-changed", "a byte of the layer is another",
         directory(lambda fs, m: fs.update({layer_path(m): fs[layer_path(m)][:-1] + b"\xff"})),
         says="sha256:")
g.reject("layer-missing", "no layer", directory(lambda fs, m: fs.pop(layer_path(m))),
         says="sha256:")
g.reject("no-layout", "no oci-layout", directory(lambda fs, _: fs.pop("oci-layout")))
g.reject("nothing", "an empty directory", lambda: {"x": b""})
g.contain("docker", "a docker-archive as a directory", lambda: {
        "manifest.json": b'[{"Config":"c.json","RepoTags":["evil:1"],"Layers":["l.tar"]}]',
        "l.tar": layer(), "c.json": dumps(config_of([digest_by("sha256", layer())]))}, plus={})
