#!/bin/bash
# start.sh [RUNS] - start to exit of /bin/true in a warm image, side by side in one run:
#   minibox run --rm (a network of its own, user namespace, cgroups, limits) · crun run (no network)
#   podman run · docker run (both with their bridge). Peers that are not installed are left out:
#   apt-get install crun podman docker.io (dockerd is started and ended here).
# Prints milliseconds, median of RUNS (20), taken in turn so that a noisy machine is noisy for all.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/bench/lib.sh
RUNS=${1:-20}
bench_dir
rootfs "$W/rootfs"
/usr/bin/python3 tests/lib/mkimage.py "$W/bb.tar" --name bench:1 --layer "$W/rootfs" --cmd /bin/true
printf 'stack bench;\nservice t { image bb.tar; command /bin/true; }\n' >"$W/stack.conf"
export MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run
NAMES=() COMMANDS=()
peer() { NAMES+=("$1"); COMMANDS+=("$2"); }

peer minibox "$BUILD/minibox run --rm -f $W/stack.conf t"
if command -v crun >/dev/null; then
	crun_bundle "$W/bundle" "$W/rootfs"
	crun_setup "$W/bundle"
	peer crun crun_once
fi
if command -v podman >/dev/null; then
	podman_setup && peer podman "podman $PODMAN --runtime runc run --rm --ulimit nofile=1024:4096 --ulimit nproc=1024:4096 bench:1 /bin/true"
fi
if command -v dockerd >/dev/null; then
	docker_setup && peer docker "docker -H unix://$W/docker.sock run --rm bench:1 /bin/true"
fi
for i in "${!NAMES[@]}"; do # warm
	${COMMANDS[$i]} >"$W/log" 2>&1 || { echo "${NAMES[$i]} does not run here:"; tail -n 3 "$W/log"; }
done
# Whoever comes first after a pause pays the kernel's synchronize_rcu() for moving a process
# between v1 cgroups (10 ms), and the next one does not: so the order is turned round each time.
one() { if [ "${NAMES[$1]}" = crun ]; then crun_once; else ms ${COMMANDS[$1]}; fi >>"$W/t.${NAMES[$1]}"; }
for ((r = 0; r < RUNS; r++)); do
	order=("${!NAMES[@]}")
	if ((r % 2)); then order=($(printf '%s\n' "${order[@]}" | tac)); fi
	for i in "${order[@]}"; do one "$i"; done
done
base=$(median "$W/t.minibox")
printf '%-10s %10s %10s %10s   %s\n' "" median min max "times minibox"
for n in "${NAMES[@]}"; do
	m=$(median "$W/t.$n")
	printf '%-10s %8s ms %8s %10s   %s\n' "$n" "$m" "$(sort -n "$W/t.$n" | head -n 1)" \
		"$(sort -n "$W/t.$n" | tail -n 1)" "$(awk "BEGIN {printf \"%.2f\", $m / $base}")"
done
