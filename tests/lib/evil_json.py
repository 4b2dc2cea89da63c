"""evil_json.py - JSON that is damaged, huge or of other types than the image-spec's config.md says.

What a config holds is shown to programs that start a container; what cannot mean anything there is
refused when the image is loaded, not when it is run.
"""
from evil import CANARY, UP, Group
from evil_make import docker, dumps, layer, oci


def index(data):
    return lambda: oci([layer()], on_index=lambda _, made: data)


def index_text(change):
    """The right index.json, as text, changed."""
    return lambda: oci([layer()], on_index=lambda ix, _: change(dumps(ix)))


def manifest_text(change):
    return lambda: oci([layer()], on_manifest=lambda m: change(dumps(m)))


def config_text(change):
    return lambda: oci([layer()], on_config=lambda c: change(dumps(c)))


def deep(n, around=b'{"a":%s}'):
    before, after = around.split(b"%s")
    return before * n + b"1" + after * n


def unknown(value):
    """Puts one more key with @value, JSON text, into an object's text."""
    return lambda text: b'{"x-unknown":' + value + b"," + text[1:]


g = Group("json-syntax")
BROKEN = {"empty": b"", "blank": b" \n", "brackets": b"[" * 200000, "objects": deep(100000),
          "array": b"[]", "string": b'"x"', "number": b"5", "true": b"true", "null": b"null",
          "text": b"hello", "nul": b'{"schemaVersion":2,\0"manifests":[]}',
          "cut": b'{"schemaVersion":2,"manifests":[{', "utf-16": '{"schemaVersion":2}'.encode(
        "utf-16"), "utf-32": '{"schemaVersion":2}'.encode("utf-32"), "two": b"{}{}",
          "tail": b"{} x", "single-quotes": b"{'schemaVersion':2}",
          "no-quotes": b"{schemaVersion:2}", "object-empty": b"{}",
          "html": b"<!DOCTYPE html><html></html>",
          "surrogate": b'{"schemaVersion":2,"manifests":[{"digest":"\\ud800"}]}',
          "bad-utf-8": b'{"schemaVersion":2,"manifests":[{"digest":"\xff\xfe"}]}',
          "overlong-utf-8": b'{"schemaVersion":2,"manifests":[{"digest":"\xc0\xae"}]}',
          "cesu-8": b'{"schemaVersion":2,"manifests":[{"digest":"\xed\xa0\x80"}]}',
          "big-number": b'{"schemaVersion":1e999,"manifests":[{"size":1e400}]}',
          "long-number": b'{"schemaVersion":' + b"9" * 100000 + b"}",
          "nan": b'{"schemaVersion":NaN}', "hex": b'{"schemaVersion":0x2}',
          "control": b'{"schemaVersion":2,"x":"\x01"}',}
for name, data in BROKEN.items():
    g.reject("index-" + name, "index.json is %.30r" % data, index(data))
    g.reject("manifest-" + name, "the manifest is", lambda t=data: oci([layer()],
            on_manifest=lambda _: t))
    g.reject("config-" + name, "the config is", lambda t=data: oci([layer()],
            on_config=lambda _: t))
