#!/bin/bash
# load.sh [RUNS [ARCHIVE]] - a cold load of an image, side by side in one run:
#   minibox load · podman load · docker load · skopeo copy + umoci unpack · the naive floor:
#   `gzip -d | tar -x` of each layer, nothing verified, no whiteouts, no store.
# ARCHIVE (examples/django/images/web.tar) is a gzip'ed OCI archive. docker 20.10 cannot read those,
# so docker is given the same image as an uncompressed docker-archive, which is less work.
# Peers that are not installed are left out: apt-get install podman docker.io skopeo umoci.
# Prints seconds, median of RUNS (5) taken in turn, each into a store that was never there before,
# and the peak of the memory (Pss) of all processes that worked at it. All of it is on a tmpfs, for
# ext4 without a journal looks long for inodes where others were removed in the last minutes, by an
# earlier run of this, say; ON_DISK=1 leaves it on the disk.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/bench/lib.sh
RUNS=${1:-5} ARCHIVE=$(readlink -f "${2:-examples/django/images/web.tar}")
[ -f "$ARCHIVE" ] || { echo "no such archive: make the example's images first (make example)"; exit 1; }
bench_dir
if [ -z "${ON_DISK:-}" ]; then
	ABOVE=$W W=$W/tmpfs
	mkdir "$W" && mount -t tmpfs -o size=8g tmpfs "$W"
	trap 'bench_end 2>/dev/null; umount -l "$W"; rm -rf "$ABOVE"' EXIT
fi

# PID CMD...: runs it; prints seconds and the highest Pss in KiB of its processes, and of PID's
cat >"$W/watch.py" <<'EOF'
import os, subprocess, sys, time
extra = int(sys.argv[1])
def tree(pid):
    try:
        kids = [int(k) for t in os.listdir(f"/proc/{pid}/task") for k in open(f"/proc/{pid}/task/{t}/children").read().split()]
    except OSError:
        return []
    return [pid] + [p for k in kids for p in tree(k)]
def pss(pid):
    try:
        return next(int(l.split()[1]) for l in open(f"/proc/{pid}/smaps_rollup") if l.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0
sampled = os.environ.get("SAMPLE")
start = time.monotonic()
p = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
peak = 0
while sampled and p.poll() is None: # looking costs time, so it is done in a run of its own
    peak = max(peak, sum(map(pss, tree(p.pid) + (tree(extra) if extra else []))))
    time.sleep(0.002)
status = p.wait()
print(f"{time.monotonic() - start:.3f} {peak} {status}")
EOF
watch() { /usr/bin/python3 "$W/watch.py" "$@"; }

run_minibox() { watch 0 "$BUILD/minibox" --root "$W/m.$1" load "$ARCHIVE"; }
run_podman() { watch 0 podman --root "$W/p.$1" --runroot "$W/pr.$1" load -i "$ARCHIVE"; }
run_docker() { # a daemon with an empty store
	dockerd --data-root "$W/d.$1" --exec-root "$W/dr.$1" -H "unix://$W/docker.sock" -p "$W/docker.pid" --iptables=false --bridge=none >"$W/dockerd.log" 2>&1 &
	DOCKERD=$!
	local i; for i in $(seq 100); do docker -H "unix://$W/docker.sock" version >/dev/null 2>&1 && break; sleep 0.2; done
	watch $DOCKERD docker -H "unix://$W/docker.sock" load -i "$W/saved.tar"
	kill $DOCKERD; wait $DOCKERD 2>/dev/null; DOCKERD=
}
run_skopeo() { watch 0 sh -c "skopeo --insecure-policy copy -q oci-archive:$ARCHIVE oci:$W/s.$1:x && umoci unpack --image $W/s.$1:x $W/u.$1"; }
run_floor() { watch 0 sh -c "mkdir $W/f.$1 && for l in $LAYERS; do gzip -dc <\$l | tar -x -C $W/f.$1 || exit 1; done"; }

mkdir "$W/oci"; tar -x -f "$ARCHIVE" -C "$W/oci"
LAYERS=$(cd "$W/oci" && /usr/bin/python3 - <<'EOF'
import json, os
index = json.load(open("index.json"))
path = lambda d: "blobs/" + d["digest"].replace(":", "/")
for layer in json.load(open(path(index["manifests"][0])))["layers"]:
    print(os.path.abspath(path(layer)))
EOF
)
LAYERS=$(echo $LAYERS)
PEERS="minibox floor"
if command -v skopeo >/dev/null; then
	skopeo --insecure-policy copy -q "oci-archive:$ARCHIVE" "docker-archive:$W/saved.tar:bench:1"
	command -v podman >/dev/null && PEERS="$PEERS podman"
	command -v dockerd >/dev/null && PEERS="$PEERS docker"
	command -v umoci >/dev/null && PEERS="$PEERS skopeo"
fi
for r in $(seq "$RUNS"); do
	for p in $PEERS; do
		sync -f "$W"
		read -r t _ status < <(run_$p "$r")
		[ "$status" = 0 ] || echo "$p failed (status $status)"
		echo "$t" >>"$W/t.$p"
	done
done
for p in $PEERS; do
	read -r _ peak _ < <(SAMPLE=1 run_$p peak)
	echo "$peak" >"$W/peak.$p"
done
base=$(median "$W/t.minibox")
printf '%-10s %9s %9s %9s   %-14s %s\n' "" median min max "times minibox" "peak memory"
for p in $PEERS; do
	m=$(median "$W/t.$p")
	printf '%-10s %7s s %7s s %7s s   %-14s %s MiB\n' "$p" "$m" "$(sort -n "$W/t.$p" | head -n 1)" "$(sort -n "$W/t.$p" | tail -n 1)" \
		"$(awk "BEGIN {printf \"%.2f\", $m / $base}")" "$(awk "BEGIN {printf \"%.1f\", $(cat "$W/peak.$p") / 1024}")"
done
again=$(ms "$BUILD/minibox" --root "$W/m.1" load "$ARCHIVE")
echo "minibox load of what is loaded already: $again ms"
