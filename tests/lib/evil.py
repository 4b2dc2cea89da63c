"""evil.py - what a hostile or odd image is: its bytes, what must become of it, and why.

Knows cases, the trees they must lead to, and the list of all. Does not know minibox's command

A verdict is one of
  reject   exit 1, one line that names the archive (and layer and entry, where one is at fault)
  accept   exit 0 and exactly the tree that is listed
  contain  either of them: the specification leaves it open; still nothing else may change
"""
import hashlib
import os

from evil_make import TIME, Archive, oci, layer as layer_of, raw

# Hostile paths lead here. The runner fills the directory and compares it after each case.
CANARY = os.environ.get("EVIL_CANARY", "/tmp/minibox-evil-canary")
# What an escape would be called, wherever it came out.
MARK = "minibox-evil-escape"
UP = "../" * 24
ANY = "any"
CASES = []


class Case:
    def __init__(self, group, name, verdict, why, make, tree=None, layer=None, entry=None, says=(),
                 names=("evil:1",)):
        self.group, self.name, self.verdict, self.why = group, group + "-" + name, verdict, why
        self.make, self.tree, self.layer, self.entry = make, tree, layer, entry
        self.says, self.names = [says] if isinstance(says, str) else list(says), list(names)

    def build(self):
        """The Archive, or {path: bytes or function(path)} of a layout directory."""
        made = self.make() if callable(self.make) else self.make
        if isinstance(made, bytes):
            made = oci([layer_of(made)])
        elif isinstance(made, list):
            made = oci(made)
        if isinstance(made, Archive) and self.layer is None and self.entry is not None:
            self.layer = len(made.layers) - 1
        return made


class Group:
    """Cases that are told of in one line of the test's output."""

    def __init__(self, name):
        self.name = name

    def _add(self, verdict, name, why, make, **more):
        CASES.append(Case(self.name, name, verdict, why, make, **more))

    def reject(self, name, why, make, **more):
        """@make: entries after the base of one layer, a list of layers, or a function for the rest.
        @entry: which one the message must name; @layer: in which layer, else the last."""
        self._add("reject", name, why, make, **more)

    def accept(self, name, why, make, plus=None, tree=None, **more):
        """@plus: nodes besides the base layer's; @tree: all nodes."""
        self._add("accept", name, why, make, tree=tree if tree is not None else tree_of(plus),
                  **more)

    def contain(self, name, why, make, plus=None, tree=None, **more):
        """A tree, if one is given, must come out when the image is accepted."""
        if plus is not None:
            tree = tree_of(plus)
        self._add("contain", name, why, make, tree=tree, **more)


def node(kind, mode, uid=0, gid=0, mtime=TIME, **more):
    """@mtime: seconds or ANY; @same: a label that all hard links of one file share."""
    if isinstance(mtime, int):
        mtime *= 10**9
    if "ns" in more:
        mtime += more.pop("ns")
    return {"type": kind, "mode": mode, "uid": uid, "gid": gid, "mtime": mtime, "xattrs": {},
            **more}


def f(data=b"", mode=0o644, **more):
    data = raw(data)
    return node("f", mode, size=len(data), sha256=hashlib.sha256(data).hexdigest(), **more)


def sized(size, **more):
    """A file whose content is nobody's word."""
    return node("f", 0o644, size=size, **more)


def d(mode=0o755, **more):
    return node("d", mode, **more)


def ln(to, **more):
    return node("l", 0o777, to=to, **more)


def p(mode=0o644, **more):
    return node("p", mode, **more)


IMPLIED = d(mtime=ANY)  # a directory without an entry: 0755 root, its time is nobody's word
ROOT = {"": IMPLIED}
BASE = {**ROOT, "bin": d(), "bin/sh": f("#!sh\n", 0o755), "etc": d(),
        "etc/passwd": f("root:x:0:0::/:/bin/sh\n")}


def tree_of(plus):
    return {**BASE, **(plus or {})}


def inside(path, leaf):
    """@path (absolute) as directories below the image's root, and @leaf at its end."""
    parts, tree = path.strip("/").split("/"), {}
    for i in range(1, len(parts)):
        tree["/".join(parts[:i])] = IMPLIED
    tree["/".join(parts)] = leaf
    return tree


def all_cases():
    # here, since each of them imports this file
    import evil_archives  # noqa: F401
    import evil_images  # noqa: F401
    import evil_json    # noqa: F401
    import evil_paths   # noqa: F401
    import evil_tars    # noqa: F401
    seen = set()
    for c in CASES:
        assert c.name not in seen, c.name
        seen.add(c.name)
    return CASES