for name, change in (("index", index_text), ("manifest", manifest_text), ("config", config_text)):
    g.contain(name + "-bom", "a byte order mark", change(lambda t: b"\xef\xbb\xbf" + t), plus={})
    g.contain(name + "-comma", "a comma before the end", change(lambda t: t[:-1] + b",}"), plus={})
    g.contain(name + "-comment", "a comment", change(lambda t: b"/* x */" + t), plus={})
    g.contain(name + "-duplicate", "a key twice, with the same value",
              change(lambda t: b'{"schemaVersion":2,' + t[1:]), plus={})
    g.accept(name + "-blanks", "blanks and newlines all about",
             change(lambda t: b"\n\t " + t.replace(b",", b" ,\r\n\t") + b"\n\n"), plus={})
    # considerations.md: "Implementations processing content MUST NOT generate an error if they
    # encounter an unknown property in a known media type."
    for kind, value in (("object", b'{"a":[1,null,{"b":true}]}'),
                        ("string", b'"\\u0041\\n\\ud83d\\ude00"'),
                        ("big-integer", b"123456789012345"), ("fraction", b"-1.5e-3"),
                        ("empty", b'""')):
        g.accept("%s-unknown-%s" % (name, kind), "an unknown key with %s" % kind,
                 change(unknown(value)), plus={})
    g.contain(name + "-unknown-integer-huge", "an unknown key with an integer of 30 digits",
              change(unknown(b"9" * 30)), plus={})
    g.contain(name + "-unknown-nul", "an unknown key with a NUL in a string",
              change(unknown(b'"a\\u0000b"')), plus={})
    g.contain(name + "-unknown-key-nul", "a NUL in an unknown key",
              change(lambda t: b'{"a\\u0000b":1,' + t[1:]), plus={})
    g.contain(name + "-unknown-deep", "an unknown key that nests 1000 deep",
              change(unknown(deep(1000))), plus={})
    g.reject(name + "-unknown-deeper", "and 100000 deep", change(unknown(deep(100000, b"[%s]"))))
    g.contain(name + "-1-mib", "a megabyte of blanks", change(lambda t: t + b" " * (1 << 20)),
              plus={})
    g.reject(name + "-64-mib", "64 MiB of them", change(lambda t: t + b" " * (64 << 20)))
    g.contain(name + "-many-keys", "100000 unknown keys",
              change(lambda t: b"{" + b"".join(b'"k%d":1,' % i for i in range(100000)) + t[1:]),
              plus={})
    g.contain(name + "-many-values", "an unknown list of four million numbers",
              change(unknown(b"[" + b"1," * 4000000 + b"1]")), plus={})
g.reject("docker-64-mib", "manifest.json of 64 MiB", lambda: docker([layer()],
        on_manifest=lambda m: dumps(m) + b" " * (64 << 20)))
# CVE-2021-41190's class: one text, two readings
g.contain("manifest-layers-twice", "layers twice, the second empty",
          manifest_text(lambda t: t[:-1] + b',"layers":[]}'), plus={})
g.contain("manifest-layers-case", "Layers and layers", manifest_text(lambda t: t[:-1] +
        b',"Layers":[]}'), plus={})
g.contain("manifest-layers-escaped", "layers with an escaped letter",
          manifest_text(lambda t: t.replace(b'"layers"', b'"l\\u0061yers"')), plus={})
g.contain("config-rootfs-twice", "rootfs twice", config_text(lambda t: t[:-1] +
        b',"rootfs":{"type":"layers","diff_ids":[]}}'), plus={})
g.reject("manifest-layers-only-case", "only Layers, which is another key",
         manifest_text(lambda t: t.replace(b'"layers"', b'"LAYERS"')))

g = Group("json-types")
VALUES = {"null": None, "true": True, "number": 5, "string": "x", "list": [1, 2],
          "object": {"a": 1}, "list-null": [None], "list-list": [[]]}


def fits(value, *types):
    return any(value is None if t is None else type(value) is t for t in types)


for name, value in VALUES.items():
    if name != "list-null":
        g.reject("manifests-" + name, "index: manifests is a %s" % name,
                 index({"schemaVersion": 2, "manifests": value}))
    if not fits(value, dict):
        g.reject("layers-" + name, "manifest: layers is a %s" % name,
                 lambda v=value: oci([layer()], on_manifest=lambda m: {**m, "layers": v}))
        g.reject("config-desc-" + name, "manifest: config is a %s" % name,
                 lambda v=value: oci([layer()], on_manifest=lambda m: {**m, "config": v}))
        g.reject("rootfs-" + name, "config: rootfs is a %s" % name,
                 lambda v=value: oci([layer()], on_config=lambda c: {**c, "rootfs": v}))
    g.reject("diff-ids-" + name, "config: diff_ids is a %s" % name,
             lambda v=value: oci([layer()], on_config=lambda c: {**c,
                "rootfs": {"type": "layers", "diff_ids": v}}))
    g.reject("rootfs-type-" + name, "config: rootfs.type is a %s" % name,
             lambda v=value: oci([layer()], on_config=lambda c: {**c,
                "rootfs": {**c["rootfs"], "type": v}}))
