#!/usr/bin/env python3
"""tokens.py PORT CERT KEY USER:PASSWORD - a token server for docker-registry's token login.

Distribution's "Token Authentication": a JSON web token, signed by openssl with KEY, whose header
carries CERT. Gives each scope that is asked for. Standard library only.
"""
import base64
import json
import ssl
import subprocess
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT, CERT, KEY, LOGIN = sys.argv[1:]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(service, scopes):
    with open(CERT, encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    now = int(time.time())
    access = [dict(zip(("type", "name"), s.split(":")), actions=s.split(":")[2].split(","))
              for s in scopes]
    body = {"iss": "minibox-tests", "sub": "me", "aud": service, "iat": now, "nbf": now - 5,
            "exp": now + 300, "jti": str(now), "access": access}
    text = b64(json.dumps(head).encode()) + b"." + b64(json.dumps(body).encode())
    sign = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=text,
                          stdout=subprocess.PIPE, check=True).stdout
    return (text + b"." + b64(sign)).decode()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        want = "Basic " + base64.b64encode(LOGIN.encode()).decode()
        ok = self.headers.get("Authorization") == want
        body = json.dumps({"token": token(query["service"][0], query["scope"])} if ok else {})
        self.send_response(200 if ok else 401)
        self.end_headers()
        self.wfile.write(body.encode())


HTTPServer(("127.0.0.1", int(PORT)), Handler).serve_forever()
