"""evil_images.py - images whose parts do not fit: digests, sizes, descriptors, platforms, names.

The image-spec's descriptor.md, manifest.md and image-index.md say what fits.
"""
from evil import CANARY, UP, Group, d, f
from evil_make import (INDEX, MANIFEST, MEDIA, Oci, digest_by, docker, dumps, file, gz, layer, oci,
                       tar)


def flipped(what):
    """The last byte of one blob is another."""
    def change(files):
        out = []
        for path, data in files:
            mine = path.startswith("blobs/") and (data[:2] == b"\x1f\x8b" if what == "layer"
                else b'"rootfs"' in data if what == "config" else b'"layers":' in data
                and b'"config":{"mediaType' in data)
            out.append((path, data[:-1] + bytes([data[-1] ^ 1]) if mine else data))
        return out
    return lambda: oci([layer()], on_files=change)


def without(what):
    def make():
        made = Oci([layer()])
        path = Oci.path({"layer": made.layers[0], "config": made.config["digest"],
                         "manifest": made.manifest["digest"]}[what])
        made.files = [(p, b) for p, b in made.files if p != path]
        return made.archive()
    return make


def first(**fields):
    """The first layer's descriptor with other fields; None takes one away."""
    def change(layers):
        merged = {**layers[0], **fields}
        return [{k: v for k, v in merged.items() if v is not None}] + layers[1:]
    return lambda: oci([layer()], on_layers=change)


def manifest_with(**fields):
    return lambda: oci([layer()], on_manifest=lambda m: {k: v for k,
            v in {**m, **fields}.items() if v is not None})


def config_desc(**fields):
    return lambda: oci([layer()], on_manifest=lambda m: {**m,
            "config": {k: v for k, v in {**m["config"], **fields}.items() if v is not None}})


def entry_with(**fields):
    """The index's one entry."""
    return lambda: oci([layer()], on_index=lambda ix, _: {**ix,
            "manifests": [{k: v for k, v in {**ix["manifests"][0], **fields}.items()
                           if v is not None}]})


g = Group("digests")
for what in ("layer", "config", "manifest"):
    g.reject("flip-" + what, "a byte of the %s is another" % what, flipped(what),
             layer=0 if what == "layer" else None)
    g.reject("missing-" + what, "the %s is not there" % what, without(what), says="sha256:")
WRONG = {"traversal": "sha256:" + UP + "etc/passwd", "upper": "sha256:" + "A" * 64,
         "short": "sha256:abcd", "long": "sha256:" + "a" * 65, "md5": "md5:" + "a" * 32,
         "sha384": "sha384:" + "a" * 96, "no-algorithm": "a" * 64, "empty": "",
         "blank": "sha256:" + "a" * 63 + " ", "newline": "sha256:" + "a" * 63 + "\n",
         "nul": "sha256:" + "a" * 63 + "\0", "slash": "../x:" + "a" * 64, "number": 5, "null": None,
         "list": ["sha256:" + "a" * 64], "unknown": "sha256:" + "a" * 64,
         "sha512-short": "sha512:" + "a" * 64, "twice": "sha256:sha256:" + "a" * 57,
         "escape": "sha256:\x1b[2J" + "a" * 60}
for name, value in WRONG.items():
    g.reject("layer-" + name, "a layer's digest is %r" % (value,), first(digest=value))
    g.reject("config-" + name, "the config's", config_desc(digest=value))
    g.reject("manifest-" + name, "the manifest's", entry_with(digest=value))
SIZES = {"more": 10**6, "zero": 0, "negative": -1, "2-63": 1 << 63, "2-64": 1 << 64, "string": "12",
         "fraction": 1.5, "null": None, "true": True, "1e300": 1e300}
for name, value in SIZES.items():
    g.reject("layer-size-" + name, "a layer's size is %r" % (value,), first(size=value))
    g.reject("config-size-" + name, "the config's", config_desc(size=value))
    g.reject("manifest-size-" + name, "the manifest's", entry_with(size=value))
TWO = [layer(), tar(file("a", "1"))]
IDS = [digest_by("sha256", t) for t in TWO]
g.reject("diffid-more", "three diffIDs for two layers", lambda: oci(TWO, told=IDS + IDS[1:]))
g.reject("diffid-fewer", "one for two", lambda: oci(TWO, told=IDS[:1]))
g.reject("diffid-none", "none for two", lambda: oci(TWO,
        on_config=lambda c: {**c, "rootfs": {"type": "layers", "diff_ids": []}}))
g.reject("diffid-swapped", "in the wrong order", lambda: oci(TWO, told=IDS[::-1]), says="sha256:")
g.reject("diffid-wrong", "of other content", lambda: oci(TWO, told=[IDS[0], "sha256:" + "a" * 64]),
         layer=1)
