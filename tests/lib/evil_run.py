#!/usr/bin/env python3
"""evil_run.py - load every case of evil.py and judge what became of it; one TAP line a group.

  evil_run.py test MINIBOX MOUNT_IMAGE   as root, in a mount namespace of its own
  evil_run.py write DIR [PATTERN]        the archives as files, for a look by hand
  evil_run.py list [PATTERN]             name, verdict and why

Knows minibox's command line and what may never change: the store (every byte of it), the canary,
what lies around both, the processes. Does not know why a case is refused. With KEEP_CASES=PATTERN
`test` does only those.
"""
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

SECONDS = 20           # for one command
MEMORY = 256 << 20     # of private data, threads' stacks too; a load needs a tenth of it
PR_SET_CHILD_SUBREAPER = 36
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")  # in a message they would play with the terminal


def nodes(top):
    """{path: os.stat_result} of all below @top and of itself (""); None for a ghost."""
    found, todo = {"": os.lstat(top)}, [""]
    while todo:
        below = todo.pop()
        with os.scandir(os.path.join(top, below)) as it:
            for entry in it:
                path = below + "/" + entry.name if below else entry.name
                try:
                    found[path] = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # listed, and not there: what a stray whiteout makes
                    found[path] = None
                    continue
                if entry.is_dir(follow_symlinks=False):
                    todo.append(path)
    return found


def xattrs_of(path):
    return {k: os.getxattr(path, k, follow_symlinks=False)
            for k in os.listxattr(path, follow_symlinks=False)}


def content(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listing(top):
    """All there is to know of a directory, but directories' times: loads come and go in them."""
    out = {}
    for path, st in nodes(top).items():
        full = os.path.join(top, path)
        what = [st.st_mode, st.st_uid, st.st_gid, xattrs_of(full)]
        if stat.S_ISREG(st.st_mode):
            what += [st.st_mtime_ns, st.st_nlink, content(full)]
        elif stat.S_ISLNK(st.st_mode):
            what += [st.st_mtime_ns, os.readlink(full)]
        out[path] = what
    return out


def changes(before, after):
    return ([f"lost {p!r}" for p in before if p not in after] +
            [f"new {p!r}" for p in after if p not in before] +
            [f"changed {p!r}" for p in before if p in after and before[p] != after[p]])


KINDS = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFIFO: "p",
         stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFSOCK: "s"}


def compare_node(full, st, want):
    """What differs, as text."""
    got = {"type": KINDS[stat.S_IFMT(st.st_mode)], "mode": stat.S_IMODE(st.st_mode),
           "uid": st.st_uid, "gid": st.st_gid, "mtime": st.st_mtime_ns, "size": st.st_size}
    if got["type"] != want["type"]:
        return [f"is {got['type']}, not {want['type']}"]
    got["xattrs"] = xattrs_of(full)
    if got["type"] == "l":
        got["to"] = os.readlink(full)
    if got["type"] == "f" and "sha256" in want:
        got["sha256"] = content(full)
    bad = []
    for key, value in want.items():
        if key != "same" and value != "any" and got[key] != value:
            show = oct if key == "mode" else repr
            bad.append(f"{key} {show(got[key])[:80]}, not {show(value)[:80]}")
    if got["type"] != "d" and "same" not in want and st.st_nlink != 1:
        bad.append(f"{st.st_nlink} links")
    return bad


def compare_tree(top, want):
    """Every path, every attribute, and which names are one file."""
    got, bad, files = nodes(top), [], {}
    bad += [f"{p!r} is missing" for p in want if p not in got]
    bad += [f"{p!r} should not be there" + ("" if st else " (and is only listed)")
            for p, st in got.items() if p not in want or not st]
    for path, st in got.items():
        if path in want and st:
            bad += [f"{path!r}: {b}" for b in compare_node(os.path.join(top, path), st, want[path])]
            if "same" in want[path]:
                files.setdefault(want[path]["same"], []).append(st)
    for label, group in files.items():
        if len({st.st_ino for st in group}) != 1 or group[0].st_nlink != len(group):
            bad.append(f"the names of {label!r} are not one file")
    return bad


