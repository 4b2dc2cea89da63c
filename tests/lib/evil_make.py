"""evil_make.py - tarballs and images of which every byte can be wrong.

Knows the tar header, PAX, gzip and zstd by hand, since no library writes what is broken; the right
parts of an image come from mkimage.py. Does not know which of them minibox must refuse: evil*.py.
"""
import gzip
import hashlib
import struct
import zlib

from mkimage import MEDIA, digest, dumps

TIME = 1_600_000_000  # of every entry that does not say otherwise
END = bytes(1024)
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MANIFEST, INDEX = MEDIA + "manifest.v1+json", MEDIA + "index.v1+json"


def raw(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def octal(n, width):
    """A number field; bytes are taken as they are, however wrong."""
    return n if isinstance(n, bytes) else b"%0*o\0" % (width - 1, n)


def base256(n, width):
    """GNU's binary numbers: the top bit set, two's complement."""
    return bytes([0x80 if n >= 0 else 0xff]) + n.to_bytes(width - 1, "big", signed=n < 0)


FIELDS = {"name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12),
          "mtime": (136, 12), "type": (156, 1), "link": (157, 100), "magic": (257, 8),
          "uname": (265, 32), "gname": (297, 32), "major": (329, 8), "minor": (337, 8),
          "prefix": (345, 155), "sparse": (386, 96), "extended": (482, 1), "real": (483, 12)}


def header(name, kind="0", size=0, mode=0o644, uid=0, gid=0, mtime=TIME, link="", dev=(0, 0),
           checksum=None, **fields):
    """One header block; @fields are bytes put in as they are."""
    known = {"name": raw(name)[:100], "mode": octal(mode, 8), "uid": octal(uid, 8),
             "gid": octal(gid, 8), "size": octal(size, 12), "mtime": octal(mtime, 12),
             "type": raw(kind), "link": raw(link)[:100], "magic": b"ustar\x0000",
             "major": octal(dev[0], 8), "minor": octal(dev[1], 8), **fields}
    block = bytearray(512)
    for key, value in known.items():
        at, width = FIELDS[key]
        assert len(value) <= width, key
        block[at:at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = checksum if checksum is not None else b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def record(key, value):
    body = b" " + raw(key) + b"=" + raw(value) + b"\n"
    n = len(body)
    while len(b"%d" % n) + len(body) != n:
        n = len(b"%d" % n) + len(body)
    return b"%d" % n + body


def pax(records, kind="x"):
    """The extended header before an entry: {key: value}, or its bytes."""
    if not isinstance(records, bytes):
        records = b"".join(record(k, v) for k, v in records.items())
    return header("PaxHeader", kind, len(records)) + padded(records)


def gnu_long(text, kind="L"):
    """GNU's long name ("L") or long link target ("K") for the entry that follows."""
    text = raw(text) + b"\0"
    return header("././@LongLink", kind, len(text), magic=b"ustar  \0") + padded(text)


def file(name, data=b"", **how):
    data, before = raw(data), b""
    if len(raw(name)) > 100:
        before = pax({"path": name})
    return before + header(name, "0", len(data), **how) + padded(data)


def folder(name, mode=0o755, **how):
    before = pax({"path": name}) if len(raw(name)) > 100 else b""
    return before + header(name, "5", mode=mode, **how)


def symlink(name, to, **how):
    before = pax({"linkpath": to}) if len(raw(to)) > 100 else b""
    return before + header(name, "2", link=to, mode=0o777, **how)


def hard(name, to, **how):
    before = pax({"linkpath": to}) if len(raw(to)) > 100 else b""
    return before + header(name, "1", link=to, **how)


def fifo(name, **how):
    return header(name, "6", **how)


def device(name, kind, major, minor, **how):
    """@kind: "c" or "b"."""
    return header(name, {"c": "3", "b": "4"}[kind], dev=(major, minor), **how)


def xattrs(values, **more):
    return pax({**{"SCHILY.xattr." + k: v for k, v in values.items()}, **more})


def tar(*entries):
    return b"".join(entries) + END


def base():
    """What most layers begin with."""
    return (folder("bin") + file("bin/sh", "#!sh\n", mode=0o755) + folder("etc") +
            file("etc/passwd", "root:x:0:0::/:/bin/sh\n"))


def layer(*entries):
    return tar(base(), *entries)


def old_sparse(name, chunks, size, lie=None):
    """GNU's first form: up to four (offset, data) in the header; @lie: other (offset, length)."""
    stored = b"".join(data for _, data in chunks)
    told = lie or [(at, len(data)) for at, data in chunks]
    text = b"".join(base256(at, 12) + base256(n, 12) for at, n in told)
    return header(name, "S", len(stored), magic=b"ustar  \0", sparse=text,
                  real=base256(size, 12)) + padded(stored)


def pax_sparse(version, name, chunks, size, lie=None):
    """PAX: the map as repeated keys (0.0), as one (0.1), before the data (1.0)."""
    stored = b"".join(data for _, data in chunks)
    told = lie or [(at, len(data)) for at, data in chunks]
    if version == "1.0":
        text = b"%d\n" % len(told) + b"".join(b"%d\n%d\n" % c for c in told)
        return (pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name,
                     "GNU.sparse.realsize": str(size)}) +
                header("GNUSparseFile.0/" + name, "0", len(padded(text) + stored)) +
                padded(text) + padded(stored))
    records = record("GNU.sparse.size", str(size)) + record("GNU.sparse.numblocks", str(len(told)))
    if version == "0.0":
        for at, n in told:
            records += record("GNU.sparse.offset", str(at)) + record("GNU.sparse.numbytes", str(n))
        return pax(records) + header(name, "0", len(stored)) + padded(stored)
    records += record("GNU.sparse.map", ",".join("%d,%d" % c for c in told))
    records += record("GNU.sparse.name", name)
    return pax(records) + header("GNUSparseFile.0/" + name, "0", len(stored)) + padded(stored)


