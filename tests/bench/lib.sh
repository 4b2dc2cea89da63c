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
		while read -r command; do ms $command; done' bash "$1" "$(declare -f ms)"; }
}
crun_ms() { local t; echo "crun $*" >&"${CRUN[1]}"; read -r t <&"${CRUN[0]}"; echo "$t"; }
# A bench is a list of peers, run in turn: what makes the machine slow makes it slow for all.
# A peer's command is timed; one whose name begins with "crun" is words for crun_ms.
NAMES=() COMMANDS=()
peer() { NAMES+=("$1"); COMMANDS+=("$2"); }
one() { case ${NAMES[$1]} in crun*) crun_ms ${COMMANDS[$1]} ;; *) ms ${COMMANDS[$1]} ;; esac; }
# Whoever comes first after a pause pays the kernel's synchronize_rcu() for moving a process by
# "cgroup.procs" on v1 (10 ms), and the next one does not: so the order is turned round each time.
rounds() { # N
	local r i order
	for i in "${!NAMES[@]}"; do # warm
		case ${NAMES[$i]} in crun*) one "$i" >/dev/null; continue ;; esac
		${COMMANDS[$i]} >"$W/log" 2>&1 || { echo "${NAMES[$i]} does not run here:"; tail -n 3 "$W/log"; }
	done
	for ((r = 0; r < $1; r++)); do
		order=("${!NAMES[@]}")
		if ((r % 2)); then order=($(printf '%s\n' "${order[@]}" | tac)); fi
		for i in "${order[@]}"; do one "$i" >>"$W/t.${NAMES[$i]}"; done
	done
}
table() { # BASE: all medians as multiples of that peer's
	local n m base; base=$(median "$W/t.$1")
	printf '%-10s %10s %10s %10s   %s\n' "" median min max "times $1"
	for n in "${NAMES[@]}"; do
		m=$(median "$W/t.$n")
		printf '%-10s %8s ms %8s %10s   %s\n' "$n" "$m" "$(sort -n "$W/t.$n" | head -n 1)" \
			"$(sort -n "$W/t.$n" | tail -n 1)" "$(awk "BEGIN {printf \"%.2f\", $m / $base}")"
	done
	echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
}
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