class Lab:
    """A store with one image in it, a canary, and what must stay as it was."""

    def __init__(self, minibox, mount_image, top, canary):
        self.minibox, self.mount_image, self.top, self.canary = minibox, mount_image, top, canary
        self.work, self.root = os.path.join(top, "work"), os.path.join(top, "mnt")
        self.store, self.ready = os.path.join(top, "store"), None
        for path, mode in ((self.work, 0o755), (self.root, 0o755), (self.store, 0o700),
                           (canary + "/dir", 0o755)):
            os.makedirs(path)
            os.chmod(path, mode)
        with open(canary + "/secret", "wb") as f:
            f.write(b"secret\n")
        os.chmod(canary + "/secret", 0o600)
        with open(canary + "/dir/keep", "wb") as f:
            f.write(b"keep\n")
        self.outside = self.look_outside()

    def look_outside(self):
        return {**listing(self.canary), **{"top/" + n: [] for n in os.listdir(self.top)},
                **{"/" + n: [] for n in os.listdir("/")},
                **{"tmp/" + n: [] for n in os.listdir(os.path.dirname(self.canary)) if "evil" in n}}

    def run(self, *args, cwd=None):
        """Exit status, stdout, stderr; what the command leaves running is an error."""
        words = ["prlimit", f"--data={MEMORY}", self.minibox, "--root", self.store, *args]
        with subprocess.Popen(words, cwd=cwd or self.work, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            try:
                out, err = child.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                self.orphans()  # else they keep our ends of the pipes open
                return "timeout", b"", b""
        return child.returncode, out, err

    def images(self):
        code, out, err = self.run("images", "--json")
        if code != 0:
            return f"`images` afterwards: status {code}: {err!r}"
        return {image["id"]: sorted(image["names"]) for image in json.loads(out)}

    def start(self):
        """A store with an image in it before every case: a fault has something to break."""
        shutil.rmtree(self.store)
        os.mkdir(self.store, 0o700)
        archive = os.path.join(self.top, "kept.tar")
        # twice, so that all lock files are there
        for words in (("load", archive), ("rmi", "kept:1"), ("load", archive)):
            code, _, err = self.run(*words)
            assert code == 0, err
        self.kept = self.images()
        self.ready = listing(self.store)

    def orphans(self):
        """Processes that outlived their command come to us: there must be none."""
        found = []
        while True:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as f:
                pids = [int(pid) for pid in f.read().split()]
            if not pids:
                return found
            found += pids
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def check_refusal(case, made, out, err, path):
    bad = []
    text = err.decode("utf-8", "replace")
    if out:
        bad.append(f"a refusal wrote to standard output: {out[:80]!r}")
    if not text.endswith("\n") or text.count("\n") != 1:
        bad.append(f"not one line: {text[:300]!r}")
    if CONTROL.search(text):
        bad.append(f"control bytes in the message: {text[:300]!r}")
    wanted = [path, *case.says]
    if case.layer is not None:
        wanted.append(made.layers[case.layer])
    if case.entry is not None:
        wanted.append(case.entry)
    return bad + [f"does not name {w!r}: {text[:300]!r}" for w in wanted if w not in text]


def check_accepted(lab, case, out, err):
    """Its names, its tree; then it goes again and must leave nothing."""
    bad = []
    images = lab.images()
    if isinstance(images, str):
        return [images]
    new = [i for i in images if i not in lab.kept]
    if not new or sorted(n for i in new for n in images[i]) != sorted(case.names):
        return [f"images are {images}"]
    # the one that the tree is of
    first = next((i for i in new if set(images[i]) & set(case.names[:1])), new[0])
    text = err.decode("utf-8", "replace")
    if CONTROL.search(text) or not all(line.startswith("minibox: ") for line in text.splitlines()):
        bad.append(f"odd notes: {text[:300]!r}")
    if case.tree is not None:
        done = subprocess.run([lab.mount_image, lab.store, first, lab.root],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            bad.append(f"cannot be mounted: {done.stdout!r}")
        else:
            try:
                bad += compare_tree(lab.root, case.tree)
            finally:
                subprocess.run(["umount", lab.root], check=True)
    if "kept:1" in case.names:
        lab.start()
        return bad
    code, _, err = lab.run("rmi", *(case.names or new))
    if code != 0:
        bad.append(f"`rmi`: status {code}: {err!r}")
    return bad


def write_case(made, path):
    """An Archive is a file, a dict an image-layout directory."""
    if not isinstance(made, dict):
        with open(path, "wb") as f:
            f.write(made.data)
        return
    for name, body in made.items():
        full = os.path.join(path, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if callable(body):
            body(full)
        else:
            with open(full, "wb") as f:
                f.write(body)


def check_around(lab):
    """What no load may change, whatever came of it."""
    bad = []
    left = [n for n in os.listdir(lab.store + "/tmp")
            if not n.endswith(".lock") or os.path.getsize(lab.store + "/tmp/" + n)]
    if left:
        bad.append(f"left in tmp: {left[:5]}")
    images = lab.images()  # any next command clears the locks
    if images != lab.kept:
        bad.append(f"images are {images}")
    bad += [f"store: {c}" for c in changes(lab.ready, listing(lab.store))[:5]]
    bad += [f"outside: {c}" for c in changes(lab.outside, lab.look_outside())[:5]]
    bad += [f"process {pid} is left" for pid in lab.orphans()]
    return bad


def judge(lab, case):
    made = case.build()
    path = case.name + ("" if isinstance(made, dict) else ".tar")
    full = os.path.join(lab.work, path)
    write_case(made, full)
    code, out, err = lab.run("load", path)
    if code == "timeout":
        bad = [f"no end after {SECONDS} s"]
    elif code not in (0, 1):
        bad = [f"status {code}: {err[:300]!r}"]
    elif code == 1 and case.verdict == "accept":
        bad = [f"refused: {err[:300]!r}"]
    elif code == 0 and case.verdict == "reject":
        bad = ["accepted"]
    elif code == 1:
        bad = check_refusal(case, made, out, err, path)
    else:
        bad = check_accepted(lab, case, out, err)
    bad += check_around(lab)
    if os.path.isdir(full):
        shutil.rmtree(full)
    else:
        os.unlink(full)
    if bad:  # the next case must not be blamed for it
        lab.start()
        lab.outside = lab.look_outside()
    return bad


def report(n, group, results):
    failed = {c: bad for c, bad in results if bad}
    count = {v: sum(c.verdict == v for c, _ in results) for v in ("reject", "accept", "contain")}
    told = ", ".join(f"{k} to {v}" for v, k in count.items() if k)
    print(f"{'not ' if failed else ''}ok {n} - 12-evil {group}: {len(results)} cases, {told}")
    for case, bad in failed.items():
        print(f"# {case.name} ({case.why}; {case.verdict}):")
        for line in bad[:6]:
            print(f"#     {line}"[:500])
    sys.stdout.flush()
    return not failed


def test(minibox, mount_image, top, canary):
    from evil import all_cases
    from evil_make import docker, file, tar
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    lab, groups, good, spent = Lab(minibox, mount_image, top, canary), {}, True, []
    with open(lab.top + "/kept.tar", "wb") as f:
        f.write(docker([tar(file("kept", "k"))], tags=["kept:1"]).data)
    lab.outside = lab.look_outside()
    lab.start()
    for case in all_cases():
        if re.search(os.environ.get("KEEP_CASES", ""), case.name):
            groups.setdefault(case.group, []).append(case)
    for n, (group, cases) in enumerate(groups.items(), 1):
        results = []
        for case in cases:
            start = time.monotonic()
            results.append((case, judge(lab, case)))
            spent.append((time.monotonic() - start, case.name))
        good = report(n, group, results) and good
    print(f"# {len(spent)} cases in {sum(s for s, _ in spent):.0f} s; the longest:",
          ", ".join(f"{name} {s:.1f} s" for s, name in sorted(spent)[:-4:-1]))
    print(f"1..{len(groups)}")
    return good


def main():
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    what, args = sys.argv[1], sys.argv[2:]
    if what == "test":
        canary = tempfile.mkdtemp(prefix="minibox-evil-")
        os.environ["EVIL_CANARY"] = canary + "/canary"
        top = os.path.join(args[2], "lab")
        os.makedirs(top)
        try:
            sys.exit(not test(args[0], args[1], top, canary + "/canary"))
        finally:
            shutil.rmtree(canary)
    from evil import all_cases
    pattern = args[-1] if len(args) > (what == "write") else ""
    for case in all_cases():
        if not re.search(pattern, case.name):
            continue
        if what == "write":
            write_case(case.build(), os.path.join(args[0], case.name))
        print(f"{case.name:40} {case.verdict:8} {case.why}")


if __name__ == "__main__":
    main()
