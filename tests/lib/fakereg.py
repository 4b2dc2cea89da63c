#!/usr/bin/env python3
"""fakereg.py PORTFILE LAYOUT [...] - a registry with faults, on loopback.

Serves one OCI layout under every name and tag. Standard library only. Writes its port to PORTFILE
once it listens, and a line for each request to --log: METHOD PATH RANGE AUTHORIZATION.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "let-me-in"


def options():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("portfile")
    ap.add_argument("layout")
    ap.add_argument("--log", default="/dev/null")
    ap.add_argument("--address", default="127.0.0.1")
    ap.add_argument("--cut", type=int, help="close a blob's connection after that many bytes")
    ap.add_argument("--times", type=int, default=10**9, help="so many times --cut, then no more")
    ap.add_argument("--no-range", action="store_true", help="ignore Range")
    ap.add_argument("--wrong-range", action="store_true", help="answer a Range with another one")
    ap.add_argument("--chunked", action="store_true", help="blobs without Content-Length")
    ap.add_argument("--slow", type=int, help="bytes a second of a blob")
    ap.add_argument("--hang", type=int, help="send that many bytes of a blob and no more")
    ap.add_argument("--status", type=int, help="answer every manifest like that")
    ap.add_argument("--retry-after")
    ap.add_argument("--message", default="fake reason")
    ap.add_argument("--huge", choices=("said", "sent"), help="a manifest without an end")
    ap.add_argument("--lie", action="store_true", help="a wrong Docker-Content-Digest")
    ap.add_argument("--corrupt", choices=("manifest", "config", "layer", "longer", "shorter"))
    ap.add_argument("--manifest", help="a file that is sent as the manifest of every tag")
    ap.add_argument("--type", default="application/vnd.oci.image.manifest.v1+json")
    ap.add_argument("--redirect", help="where blobs are; {path} becomes the request's")
    ap.add_argument("--basic", metavar="USER:PASSWORD", help="wanted for everything")
    ap.add_argument("--bearer", metavar="USER:PASSWORD", nargs="?", const="",
                    help="a token is wanted, given at /token for that login, or for none")
    ap.add_argument("--realm", help="what to say instead of the own /token")
    ap.add_argument("--expire", type=int, help="a token is good for so many requests")
    ap.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    return ap.parse_args()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        with self.server.lock, open(self.server.opt.log, "a", encoding="utf-8") as f:
            f.write("GET %s %s %s\n" % (self.path, self.headers.get("Range", "-"),
                                        self.headers.get("Authorization", "-").split(" ")[0]))
        opt, path = self.server.opt, self.path.partition("?")[0]
        if path == "/token":
            self.token()
        elif not self.allowed():
            self.challenge()
        elif "/manifests/" in path:
            self.manifest(path.rpartition("/")[2])
        elif "/blobs/" in path and opt.redirect:
            self.send_response(307)
            self.send_header("Location", opt.redirect.format(path=self.path))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif "/blobs/" in path:
            self.blob(path.rpartition("/")[2])
        else:
            self.refuse(404)

    def basic(self, login):
        return self.headers.get("Authorization") == \
            "Basic " + base64.b64encode(login.encode()).decode()

    def allowed(self):
        opt, srv = self.server.opt, self.server
        if opt.basic:
            return self.basic(opt.basic)
        if opt.bearer is None:
            return True
        with srv.lock:
            token = "%s-%d" % (TOKEN, srv.tokens)
            if self.headers.get("Authorization") != "Bearer " + token:
                return False
            srv.used += 1
            if opt.expire and srv.used > opt.expire:
                srv.tokens += 1
                srv.used = 0
                return False
            return True

    def challenge(self):
        opt = self.server.opt
        scheme = "https" if opt.tls else "http"
        realm = opt.realm or "%s://%s/token" % (scheme, self.headers["Host"])
        how = 'Basic realm="fake"' if opt.basic else \
            'Bearer realm="%s",service="fake reg",scope="repository:x:pull"' % realm
        self.answer(401, b"{}", {"WWW-Authenticate": how})

    def token(self):
        opt = self.server.opt
        if opt.bearer and not self.basic(opt.bearer):
            self.refuse(401)
            return
        assert "service=fake%20reg" in self.path and "scope=repository%3Ax%3Apull" in self.path
        token = "%s-%d" % (TOKEN, self.server.tokens)
        self.answer(200, json.dumps({"token": token}).encode())

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status):
        opt = self.server.opt
        body = json.dumps({"errors": [{"code": "FAKE", "message": opt.message}]}).encode()
        self.answer(status, body, {"Retry-After": opt.retry_after} if opt.retry_after else {})

    def read(self, digest):
        try:
            with open(os.path.join(self.server.opt.layout, "blobs", *digest.split(":")), "rb") as f:
                return f.read()
        except OSError:
            return None

    def manifest(self, ref):
        opt = self.server.opt
        if opt.status:
            self.refuse(opt.status)
            return
        if opt.huge:
            self.endless(opt.huge == "said")
            return
        digest = ref if ":" in ref else self.server.top
        data = self.read(digest)
        if ":" not in ref and opt.manifest:
            with open(opt.manifest, "rb") as f:
                data = f.read()
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if data is None:
            self.refuse(404)
            return
        if opt.corrupt == "manifest":
            data += b" "
        said = "sha256:" + "0" * 64 if opt.lie else digest
        self.answer(200, data, {"Content-Type": opt.type, "Docker-Content-Digest": said})

    def endless(self, said):
        self.send_response(200)
        self.send_header("Content-Length" if said else "Transfer-Encoding",
                         str(10**12) if said else "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b" " * 65536 if said else b"10000\r\n" + b" " * 65536 + b"\r\n")

    def blob(self, digest):
        opt, srv = self.server.opt, self.server
        data = self.read(digest)
        if data is None:
            self.refuse(404)
            return
        is_config = digest == srv.config
        if opt.corrupt == ("config" if is_config else "layer"):
            data = data[:4] + bytes([data[4] ^ 1]) + data[5:]  # of gzip the time: it still unpacks
        elif opt.corrupt in ("longer", "shorter") and not is_config:
            data = data + b"x" if opt.corrupt == "longer" else data[:-1]
        start = 0
        ranged = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        if ranged and not opt.no_range:
            start = int(ranged.group(1)) - (1 if opt.wrong_range else 0)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        rest = data[start:]
        if opt.chunked:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        with srv.lock:
            cut = not is_config and opt.cut and srv.cuts < opt.times and len(rest) > opt.cut
            srv.cuts += 1 if cut else 0
        self.body(rest[:opt.cut] if cut else rest, not is_config)
        if cut or opt.chunked:
            self.close_connection = True

    def body(self, data, is_layer):
        opt = self.server.opt
        if not is_layer:
            self.wfile.write(data)
        elif opt.hang is not None:
            self.wfile.write(data[:opt.hang])
            self.wfile.flush()
            time.sleep(1000)
        elif opt.slow:
            step = max(1, opt.slow // 20)
            for i in range(0, len(data), step):
                self.wfile.write(data[i:i + step])
                time.sleep(0.05)
        else:
            self.wfile.write(data)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass  # a client that went away


def main():
    opt = options()
    srv = Server((opt.address, 0), Handler)
    with open(os.path.join(opt.layout, "index.json"), encoding="utf-8") as f:
        srv.top = json.load(f)["manifests"][0]["digest"]
    with open(os.path.join(opt.layout, "blobs", *srv.top.split(":")), encoding="utf-8") as f:
        srv.config = json.load(f)["config"]["digest"]
    srv.opt, srv.lock, srv.tokens, srv.used, srv.cuts = opt, threading.Lock(), 0, 0, 0
    if opt.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*opt.tls)
        srv.socket = tls.wrap_socket(srv.socket, server_side=True)
    with open(opt.portfile + ".new", "w", encoding="utf-8") as f:
        f.write("%d\n" % srv.server_address[1])
    os.rename(opt.portfile + ".new", opt.portfile)
    srv.serve_forever()


if __name__ == "__main__":
    main()
