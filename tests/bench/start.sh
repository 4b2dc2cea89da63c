#!/bin/bash
# start.sh [RUNS] - start to exit of /bin/true in a warm image, side by side in one run:
#   floor (what the kernel alone takes, floor.c; no user namespace) · minibox run --rm (a network
#   of its own, user namespace, cgroups, limits) · crun, runc (empty network) · bwrap (no network,
#   no cgroup) · podman, docker (both with their bridge). Peers that are not installed are left
#   out: apt-get install crun runc bubblewrap podman docker.io (dockerd is started and ended here).
# Prints milliseconds, median of RUNS (20). LIGHT=1 leaves podman and docker out.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/bench/lib.sh
bench_dir
rootfs "$W/rootfs"
/usr/bin/python3 tests/lib/mkimage.py "$W/bb.tar" --name bench:1 --layer "$W/rootfs" --cmd /bin/true
printf 'stack bench;\nservice t { image bb.tar; command /bin/true; }\n' >"$W/stack.conf"
export MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run
have() { command -v "$1" >/dev/null; }

mkdir "$W/floor.d"
gcc -O2 -o "$W/floor" tests/bench/floor.c || exit 1
peer floor "$W/floor $W/rootfs $W/floor.d"
peer minibox "$BUILD/minibox run --rm -f $W/stack.conf t"
if have crun; then
	crun_bundle "$W/bundle" "$W/rootfs"
	crun_setup "$W/bundle"
	peer crun "run bench$$"
	if have runc; then peer runc "runc run -b $W/bundle bench$$"; fi
fi
if have bwrap; then peer bwrap "bwrap --unshare-all --bind $W/rootfs / --proc /proc --dev /dev /bin/true"; fi
if [ -z "${LIGHT:-}" ] && have podman; then
	podman_setup && peer podman "podman $PODMAN --runtime runc run --rm --ulimit nofile=1024:4096 --ulimit nproc=1024:4096 bench:1 /bin/true"
fi
if [ -z "${LIGHT:-}" ] && have dockerd; then
	docker_setup && peer docker "docker -H unix://$W/docker.sock run --rm bench:1 /bin/true"
fi
rounds "${1:-20}"
table floor
