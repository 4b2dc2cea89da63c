#!/bin/bash
# exec.sh [RUNS] - a further /bin/true in a running container: nsenter (no confinement at all),
# minibox exec, crun exec, runc exec. Prints milliseconds, median of RUNS (20).
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/bench/lib.sh
bench_dir
rootfs "$W/rootfs"
/usr/bin/python3 tests/lib/mkimage.py "$W/bb.tar" --name bench:1 --layer "$W/rootfs"
printf 'stack bench;\nservice t { image bb.tar; command /bin/sleep 1000; }\n' >"$W/stack.conf"
export MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run
end() {
	if [ -n "${CRUN_PID:-}" ]; then crun_ms delete -f "bench$$" >/dev/null; fi
	if [ -d "$W/runc" ]; then runc delete -f "benchr$$"; fi
	"$BUILD/minibox" down -q --volumes bench
	bench_end
}
trap end EXIT
"$BUILD/minibox" up -q -d "$W/stack.conf" || exit 1
pid=$("$BUILD/minibox" inspect bench/t | awk -F'[:,]' '/"pid"/ {print $2 + 0; exit}')
peer nsenter "nsenter -t $pid -m -u -i -n -p -C -U /bin/true"
peer minibox "$BUILD/minibox exec bench/t /bin/true"
if command -v crun >/dev/null; then
	crun_bundle "$W/bundle" "$W/rootfs"
	sed -i 's,"/bin/true","/bin/sleep"\, "1000",' "$W/bundle/config.json"
	crun_setup "$W/bundle"
	crun_ms run -d "bench$$" >/dev/null
	peer crun "exec bench$$ /bin/true"
	if command -v runc >/dev/null; then
		mkdir "$W/runc"
		runc run -d -b "$W/bundle" "benchr$$" </dev/null >/dev/null 2>&1
		peer runc "runc exec benchr$$ /bin/true"
	fi
fi
rounds "${1:-20}"
table crun
