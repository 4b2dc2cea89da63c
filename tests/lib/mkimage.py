#!/usr/bin/env python3
"""mkimage.py OUT --name NAME [...] - a container image from directories and tarballs.

Knows the OCI layout (tar or directory) and the docker-archive; standard library only. Used by the
unit and integration tests and by hand; does not know minibox. Same input, same bytes out.

  mkimage.py web.tar --name web:1 --layer rootfs/ --cmd /bin/httpd -f --env PORT=80 --user www

Layers are stacked in the order given; a tarball is taken as it is, a directory is archived with
owners 0:0 (--keep-owners keeps them) and mtime 0, xattrs kept. `--file PATH=TEXT` and
`--binary PATH=HOSTFILE` make small layers from nothing. As a module: see image(), Tar, write().
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

MEDIA = "application/vnd.oci.image."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dumps(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Tar:
    """A layer made entry by entry; data() is the finished tarball."""

    def __init__(self):
        self.out = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.out, mode="w", format=tarfile.PAX_FORMAT,
                                encoding="utf-8", errors="surrogateescape")

    def add(self, name, kind="f", data=b"", mode=None, uid=0, gid=0, mtime=0, link="",
            dev=(0, 0), xattrs=None):
        types = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE,
                 "h": tarfile.LNKTYPE, "p": tarfile.FIFOTYPE, "c": tarfile.CHRTYPE,
                 "b": tarfile.BLKTYPE}
        info = tarfile.TarInfo(name)
        info.type = types[kind]
        if isinstance(data, str):
            data = data.encode()
        info.size = len(data) if kind == "f" else 0
        info.mode = mode if mode is not None else {"d": 0o755, "l": 0o777}.get(kind, 0o644)
        info.uid, info.gid, info.mtime, info.linkname = uid, gid, mtime, link
        info.devmajor, info.devminor = dev
        for key, value in (xattrs or {}).items():
            text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
            info.pax_headers["SCHILY.xattr." + key] = text
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def data(self):
        self.tar.close()
        return self.out.getvalue()


def from_dir(path, keep_owners=False):
    """Archive a directory, sorted, hard links kept."""
    tar, seen = Tar(), {}
    for base, dirs, files in os.walk(path):
        dirs.sort()
        for name in sorted(files + dirs):
            full = os.path.join(base, name)
            info = tar.tar.gettarinfo(full, os.path.relpath(full, path))
            if info is None:  # a socket
                continue
            st = os.lstat(full)
            info.type = tarfile.REGTYPE if info.isreg() or info.islnk() else info.type
            if info.isreg() and st.st_nlink > 1:
                key = (st.st_dev, st.st_ino)
                if key in seen:
                    info.type, info.linkname, info.size = tarfile.LNKTYPE, seen[key], 0
                seen.setdefault(key, info.name)
            info.mtime, info.uname, info.gname = 0, "", ""
            if not keep_owners:
                info.uid = info.gid = 0
            for key in os.listxattr(full, follow_symlinks=False):
                if not key.startswith("trusted."):
                    value = os.getxattr(full, key, follow_symlinks=False)
                    info.pax_headers["SCHILY.xattr." + key] = value.decode("utf-8",
                                                                          "surrogateescape")
            if info.isreg():
                info.size = st.st_size
                with open(full, "rb") as f:
                    tar.tar.addfile(info, f)
            else:
                tar.tar.addfile(info)
    return tar.data()


def from_files(files):
    """Layer of {path: bytes, or (bytes, mode)} with the directories on the way to each."""
    tar, dirs = Tar(), set()
    for path, body in sorted(files.items()):
        parts = path.strip("/").split("/")
        for i in range(1, len(parts)):
            parent = "/".join(parts[:i])
            if parent not in dirs:
                dirs.add(parent)
                tar.add(parent, "d")
        body, mode = body if isinstance(body, tuple) else (body, 0o644)
        tar.add("/".join(parts), data=body, mode=mode)
    return tar.data()


def compress(data, how):
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    return gzip.compress(data, 6, mtime=0) if how == "gzip" else data


def image(layers, config=None, arch="amd64", compression="gzip"):
    """The parts of an image: config bytes and [(diff id, blob)]."""
    done = [(digest(data), compress(data, compression)) for data in layers]
    cfg = {"created": "1970-01-01T00:00:00Z", "architecture": arch, "os": "linux",
           "config": config or {},
           "rootfs": {"type": "layers", "diff_ids": [d for d, _ in done]},
           "history": [{"created_by": "mkimage.py"} for _ in done]}
    return dumps(cfg), done


def oci_files(name, config, layers, compression="gzip", ref_name=None):
    """{path: bytes} of an OCI layout."""
    suffix = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}[compression]
    files = {"oci-layout": dumps({"imageLayoutVersion": "1.0.0"})}

    def blob(data, media):
        d = digest(data)
        files["blobs/" + d.replace(":", "/")] = data
        return {"mediaType": MEDIA + media, "digest": d, "size": len(data)}

    manifest = {"schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
                "config": blob(config, "config.v1+json"),
                "layers": [blob(b, "layer.v1.tar" + suffix) for _, b in layers]}
    entry = blob(dumps(manifest), "manifest.v1+json")
    if name:
        entry["annotations"] = {"io.containerd.image.name": name,
                                "org.opencontainers.image.ref.name": ref_name or name}
    files["index.json"] = dumps({"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json",
                                 "manifests": [entry]})
    return files


def docker_files(name, config, layers):
    """{path: bytes} of `docker save` as it was before Docker 25."""
    files, names = {}, []
    for i, (diff, blob) in enumerate(layers):
        path = hashlib.sha256(b"%d" % i + diff.encode()).hexdigest() + "/layer.tar"
        files[path] = blob
        names.append(path)
    config_name = digest(config)[7:] + ".json"
    files[config_name] = config
    files["manifest.json"] = dumps([{"Config": config_name, "RepoTags": [name] if name else None,
                                     "Layers": names}])
    return files


def write(out, files, form="tar", compression="none"):
    """Write {path: bytes} as a tarball (gzip: the whole of it) or, form "dir", a directory."""
    if form == "dir":
        for path, data in files.items():
            full = os.path.join(out, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as f:
                f.write(data)
        return
    data = compress(from_files(files), compression)
    if out == "-":
        sys.stdout.buffer.write(data)
        return
    with open(out, "wb") as f:
        f.write(data)


def layer_of(kind, arg, keep_owners):
    if kind == "layer" and os.path.isdir(arg):
        return from_dir(arg, keep_owners)
    if kind == "layer":
        with open(arg, "rb") as f:
            return f.read()
    path, _, rest = arg.partition("=")
    if kind == "file":
        return from_files({path: rest.encode()})
    with open(rest, "rb") as f:
        return from_files({path: (f.read(), 0o755)})


class Layer(argparse.Action):
    """--layer, --file and --binary share one list: their order is the order of the layers."""

    def __call__(self, parser, space, value, option=None):
        space.layers = (space.layers or []) + [(self.dest, value)]


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", help='file, "-" for stdout, or the directory with --format dir')
    ap.add_argument("--name", help="NAME[:TAG]")
    ap.add_argument("--format", choices=("oci", "docker", "dir", "both"), default="oci",
                    help='"both": index.json and manifest.json, as Docker 25 and later save')
    ap.add_argument("--layer", action=Layer, metavar="DIR|TAR")
    ap.add_argument("--file", action=Layer, metavar="PATH=TEXT")
    ap.add_argument("--binary", action=Layer, metavar="PATH=HOSTFILE")
    ap.add_argument("--keep-owners", action="store_true")
    ap.add_argument("--cmd", nargs=argparse.REMAINDER, help="must be last: takes the rest")
    ap.add_argument("--entrypoint", action="append", help="once for each word")
    ap.add_argument("--env", action="append", metavar="K=V")
    ap.add_argument("--label", action="append", metavar="K=V")
    ap.add_argument("--volume", action="append", metavar="PATH")
    ap.add_argument("--port", action="append", metavar="80/tcp")
    ap.add_argument("--user")
    ap.add_argument("--workdir")
    ap.add_argument("--stop-signal")
    ap.add_argument("--health", metavar="COMMAND", help="HEALTHCHECK by the shell, every second")
    ap.add_argument("--arch", default="amd64")
    ap.add_argument("--zstd", action="store_true")
    ap.add_argument("--no-gzip", action="store_true", help="layers as plain tarballs")
    ap.add_argument("--outer-gzip", action="store_true", help="gzip the archive itself")
    ap.set_defaults(layers=None)
    a = ap.parse_args()
    config = {"Cmd": a.cmd, "Entrypoint": a.entrypoint, "Env": a.env, "User": a.user,
              "WorkingDir": a.workdir, "StopSignal": a.stop_signal,
              "Labels": dict(x.split("=", 1) for x in a.label or []) or None,
              "Volumes": {v: {} for v in a.volume or []} or None,
              "ExposedPorts": {p: {} for p in a.port or []} or None}
    if a.health:
        config["Healthcheck"] = {"Test": ["CMD-SHELL", a.health], "Interval": 10**9}
    config = {k: v for k, v in config.items() if v}
    how = "zstd" if a.zstd else "none" if a.no_gzip or a.format == "docker" else "gzip"
    layers = [layer_of(kind, arg, a.keep_owners) for kind, arg in a.layers or []]
    raw, done = image(layers, config, a.arch, how)
    if a.format == "docker":
        files = docker_files(a.name, raw, done)
    else:
        files = oci_files(a.name, raw, done, how)
    if a.format == "both":
        manifest = [{"Config": "blobs/" + digest(raw).replace(":", "/"),
                     "RepoTags": [a.name] if a.name else None,
                     "Layers": ["blobs/" + digest(b).replace(":", "/") for _, b in done]}]
        files["manifest.json"] = dumps(manifest)
    write(a.out, files, "dir" if a.format == "dir" else "tar",
          "gzip" if a.outer_gzip else "none")


if __name__ == "__main__":
    main()
