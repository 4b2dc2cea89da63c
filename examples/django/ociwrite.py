#!/usr/bin/python3
"""Writes container image layers and archives, with Python's standard library only.

  ociwrite.py layer [--lower DIR] DIR OUT.tar.gz    what DIR has over --lower, as one layer
  ociwrite.py image --format oci|docker --name NAME:TAG --config FILE --layer LAYER... OUT.tar

The same input gives the same bytes: names are sorted, owners are numbers, no time is later than
SOURCE_DATE_EPOCH. A layer has OUT.tar.gz.json beside it with its two digests; every file appears
under its name only when it is whole.
"""
import argparse
import filecmp
import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
import time

EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))  # 2026-01-01
CREATED = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Mount points, which belong to the machine: only the directories themselves go into an image.
EMPTY = {"dev", "proc", "sys", "tmp"}


class Digested:
    """A file being written, that counts and hashes what passes."""

    def __init__(self, file):
        self.file, self.hash, self.size = file, hashlib.sha256(), 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def flush(self):
        self.file.flush()

    @property
    def digest(self):
        return "sha256:" + self.hash.hexdigest()


def same(a, b):
    """Whether two paths are the same to an image: a time alone makes no difference."""
    x, y = os.lstat(a), os.lstat(b)
    if (x.st_mode, x.st_uid, x.st_gid) != (y.st_mode, y.st_uid, y.st_gid):
        return False
    if stat.S_ISLNK(x.st_mode):
        return os.readlink(a) == os.readlink(b)
    if stat.S_ISREG(x.st_mode):
        return x.st_size == y.st_size and (
            x.st_mtime_ns == y.st_mtime_ns or filecmp.cmp(a, b, shallow=False)
        )
    return x.st_rdev == y.st_rdev


def changes(lower, upper, path=""):
    """Yields (path, removed) for what upper has over lower, in order, parents first."""
    here = os.path.join(upper, path)
    below = os.path.join(lower, path) if lower else None
    below_is_dir = below is not None and os.path.isdir(below) and not os.path.islink(below)
    old = set(os.listdir(below)) if below_is_dir else set()
    new = set() if path in EMPTY else set(os.listdir(here))
    for name in sorted(new | (old if path not in EMPTY else set())):
        child = os.path.join(path, name)
        full = os.path.join(upper, child)
        if name not in new:
            yield child, True
            continue
        changed = name not in old or not same(os.path.join(lower, child), full)
        if not stat.S_ISDIR(os.lstat(full).st_mode):
            if changed:
                yield child, False
            continue
        inside = list(changes(lower if name in old else None, upper, child))
        if changed or inside:
            yield child, False
        yield from inside


def entry(tar, root, path, links):
    """The tar header of one path; a second name of a file becomes a hard link."""
    full = os.path.join(root, path)
    info = tar.gettarinfo(full, path)
    if info is None:
        return None  # a socket
    info.uname = info.gname = ""
    info.mtime = min(int(info.mtime), EPOCH)
    st = os.lstat(full)
    tar.inodes.clear()
    if stat.S_ISREG(st.st_mode):
        first = links.setdefault((st.st_dev, st.st_ino), path)
        info.type = tarfile.REGTYPE if first == path else tarfile.LNKTYPE
        info.linkname = "" if first == path else first
        info.size = st.st_size if first == path else 0
        if "security.capability" in os.listxattr(full, follow_symlinks=False):
            value = os.getxattr(full, "security.capability")
            info.pax_headers["SCHILY.xattr.security.capability"] = value.decode(
                "utf-8", "surrogateescape"
            )
    return info


