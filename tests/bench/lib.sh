# lib.sh - what the benches share: a scratch directory, peers set up in it, medians.
# Everything runs in network and mount namespaces of its own: what a peer leaves behind (bridges,
# iptables rules, ip_forward, mounts) goes with them.
if [ -z "${BENCH_NS:-}" ]; then
	export BENCH_NS=1
	exec unshare -n -m --propagation private "$0" "$@"
fi
ip link set lo up
BUILD=${BUILD:-$PWD/build}
W= DOCKERD= CONTAINERD=

bench_dir() { W=$(mktemp -d /tmp/minibox-bench.XXXXXX); trap bench_end EXIT; }
bench_end() {
	[ -z "$DOCKERD" ] || { kill "$DOCKERD"; wait "$DOCKERD" 2>/dev/null; }
	[ -z "${PODMAN:-}" ] || podman $PODMAN system reset -f >/dev/null 2>&1
	MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run "$BUILD/minibox" down --volumes guestbook >/dev/null 2>&1
	for m in $(awk -v w="$W/" 'index($5, w) == 1 {print $5}' /proc/self/mountinfo | sort -r); do umount -l "$m"; done
	rm -rf --one-file-system "$W"
	find /sys/fs/cgroup -depth -type d \( -path '*/docker*' -o -path '*/libpod_parent*' \) -exec rmdir {} + 2>/dev/null
}
median() { sort -n "$1" | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
ms() { # CMD...: milliseconds it took; the clock is bash's own, so that nothing is forked for it
	local a=${EPOCHREALTIME/./}; "$@" >/dev/null 2>&1; local b=${EPOCHREALTIME/./}
	printf '%d.%03d\n' $(((b - a) / 1000)) $(((b - a) % 1000))
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
# crun 1.8.1 refuses a hybrid cgroup layout unless the unified mount is out of its sight: a shell
# in a mount namespace without it does the timing, so that crun pays for none of this.
crun_setup() { # BUNDLE
	coproc CRUN { unshare -m --propagation private bash -c '
		if [ -d /sys/fs/cgroup/unified ]; then umount -l /sys/fs/cgroup/unified; fi
		cd "$1" || exit 1
		eval "$2"
		while read -r _; do ms crun run "bench$$"; done' bash "$1" "$(declare -f ms)"; }
}
crun_once() { local t; echo go >&"${CRUN[1]}"; read -r t <&"${CRUN[0]}"; echo "$t"; }
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
