# lib.sh - what the benches share: a scratch directory, peers set up in it, medians.
BUILD=${BUILD:-$PWD/build}
W= DOCKERD= CONTAINERD=

bench_dir() { W=$(mktemp -d /tmp/minibox-bench.XXXXXX); trap bench_end EXIT; }
bench_end() {
	[ -z "$DOCKERD" ] || { kill "$DOCKERD"; wait "$DOCKERD" 2>/dev/null; }
	[ -z "${PODMAN:-}" ] || podman $PODMAN system reset -f >/dev/null 2>&1
	MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run "$BUILD/minibox" down --volumes guestbook >/dev/null 2>&1
	for m in $(awk -v w="$W/" 'index($5, w) == 1 {print $5}' /proc/self/mountinfo | sort -r); do umount -l "$m"; done
	rm -rf --one-file-system "$W"
}
median() { sort -n "$1" | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
ms() { # CMD...: milliseconds it took
	local a b; a=$(date +%s%N); "$@" >/dev/null 2>&1; b=$(date +%s%N)
	awk "BEGIN {printf \"%.1f\n\", ($b - $a) / 1e6}"
}
rootfs() { # DIR: busybox
	mkdir -p "$1/bin" "$1/etc" "$1/proc" "$1/sys" "$1/dev" "$1/tmp"
	cp /bin/busybox "$1/bin/busybox"
	for a in true sh sleep; do ln -sf busybox "$1/bin/$a"; done
	echo root:x:0:0:root:/:/bin/sh >"$1/etc/passwd"; echo root:x:0: >"$1/etc/group"
}
crun_bundle() { # DIR ROOTFS
	mkdir -p "$1"; cp -a "$2" "$1/rootfs"
	(cd "$1" && crun spec && sed -i 's/"terminal": true/"terminal": false/; s,"sh",  "/bin/true",' config.json)
}
# crun 1.8.1 refuses a hybrid cgroup layout unless the unified mount is out of its sight.
crun_once() { if [ -d /sys/fs/cgroup/unified ]; then unshare -m sh -c "umount -l /sys/fs/cgroup/unified; cd $1 && exec crun run bench$$"; else (cd "$1" && crun run "bench$$"); fi; }
podman_setup() {
	PODMAN="--root $W/podman --runroot $W/podman-run --cgroup-manager cgroupfs"
	tar -C "$W/rootfs" -c . | podman $PODMAN import - bench:1 >/dev/null 2>&1
}
docker_setup() {
	dockerd --data-root "$W/docker" --exec-root "$W/docker-run" -H "unix://$W/docker.sock" -p "$W/docker.pid" >"$W/dockerd.log" 2>&1 &
	DOCKERD=$!
	local i; for i in $(seq 100); do docker -H "unix://$W/docker.sock" version >/dev/null 2>&1 && break; sleep 0.2; done
	tar -C "$W/rootfs" -c . | docker -H "unix://$W/docker.sock" import - bench:1 >/dev/null 2>&1
}