def write_tar(out, lower, upper):
    links = {}
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path, removed in changes(lower, upper):
            if removed:
                head, name = os.path.split(path)
                info = tarfile.TarInfo(os.path.join(head, ".wh." + name))
                info.mtime = EPOCH
                tar.addfile(info)
                continue
            info = entry(tar, upper, path, links)
            if info is None:
                continue
            if info.isreg():
                with open(os.path.join(upper, path), "rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)


def write_whole(path, write):
    """Has write(file) fill a temporary file, then gives it its name."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            result = write(file)
        os.rename(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    return result


def layer(args):
    def write(file):
        packed = Digested(file)
        with gzip.GzipFile("", "wb", 6, packed, mtime=0) as zipped:
            plain = Digested(zipped)
            write_tar(plain, args.lower, args.dir)
        return {"digest": packed.digest, "size": packed.size, "diff_id": plain.digest}

    facts = write_whole(args.out, write)
    write_whole(args.out + ".json", lambda file: file.write(dump(facts)))


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


def add(tar, name, data):
    """One member of an archive: bytes, or an open file with its size."""
    file, size = data if isinstance(data, tuple) else (io.BytesIO(data), len(data))
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, EPOCH
    tar.addfile(info, file)


def write_oci(tar, name, config, layers):
    def descriptor(kind, digest, size, **more):
        media = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media, "digest": digest, "size": size, **more}

    def blob(data):
        return "sha256:" + hashlib.sha256(data).hexdigest()

    manifest = dump(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("config.v1+json", blob(config), len(config)),
            "layers": [
                descriptor("layer.v1.tar+gzip", facts["digest"], facts["size"])
                for _, facts in layers
            ],
        }
    )
    # The reference's tag is what the specification wants here; podman and containerd put the
    # whole name under a key of their own.
    names = {
        "io.containerd.image.name": "docker.io/library/" + name,
        "org.opencontainers.image.ref.name": name.partition(":")[2],
    }
    top = descriptor("manifest.v1+json", blob(manifest), len(manifest), annotations=names)
    add(tar, "oci-layout", dump({"imageLayoutVersion": "1.0.0"}))
    add(tar, "index.json", dump({"schemaVersion": 2, "manifests": [top]}))
    for data in (manifest, config):
        add(tar, "blobs/sha256/" + blob(data).partition(":")[2], data)
    for path, facts in layers:
        with open(path, "rb") as file:
            add(tar, "blobs/sha256/" + facts["digest"].partition(":")[2], (file, facts["size"]))


def write_docker(tar, name, config, layers):
    """The form of `docker save`: layers uncompressed, each in a directory with its parent's name."""
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    parent, paths = "", []
    for path, facts in layers:
        ident = hashlib.sha256(f"{parent} {facts['diff_id']}".encode()).hexdigest()
        legacy = {"id": ident, "created": CREATED, "os": "linux"}
        if parent:
            legacy["parent"] = parent
        add(tar, f"{ident}/VERSION", b"1.0")
        add(tar, f"{ident}/json", dump(legacy))
        with gzip.open(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            add(tar, f"{ident}/layer.tar", (file, size))
        paths.append(f"{ident}/layer.tar")
        parent = ident
    add(tar, config_name, config)
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": paths}]
    add(tar, "manifest.json", dump(manifest))
    repository, _, tag = name.partition(":")
    add(tar, "repositories", dump({repository: {tag: parent}}))


def image(args):
    with open(args.config) as file:
        settings = json.load(file)
    layers = []
    for path in args.layer:
        with open(path + ".json") as file:
            layers.append((path, json.load(file)))
    machine = os.uname().machine
    config = dump(
        {
            "created": CREATED,
            "architecture": ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [facts["diff_id"] for _, facts in layers]},
            "history": [
                {"created": CREATED, "created_by": "build-images.sh: " + os.path.basename(path)}
                for path in args.layer
            ],
        }
    )
    form = write_oci if args.format == "oci" else write_docker

    def write(out):
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            form(tar, args.name, config, layers)

    write_whole(args.out, write)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="layer|image")
    one = commands.add_parser("layer", help="a directory, or the difference of two, as a layer")
    one.add_argument("--lower", help="the directory that the layers below give")
    one.add_argument("dir")
    one.add_argument("out")
    one.set_defaults(run=layer)
    one = commands.add_parser("image", help="layers and a config as an archive")
    one.add_argument("--format", choices=["oci", "docker"], required=True)
    one.add_argument("--name", required=True)
    one.add_argument("--config", required=True)
    one.add_argument("--layer", action="append", required=True)
    one.add_argument("out")
    one.set_defaults(run=image)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
