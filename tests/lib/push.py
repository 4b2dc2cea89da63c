#!/usr/bin/env python3
"""push.py URL REPO:TAG LAYOUT... [--login USER:PASSWORD] [--ca FILE] - an OCI layout into a registry.

By the distribution-spec's own requests; standard library only. Several layouts become one index
under the tag, each for the architecture of its config. Prints the digest that the tag then has.
"""
import argparse
import base64
import hashlib
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request

OCI = "application/vnd.oci.image."


class Registry:
    def __init__(self, url, login, ca):
        self.url, self.login = url, login
        self.tls = ssl.create_default_context(cafile=ca) if ca else None

    def ask(self, method, url, data=None, kind="application/octet-stream"):
        req = urllib.request.Request(urllib.parse.urljoin(self.url, url), data, method=method)
        req.add_header("Content-Type", kind)
        if self.login:
            req.add_header("Authorization",
                           "Basic " + base64.b64encode(self.login.encode()).decode())
        return urllib.request.urlopen(req, context=self.tls)

    def blob(self, repo, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        to = self.ask("POST", "/v2/%s/blobs/uploads/" % repo, b"").headers["Location"]
        sep = "&" if "?" in to else "?"
        self.ask("PUT", to + sep + "digest=" + digest, data)

    def manifest(self, repo, ref, data, kind):
        self.ask("PUT", "/v2/%s/manifests/%s" % (repo, ref), data, kind)
        return "sha256:" + hashlib.sha256(data).hexdigest()


def read(layout, digest):
    with open(os.path.join(layout, "blobs", *digest.split(":")), "rb") as f:
        return f.read()


def push_layout(reg, repo, layout, ref):
    """The descriptor, with its platform, of what was pushed."""
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as f:
        digest = json.load(f)["manifests"][0]["digest"]
    data = read(layout, digest)
    manifest = json.loads(data)
    for part in [manifest["config"]] + manifest["layers"]:
        reg.blob(repo, read(layout, part["digest"]))
    reg.manifest(repo, ref or digest, data, OCI + "manifest.v1+json")
    config = json.loads(read(layout, manifest["config"]["digest"]))
    return {"mediaType": OCI + "manifest.v1+json", "digest": digest, "size": len(data),
            "platform": {"os": config["os"], "architecture": config["architecture"]}}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("url")
    ap.add_argument("name")
    ap.add_argument("layout", nargs="+")
    ap.add_argument("--login")
    ap.add_argument("--ca")
    a = ap.parse_args()
    reg = Registry(a.url, a.login, a.ca)
    repo, tag = a.name.rsplit(":", 1)
    if len(a.layout) == 1:
        print(push_layout(reg, repo, a.layout[0], tag)["digest"])
        return
    entries = [push_layout(reg, repo, x, None) for x in a.layout]
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json",
                        "manifests": entries}).encode()
    print(reg.manifest(repo, tag, index, OCI + "index.v1+json"))


if __name__ == "__main__":
    main()
