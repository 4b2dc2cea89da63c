#!/bin/bash
# stacks.sh [N...] - stacks of N sleeping services (3 20 50 200): up, an up with nothing to do,
# plan, down, and the memory that stays resident beside the services' own (Pss), beside podman
# (`podman run -d`, four at a time) and docker-compose. One run each; in seconds.
# A peer is left out where it is not installed, and from the size on that would take it longer
# than PEER_LIMIT (60) seconds, told by the size before. LIGHT=1 leaves both out.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/bench/lib.sh
bench_dir
rootfs "$W/rootfs"
/usr/bin/python3 tests/lib/mkimage.py "$W/bb.tar" --name bench:1 --layer "$W/rootfs"
export MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run
PEER_LIMIT=${PEER_LIMIT:-60}
SIZES=${*:-3 20 50 200}
have() { command -v "$1" >/dev/null; }
seconds() { # CMD...: its time; what it said is in $W/log
	local a=${EPOCHREALTIME/./} st=0 b; "$@" >"$W/log" 2>&1 || st=$?
	b=${EPOCHREALTIME/./}
	if [ $st -ne 0 ]; then echo "stacks: $1 failed:" >&2; tail -n 3 "$W/log" >&2; fi
	awk "BEGIN {printf \"%.3f\", ($b - $a) / 1e6}"
}
pss() { local k; k=$(awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup" 2>/dev/null); echo "${k:-0}"; }
resident() { # NAME...: Pss of the processes with such names that were started in here, KiB
	local p sum=0
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ] || continue
		case " $* " in *" $(cat "$p/comm") "*) sum=$((sum + $(pss "${p#/proc/}"))) ;; esac
	done 2>/dev/null
	echo "$sum"
}
row() { printf '%-15s %5s %9s %9s %9s %9s %9s\n' "$@"; }

minibox_row() { # N
	local i p sup sum up again plan down
	{ echo 'stack bench;'; for i in $(seq "$1"); do
		echo "service s$i { image bb.tar; command /bin/sleep 1000000; stop_grace_period 1s; }"
	done; } >"$W/stack.conf"
	up=$(seconds "$BUILD/minibox" up -q -d "$W/stack.conf")
	again=$(seconds "$BUILD/minibox" up -q -d "$W/stack.conf")
	plan=$(seconds "$BUILD/minibox" plan "$W/stack.conf")
	sup=$(cat "$MINIBOX_RUN/bench/.supervisor")
	sum=$(($(pss "$sup") + $(pss "$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")")))
	for p in $("$BUILD/minibox" ps --json bench | grep -oE '"pid": [1-9][0-9]*' | cut -d' ' -f2); do
		sum=$((sum + $(pss "$p")))
	done
	down=$(seconds "$BUILD/minibox" down -q --volumes bench)
	row minibox "$1" "$up" "$again" "$plan" "$down" "$sum"
}
podman_start() { podman $PODMAN --runtime runc run -d --name "b$1" --stop-timeout 1 \
	--ulimit nofile=1024:4096 --ulimit nproc=1024:4096 bench:1 /bin/sleep 1000000; }
podman_up() { # N
	export -f podman_start; export PODMAN
	seq "$1" | xargs -P 4 -I{} bash -c 'podman_start {}'
}
podman_down() { podman $PODMAN ps -aq | xargs -P 4 -n 1 podman $PODMAN rm -f -t 1; }
podman_row() { # N
	local up sum down
	up=$(seconds podman_up "$1")
	sum=$(resident conmon aardvark-dns)
	down=$(seconds podman_down)
	row "podman (4)" "$1" "$up" - - "$down" "$sum"
	LAST=$up
}
compose() { DOCKER_HOST=unix://$W/docker.sock docker-compose -p bench -f "$W/compose.yml" "$@"; }
compose_row() { # N
	local i up again sum down
	{ echo 'version: "3"'; echo 'services:'; for i in $(seq "$1"); do
		echo "  s$i: {image: 'bench:1', command: /bin/sleep 1000000, stop_grace_period: 1s}"
	done; } >"$W/compose.yml"
	up=$(seconds compose up -d)
	again=$(seconds compose up -d)
	sum=$(resident dockerd containerd containerd-shim docker-proxy)
	down=$(seconds compose down -t 1)
	row docker-compose "$1" "$up" "$again" - "$down" "$sum"
	LAST=$up
}
# PEER: a row for each size that it is expected to finish in time
peer_rows() {
	local n last_n=1; LAST=0
	for n in $SIZES; do
		if awk "BEGIN {exit !($LAST * $n / $last_n > $PEER_LIMIT)}"; then
			row "$1" "$n" long - - - -
			continue
		fi
		"$1_row" "$n"; last_n=$n
	done
}

row "" services up "up again" plan down "Pss (KiB)"
for n in $SIZES; do minibox_row "$n"; done
if [ -z "${LIGHT:-}" ] && have podman; then podman_setup && peer_rows podman; fi
if [ -z "${LIGHT:-}" ] && have docker-compose && have dockerd; then docker_setup; peer_rows compose; fi
echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