def gz(data, level=6):
    return gzip.compress(data, level, mtime=0)


def gz_member(data, flags=0, extra=b"", crc=None, size=None):
    """One gzip member with a header of its own making."""
    c = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = c.compress(data) + c.flush()
    return (b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\0\xff" + extra + body +
            struct.pack("<II", zlib.crc32(data) if crc is None else crc,
                        len(data) & 0xffffffff if size is None else size))


def zst(data, size=None, window=None):
    """A zstd frame of raw blocks; @size: what its header claims; @window: a window descriptor."""
    out = ZSTD_MAGIC
    if window is not None:
        out += bytes([0x00, window])
    else:
        out += b"\xe0" + struct.pack("<Q", len(data) if size is None else size)
    blocks = [data[i:i + (128 << 10)] for i in range(0, len(data), 128 << 10)] or [b""]
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        out += struct.pack("<I", len(block) << 3 | last)[:3] + block
    return out


def zst_skip(data):
    """A frame that readers pass over; zstd:chunked keeps its table of contents in one."""
    return b"\x50\x2a\x4d\x18" + struct.pack("<I", len(data)) + data


SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}
PACK = {"gzip": gz, "zstd": zst, "none": bytes}


class Entry(bytes):
    """Stands for a file of an archive: the tar entry itself, whatever it is."""


class Archive:
    """The bytes of an archive and what a message about it must be able to name."""

    def __init__(self, data, layers):
        self.data, self.layers = data, layers


def digest_by(alg, data):
    return alg + ":" + hashlib.new(alg, data).hexdigest()


def outer(files):
    return tar(*[b if isinstance(b, Entry) else file(p, b) for p, b in files])


def config_of(diff_ids, config=None, top=None):
    return {"created": "2020-01-01T00:00:00Z", "architecture": "amd64", "os": "linux",
            "config": {"Cmd": ["/bin/sh"]} if config is None else config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids}, **(top or {})}


def same(value):
    return value


class Oci:
    """An OCI archive. Each hook gets a part and returns what takes its place, object or bytes.

    @blobs: bytes of the layers' blobs instead of the packed tarballs (None: that one as it is);
    @how: packing, one for all or a list; @told: diffIDs instead of the right ones.
    """

    def __init__(self, layers, how="gzip", blobs=None, alg="sha256", told=None, config=None,
                 name="evil:1", on_config=same, on_layers=same, on_manifest=same, on_index=None,
                 on_files=same, top=None):
        self.alg, self.stored = alg, {}
        how = how if isinstance(how, list) else [how] * len(layers)
        self.diff_ids = [digest_by(alg, t) for t in layers]
        packed = [PACK[h](t) for h, t in zip(how, layers)]
        if blobs:
            packed = [b if b is not None else p for b, p in zip(blobs, packed)]
        descs = [self.put(b, MEDIA + "layer.v1.tar" + SUFFIX[h]) for b, h in zip(packed, how)]
        self.layers = [d["digest"] for d in descs]
        cfg = config_of(told or self.diff_ids, config, top)
        self.config = self.put(self.bytes_of(on_config(cfg)), MEDIA + "config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": dict(self.config),
                    "layers": on_layers(descs)}
        self.manifest = self.put(self.bytes_of(on_manifest(manifest)), MANIFEST)
        entry = dict(self.manifest)
        if name is not None:
            entry["annotations"] = {"io.containerd.image.name": name}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
        if on_index:
            index = on_index(index, self)
        files = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')]
        if index is not None:
            files.append(("index.json", self.bytes_of(index)))
        files += [(self.path(d), b) for d, b in self.stored.items()]
        self.files = on_files(files)

    @staticmethod
    def bytes_of(value):
        return value if isinstance(value, bytes) else dumps(value)

    @staticmethod
    def path(name):
        return "blobs/" + name.replace(":", "/")

    def put(self, data, media):
        """Store a blob; its descriptor."""
        name = digest_by(self.alg, data)
        self.stored[name] = data
        return {"mediaType": media, "digest": name, "size": len(data)}

    def archive(self, pack=same):
        return Archive(pack(outer(self.files)), self.layers)


def oci(*args, pack=same, **how):
    return Oci(*args, **how).archive(pack)


def docker(layers, tags=("evil:1",), blobs=None, told=None, config=None, names=None, on_config=same,
           on_manifest=same, on_files=same, pack=same, top=None):
    """A docker-archive as `docker save` wrote them up to version 24."""
    diff_ids = told or [digest(t) for t in layers]
    cfg = Oci.bytes_of(on_config(config_of(diff_ids, config, top)))
    names = names or ["%064x/layer.tar" % (i + 1) for i in range(len(layers))]
    cfg_name = digest(cfg)[7:] + ".json"
    manifest = [{"Config": cfg_name, "RepoTags": list(tags), "Layers": names}]
    files = list(zip(names, blobs or layers)) + [(cfg_name, cfg)]
    files.append(("manifest.json", Oci.bytes_of(on_manifest(manifest))))
    return Archive(pack(outer(on_files(files))), diff_ids)