g.reject("diffid-packed", "of the packed bytes, not of the tar",
         lambda: oci([layer()], told=[digest_by("sha256", gz(layer()))]), layer=0)
for name in ("traversal", "upper", "short", "md5", "empty", "nul", "number"):
    g.reject("diffid-" + name, "a diffID is %r" % (WRONG[name],),
             lambda v=WRONG[name]: oci([layer()], told=[v]))
g.accept("sha512", "sha512 all through", lambda: oci([layer()], alg="sha512"), plus={})
g.accept("sha512-diffid", "sha512 for the diffID alone",
         lambda: oci([layer()], told=[digest_by("sha512", layer())]), plus={})
g.reject("sha512-wrong", "a wrong one", lambda: oci([layer()], told=["sha512:" + "a" * 128]),
         layer=0)
g.contain("known-layer-damaged",
          "a damaged blob of a layer that the store has: it is not read, or refused",
          lambda: oci([tar(file("kept", "k"))], blobs=[b"damage"], config={"Cmd": ["x"]}))
g.accept("known-layer-twice", "one layer twice, removed between",
         [layer(), tar(file("f", "1")), tar(file(".wh.f")), tar(file("f", "1"))],
         plus={"f": f("1")})

g = Group("layers")
g.accept("127", "as many as Docker takes", lambda: oci([layer()] +
        [tar(file("l%d" % i, str(i))) for i in range(126)]),
         plus={"l%d" % i: f(str(i)) for i in range(126)})
g.accept("300", "more than fit on a page of mount options",
         lambda: oci([layer()] + [tar(file("l%d" % i, str(i))) for i in range(299)], how="none"),
         plus={"l%d" % i: f(str(i)) for i in range(299)})
g.reject("501", "more than overlayfs takes", lambda: oci([layer()] +
        [tar(file("l%d" % i, str(i))) for i in range(500)], how="none"))
g.reject("100000", "100000 descriptors of one layer", lambda: oci([layer()],
        on_layers=lambda ls: ls * 100000, told=[digest_by("sha256", layer())] * 100000))
g.accept("none", "no layers at all: an empty root", lambda: oci([]), tree={"": d(mtime="any")})
g.accept("empty-layers", "layers of nothing between", [layer(), tar(), tar(file("a", "1")), tar()],
         plus={"a": f("1")})
g.accept("history-empty", "history with steps that made no layer",
         lambda: oci([layer()], top={"history": [{"empty_layer": True}, {"created_by": "x"},
            {"empty_layer": True, "comment": "c"}]}), plus={})
g.contain("history-wrong", "history that counts other layers",
          lambda: oci([layer()], top={"history": [{}] * 9}), plus={})
# layer.md: "Implementations are expected to support preexisting images with non-distributable
# layers."
g.accept("nondistributable", "a layer that may not be passed on is still one",
         first(mediaType=MEDIA + "layer.nondistributable.v1.tar+gzip"), plus={})