g.reject("manifests-empty", "index: no manifests", index({"schemaVersion": 2, "manifests": []}))
g.reject("manifests-none", "index: manifests is missing", index({"schemaVersion": 2}))
g.reject("manifests-strings", "index: manifests are strings",
         index({"schemaVersion": 2, "manifests": ["sha256:" + "a" * 64]}))
g.reject("rootfs-missing", "config: no rootfs", lambda: oci([layer()],
        on_config=lambda c: {k: v for k, v in c.items() if k != "rootfs"}))
# config.md has each key's type. null, as Go writes for what is empty, is as if it were not there.
STRINGS = ("User", "WorkingDir", "StopSignal")
LISTS = ("Env", "Entrypoint", "Cmd")
MAPS = ("Volumes", "ExposedPorts", "Labels")
for key in STRINGS + LISTS + MAPS:
    for name, value in VALUES.items():
        make = (lambda k=key, v=value: oci([layer()], config={k: v}))
        if value is None:
            g.accept("%s-%s" % (key, name), "%s is %s" % (key, name), make, plus={})
        elif key == "Volumes" and name == "object" or key == "ExposedPorts" and name == "object":
            g.contain("%s-%s" % (key, name), "%s is an object of numbers" % key, make, plus={})
        elif key in STRINGS and name == "string":
            g.contain("%s-%s" % (key, name), "%s is a word that may mean nothing" % key, make,
                      plus={})
        else:
            g.reject("%s-%s" % (key, name), "%s is a %s" % (key, name), make)
for key in ("architecture", "os", "created"):
    for name in ("true", "number", "list", "object"):
        g.reject("%s-%s" % (key, name), "%s is a %s" % (key, name), lambda k=key,
                 v=VALUES[name]: oci([layer()], top={k: v}))
for name in ("true", "number", "string", "list"):
    g.reject("config-" + name, "config.config is a %s" % name,
             lambda v=VALUES[name]: oci([layer()], top={"config": v}))
    g.reject("health-" + name, "Healthcheck is a %s" % name,
             lambda v=VALUES[name]: oci([layer()], config={"Healthcheck": v}))
g.accept("config-null", "config.config is null", lambda: oci([layer()], top={"config": None}),
         plus={})
g.accept("health-null", "Healthcheck is null", lambda: oci([layer()], config={"Healthcheck": None}),
         plus={})
g.reject("health-test-string", "Healthcheck.Test is a string",
         lambda: oci([layer()], config={"Healthcheck": {"Test": "x"}}))
g.reject("health-interval-string", "Healthcheck.Interval is a string",
         lambda: oci([layer()], config={"Healthcheck": {"Test": ["NONE"], "Interval": "1s"}}))
g.contain("health-negative", "Healthcheck's times are negative",
          lambda: oci([layer()], config={"Healthcheck": {"Test": ["CMD", "x"], "Interval": -5,
            "Retries": -1}}), plus={})
g.contain("health-huge", "and as large as can be", lambda: oci([layer()],
        config={"Healthcheck": {"Test": ["CMD", "x"], "Interval": (1 << 63) - 1,
                                "Retries": (1 << 63) - 1}}), plus={})
g.contain("history-string", "history is a string", lambda: oci([layer()], top={"history": "x"}),
          plus={})