g.accept("docker-types", "Docker's own media types", lambda: oci([layer()],
        on_layers=lambda ls: [
            {**ls[0], "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip"}],
        on_manifest=lambda m: {**m,
                               "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                               "config": {**m["config"],
            "mediaType": "application/vnd.docker.container.image.v1+json"}}, on_index=lambda ix,
        _: {**ix,
            "manifests": [
            {**ix["manifests"][0],
             "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}]}), plus={})
g.reject("foreign-absent", "a foreign layer that lies elsewhere",
         lambda: oci([layer()],
                     on_layers=lambda ls: [
            {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
             "digest": "sha256:" + "f" * 64, "size": 9, "urls": ["http://127.0.0.1/x"]}]),
         says="sha256:" + "f" * 64)
g.contain("foreign-present", "a foreign layer that is here",
          first(mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                urls=["http://127.0.0.1/x"]), plus={})
g.reject("encrypted", "an encrypted layer", lambda: oci([layer()], blobs=[bytes(range(256)) * 9],
        on_layers=lambda ls: [{**ls[0], "mediaType": MEDIA + "layer.v1.tar+gzip+encrypted"}]),
         layer=0)
for name, value in (("unknown", "application/x-evil"), ("empty", ""), ("number", 5), ("null", None),
                    ("long", "a/" + "b" * 100000), ("control", "a/\x1b[2J\n")):
    g.contain("type-" + name, "a layer's media type is %.30r" % (value,), first(mediaType=value),
              plus={})
g.contain("annotations", "a layer's annotations are anything",
          first(annotations={"a": 5, "b": [1]}), plus={})
g.contain("data", "the blob is in the descriptor as well", first(data="AAAA"), plus={})

g = Group("indexes")


def platforms(*list_, name="evil:1", nested=True):
    """Images of several platforms; the good one is "linux/amd64"."""
    def make():
        def change(index, made):
            wrong = made.put(dumps({"schemaVersion": 2, "config": {}, "layers": []}), MANIFEST)
            entries = []
            for p in list_:
                entry = {k: v for k, v in (made.manifest if p == GOOD else wrong).items()}
                entries.append({**entry, "platform": p} if p is not None else {**made.manifest})
            if not nested:
                return {**index, "manifests": [{**e, "annotations": {
                            "io.containerd.image.name": name}} for e in entries]}
            inner = made.put(dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}),
                             INDEX)
            return {**index, "manifests": [{**inner, "annotations": {
                        "io.containerd.image.name": name}}]}
        return oci([layer()], on_index=change)
    return make


GOOD, ARM, WINDOWS = {"os": "linux", "architecture": "amd64"}, {"os": "linux",
    "architecture": "arm64", "variant": "v8"}, {"os": "windows", "architecture": "amd64",
    "os.version": "10"}
UNKNOWN = {"os": "unknown", "architecture": "unknown"}
g.accept("platforms", "this machine's is taken", platforms(ARM, WINDOWS, GOOD, UNKNOWN), plus={})
g.accept("platforms-flat", "without an index between", platforms(ARM, GOOD, nested=False), plus={})
g.accept("platforms-first", "wherever it stands", platforms(GOOD, ARM, WINDOWS), plus={})
g.reject("platforms-other", "none of them is this machine's", platforms(ARM, WINDOWS))
g.reject("platform-only-arm", "there is one, another's", platforms(ARM))
g.reject("platform-only-unknown", "nothing but an attestation", platforms(UNKNOWN))
for name, value in (("string", "linux/amd64"), ("number", 5), ("list", ["linux"]), ("empty", {}),
                    ("numbers", {"os": 1, "architecture": 2})):
    g.contain("platform-" + name, "a platform is %r" % (value,), entry_with(platform=value),
              plus={})
g.contain("attestation", "an attestation beside the image",
          lambda: oci([layer()], on_index=lambda ix, made: {**ix,
            "manifests": ix["manifests"] + [{**made.put(
            dumps({"schemaVersion": 2, "config": {}, "layers": []}), MANIFEST), "platform": UNKNOWN,
            "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}]}), plus={})
# image-index.md: "An encountered `mediaType` that is unknown to the implementation MUST be
# ignored."
g.accept("unknown-beside", "an entry of an unknown type beside the image",
         lambda: oci([layer()], on_index=lambda ix, made: {**ix,
            "manifests": [{**made.put(b"anything", "application/x-evil")}] + ix["manifests"]}),
         plus={})
g.reject("unknown-only", "nothing but an unknown type",
         lambda: oci([layer()], on_index=lambda ix, made: {**ix,
            "manifests": [made.put(b"anything", "application/x-evil")]}))
g.reject("artifact", "an artifact that is no image", lambda: oci([layer()], on_index=lambda ix,
        made: {**ix, "manifests": [made.put(dumps({"schemaVersion": 2, "mediaType": MANIFEST,
            "artifactType": "application/x-evil", "config": made.put(b"{}",
            "application/vnd.oci.empty.v1+json"), "layers": [
            made.put(b"{}", "application/vnd.oci.empty.v1+json")]}), MANIFEST)]}))


def nest(depth, width=1):
    """Indexes within indexes, each listing the next @width times."""
    def change(index, made):
        inner = index
        for _ in range(depth):
            entry = made.put(dumps(inner), INDEX)
            inner = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] * width}
        return inner
    return lambda: oci([layer()], on_index=change, name="evil:1")


g.accept("nested", "an index in an index", platforms(GOOD), plus={})
g.reject("nested-20", "twenty deep", nest(20))
g.reject("nested-1000", "a thousand deep", nest(1000))
g.reject("nested-wide", "twenty deep, each twice: a million ways", nest(20, 2))
g.contain("nested-wider", "three deep, each a hundred times", nest(3, 100), plus={})
g.contain("nested-other-type", "an index that its descriptor calls a manifest, over and over",
          lambda: oci([layer()], on_index=lambda ix, made: {**ix,
            "manifests": [{**made.put(dumps({**ix, "manifests": [
            {**made.put(dumps(ix), MANIFEST)}] * 2}), MANIFEST)}] * 2}), plus={})
g.reject("schema-1", "Docker's manifest of before 2015",
         lambda: oci([layer()], on_manifest=lambda m: {"schemaVersion": 1, "name": "x", "tag": "y",
            "fsLayers": [], "history": []}))
g.contain("schema-missing", "no schemaVersion", manifest_with(schemaVersion=None), plus={})
g.contain("schema-3", "a later one", manifest_with(schemaVersion=3), plus={})
g.contain("manifest-type-wrong", "a manifest that calls itself an index",
          manifest_with(mediaType=INDEX), plus={})
# CVE-2021-41190: one document that is an index to one reader and a manifest to another
g.contain("manifest-and-index", "both manifests and layers in one document (CVE-2021-41190)",
          manifest_with(manifests=[]), plus={})
g.reject("config-is-layer", "the config's descriptor names the layer",
         lambda: oci([layer()], on_manifest=lambda m: {**m, "config": m["layers"][0]}))
g.reject("layer-is-config", "a layer's descriptor names the config",
         lambda: oci([layer()], on_manifest=lambda m: {**m, "layers": [m["config"]]}))
g.reject("manifests-5000", "5000 entries", lambda: oci([layer()], on_index=lambda ix,
        _: {**ix, "manifests": ix["manifests"] * 5000}))
g.accept("same-twice", "one image listed twice", lambda: oci([layer()], on_index=lambda ix,
        _: {**ix, "manifests": ix["manifests"] * 2}), plus={})


def two_images():
    other = Oci([layer(file("b", "2"))])

    def change(index, made):
        made.stored.update(other.stored)
        return {**index, "manifests": index["manifests"] +
                [{**other.manifest, "annotations": {"io.containerd.image.name": "evil:2"}}]}
    return oci([layer(file("a", "1"))], on_index=change)


g.accept("two-images", "two images in one archive", two_images, plus={"a": f("1")},
         names=["evil:1", "evil:2"])
g.accept("two-names", "two names of one image", lambda: oci([layer()], on_index=lambda ix,
        _: {**ix, "manifests": ix["manifests"] + [{**ix["manifests"][0],
            "annotations": {"io.containerd.image.name": "evil:2"}}]}), plus={},
         names=["evil:1", "evil:2"])

g = Group("image-names")
for name, text in (("traversal", UP + CANARY.strip("/") + "/x:latest"), ("dotdot", ".."),
                   ("slash", "/"), ("upper", "EVIL:1"), ("empty", ""), ("blank", "a b:1"),
                   ("newline", "a\nb:1"), ("escape", "\x1b]0;x\x07:1"), ("long", "a" * 300 + ":1"),
                   ("tag-long", "a:" + "t" * 129), ("tag-dash", "a:-x"),
                   ("tag-traversal", "a:../../x"), ("digest", "a@sha256:abc"), ("colon", ":"),
                   ("unicode", "\u00e9vil:1"), ("double-slash", "a//b:1"),
                   ("option", "--root=/tmp"), ("format", "%s%n:1"), ("shell", "$(id):1"),
                   ("dot", ".hidden:1"), ("port", "host:99999999/x:y:z"),
                   ("huge", "a/" * 200000 + "a:1")):
    g.accept(name, "%.40r is no name: the image has none" % text,
             lambda t=text: oci([layer()], name=t), plus={}, names=[])
g.contain("nul", "a NUL in a name", lambda: oci([layer()], name="a\0b:1"), plus={}, names=[])
g.accept("none", "no name is given", lambda: oci([layer()], name=None), plus={}, names=[])
g.accept("taken", "another image's name moves to this one", lambda: oci([layer()], name="kept:1"),
         plus={}, names=["kept:1"])
g.accept("registry", "a registry, a port, a path", lambda: oci([layer()],
        name="localhost:5000/a/b-c_d.e:V1.x"), plus={}, names=["localhost:5000/a/b-c_d.e:V1.x"])
g.accept("familiar", "Docker Hub's long form is the short one",
         lambda: oci([layer()], name="docker.io/library/evil:1"), plus={})
g.contain("ref-name", "ref.name leads out", lambda: oci([layer()], on_index=lambda ix,
        _: {**ix, "manifests": [{**ix["manifests"][0], "annotations": {
            "org.opencontainers.image.ref.name": "../../x:1"}}]}), plus={}, names=[])
for name, value in (("number", 5), ("list", ["evil:1"]), ("object", {}), ("null", None)):
    g.contain("is-" + name, "a name is a %s" % name, lambda v=value: oci([layer()],
            on_index=lambda ix, _: {**ix, "manifests": [
                {**ix["manifests"][0], "annotations": {"io.containerd.image.name": v}}]}), plus={},
              names=[])
for name, value in (("string", "x"), ("list", ["x"]), ("number", 1)):
    g.contain("annotations-" + name, "annotations are a %s" % name, entry_with(annotations=value),
              plus={}, names=[])
g.accept("docker-tags-bad", "a docker-archive's tags that are none",
         lambda: docker([layer()], tags=["../x:1", "EVIL", "evil:1"]), plus={})