g = Group("config-values")
for name, config, why in (("env-strange", {"Env": ["PATH=/bin", "NOEQUALS", "=x", "", "A=b=c",
            "A=2", "B=\n\x1b"]}, "entries of Env that are no NAME=VALUE"),
                          ("env-preload", {"Env": ["LD_PRELOAD=" + CANARY + "/x.so",
            "PATH=" + CANARY, "HOME=" + CANARY, "GCONV_PATH=" + CANARY, "TMPDIR=" + CANARY]},
                           "variables that would change a program that took them as its own"),
                          ("cmd-none", {"Cmd": None, "Entrypoint": None},
                           "neither Cmd nor Entrypoint"),
                          ("cmd-empty", {"Cmd": [""], "Entrypoint": [""]}, "both empty words"),
                          ("cmd-self", {"Entrypoint": ["/proc/self/exe"]},
                           "the runtime itself as the program (CVE-2019-5736)"),
                          ("cmd-long", {"Cmd": ["x" * 200000]}, "a word that no execve takes"),
                          ("user-path", {"User": "root:../../etc"}, "a user that is a path"),
                          ("user-unknown", {"User": "nosuchuser"}, "a user that the image lacks"),
                          ("user-huge", {"User": "4294967296"}, "2^32, which would wrap to root"),
                          ("user-negative", {"User": "-1:-1"}, "a negative user"),
                          ("user-colon", {"User": ":"}, "neither user nor group"),
                          ("user-hex", {"User": "0x0"}, "hexadecimal"),
                          ("user-blank", {"User": " 0 "}, "blanks about"),
                          ("cwd-dotdot", {"WorkingDir": UP}, "a working directory out of the root"),
                          ("cwd-fd", {"WorkingDir": "/proc/self/fd/8/../.."},
                           "by a leaked descriptor (CVE-2024-21626)"),
                          ("cwd-relative", {"WorkingDir": "x/y"}, "a relative one"),
                          ("cwd-missing", {"WorkingDir": "/no/such"}, "one that is not there"),
                          ("cwd-escape", {"WorkingDir": "/\x1b[2J\n"}, "control bytes"),
                          ("volumes-odd", {"Volumes": {"/../..": {}, "/": {}, "/proc": {}, "": {},
            "relative": {}}}, "volumes where none can be"),
                          ("volumes-link", {"Volumes": {CANARY: {}, "/dev/shm/../..": {}}},
                           "a volume at the canary"), ("ports-odd",
        {"ExposedPorts": {"99999/tcp": {}, "-1/udp": {}, "x": {}, "80/../../x": {}, "": {}}},
        "ports that are none"), ("signal-odd", {"StopSignal": "SIGEVIL"}, "a signal that is none"),
                          ("signal-number", {"StopSignal": "999999999999"},
                           "a number past all signals"),
                          ("labels-control", {"Labels": {"a\n../b": "\x1b[2J", "": "",
            "k" * 1000: "v" * 1000}}, "labels of control bytes"),
                          ("lists-empty", {"Env": [], "Cmd": [], "Entrypoint": [], "Volumes": {},
            "Labels": {}, "ExposedPorts": {}}, "empty ones"),
                          ("docker-keys", {"Hostname": "x", "Domainname": "", "AttachStdin": False,
            "Tty": False, "OnBuild": None, "Shell": ["/bin/sh"], "ArgsEscaped": True,
            "Image": "sha256:x"}, "keys of Docker's own")):
    g.contain(name, why, lambda c=config: oci([layer()], config=c), plus={})
for name, config in (("env-nul", {"Env": ["A=b\0c"]}), ("user-nul", {"User": "root\0x"}),
                     ("cmd-nul", {"Cmd": ["a\0b"]}), ("label-key-nul", {"Labels": {"a\0b": "c"}})):
    g.reject(name, "a NUL, where C ends a string and Go does not",
             lambda c=config: oci([layer()], config=c))
g.reject("env-1e5", "100000 variables: more than execve takes",
         lambda: oci([layer()], config={"Env": ["A%d=%s" % (i, "x" * 50) for i in range(100000)]}))
g.reject("labels-1e5", "100000 labels", lambda: oci([layer()],
        config={"Labels": {"a%d" % i: "x" for i in range(100000)}}))
g.reject("volumes-1e5", "100000 volumes", lambda: oci([layer()],
        config={"Volumes": {"/v%d" % i: {} for i in range(100000)}}))
g.contain("arch-other", "a config for another machine, without an index to choose from",
          lambda: oci([layer()], top={"architecture": "s390x"}), plus={})
g.contain("os-other", "and for another system", lambda: oci([layer()], top={"os": "windows"}),
          plus={})
g.contain("arch-control", "an architecture of control bytes",
          lambda: oci([layer()], top={"architecture": "\x1b[2J\nminibox: fake"}), plus={})
g.contain("created-odd", "a date that is none", lambda: oci([layer()],
        top={"created": "yesterday\n\x1b[2J"}), plus={})
g.contain("author", "an author of a megabyte", lambda: oci([layer()],
        top={"author": "x" * (1 << 20)}), plus={})
