#!/bin/bash
# needs: root. podman, containerd and docker with minibox as their OCI runtime.
#
# They run in network, mount and process namespaces of this script's own, with /run, /etc, /opt
# and /var/lib of its own: whatever they leave there goes with it. Cgroups are below $CG.
if [ -z "${CALLERS_NS:-}" ]; then
	export CALLERS_NS=1
	exec unshare -n -m -p --fork --kill-child --mount-proc --propagation private bash "$0" "$@"
fi
. "$(dirname "$0")/../lib/it.sh"
make -s B="$BUILD" tool-build >/dev/null || exit 1
busybox_root
cp "$BUILD/tests/lib/escape" "$W/bb/bin/escape"
tar -C "$W/bb" -cf "$W/bb.tar" .
ln -s "$MINIBOX" "$W/minibox-oci"
LONG=$((60 * ${SLOW:-1})) OCI=$W/minibox-oci CG=minibox-it-${W##*.}
export CONTAINERS_CONF=$W/containers.conf TMPDIR=$W
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward # Docker would, and the network is this script's
mount -t tmpfs tmpfs /run
for d in etc opt var/lib; do
	mkdir -p "/run/over/$d" "/run/over/aside/$d"
	mount -t overlay -o "lowerdir=/$d,upperdir=/run/over/$d,workdir=/run/over/aside/$d" overlay "/$d"
done
# This machine's limit of open files cannot be raised without CAP_SYS_RESOURCE, which the
# default of 1048576 would want.
cat >"$CONTAINERS_CONF" <<EOC
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "localhost/bb:1"
runtime = "minibox"
[engine.runtimes]
minibox = ["$OCI"]
EOC
pd() { timeout $LONG podman --root "$W/pd/root" --runroot "$W/pd/run" --tmpdir "$W/pd/tmp" "$@"; }
# pd_run ARG...: in our groups, without a network
pd_run() { pd run --network none --cgroup-parent "/$CG" "$@"; }
dk() { timeout $LONG /usr/bin/docker -H "unix://$W/dk/sock" "$@"; }
ct() { timeout $LONG ctr -a "$W/ct/sock" -n "$CG" "$@"; }
ct_run() { ct run --runc-binary "$OCI" "$@"; }
# pty CMD...: CMD on a terminal of 33 lines and 44 columns
pty() {
	/usr/bin/python3 -c '
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
	fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 44, 0, 0))
	os.execvp(sys.argv[1], sys.argv[1:])
while True:
	try: data = os.read(fd, 4096)
	except OSError: break
	if not data: break
	os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@" </dev/null | tr -d '\r'
}
# limit FILE_V1 FILE_V2: of the one container that there is now below $CG
limit() { find /sys/fs/cgroup \( -path "*/$CG/*/$1" -o -path "*/$CG/*/$2" \) ! -path '*conmon*' ! -path "*/$CG/dk/$1" ! -path "*/$CG/dk/$2" -exec cat {} +; }
# until the size has come, which callers set after the start
SIZED='until [ "$(stty size)" = "33 44" ]; do sleep 0.1; done; tty; exit 5'
LOOP='trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done'
# further A B: the attacks that work by A and not by B
further() { comm -23 <(grep ESCAPED "$1" | sort) <(grep ESCAPED "$2" | sort); }

test_podman_runs_and_tells_the_status() {
	# the command is that of a pod's own container
	pd import --change 'CMD ["sleep", "1000"]' - bb:1 <"$W/bb.tar" >/dev/null
	eq "$(pd info --format '{{.Host.OCIRuntime.Path}}')" "$OCI"
	status 7 pd_run --rm bb:1 sh -c 'id -u; cat; exit 7'
	eq "$OUT" 0
	eq "$(echo in | pd_run --rm -i bb:1 cat)" in
	# as podman-run(1) has them
	status 127 pd_run --rm bb:1 nosuch
	has "$OUT" "execute 'nosuch': No such file or directory"
	status 126 pd_run --rm bb:1 /etc/passwd
	status 125 pd_run --rm --ulimit nofile=99:98 bb:1 true
	pd_run -d --pid host --name s bb:1 sleep 1000 >/dev/null
	pd kill -s TERM s
	eq "$(pd wait s)" 143
	pd rm s
	eq "$(pd ps -aq)" ''
}
test_podman_limits_user_and_root() {
	pd_run -d --name c --memory 64m --memory-swap 96m --pids-limit 50 --cpus 0.5 --read-only --user www:44 \
		--ulimit nofile=77:88 --ulimit nproc=1000:1000 --tmpfs /t -v "$W/bb/etc:/host:ro" --stop-timeout 20 bb:1 sh -c "$LOOP"
	eq "$(limit memory.limit_in_bytes memory.max)" 67108864
	eq "$(limit pids.max pids.max)" 50
	has "$(limit cpu.cfs_quota_us cpu.max)" 50000
	pd update --memory 80m c
	eq "$(limit memory.limit_in_bytes memory.max)" 83886080
	eq "$(pd exec c sh -c 'id -u; id -g; ulimit -Sn; ulimit -Hn; touch /x /host/x 2>&1 | grep -c Read-only; touch /t/x && ls /t' | tr '\n' ' ')" \
		'33 44 77 88 2 x '
	eq "$(pd stats --no-stream --format '{{.PIDs}}' c)" 2
	has "$(pd top c)" 'sleep 0.1'
}
test_podman_execs() {
	eq "$(pd exec -e A=5 -w /tmp c sh -c 'echo $(pwd) $A >/dev/stderr' 2>&1)" '/tmp 5'
	status 9 pd exec c sh -c 'exit 9'
	status 137 pd exec c sh -c 'kill -9 $$'
	status 127 pd exec c nosuch
	status 126 pd exec c /etc/passwd
	eq "$(echo in | pd exec -i c cat)" in
	pd exec -d c sh -c 'echo x >/t/detached; sleep 0.1'
	until_ok 5 pd exec c cat /t/detached
	status 5 pty podman --root "$W/pd/root" --runroot "$W/pd/run" --tmpdir "$W/pd/tmp" exec -t c sh -c "$SIZED"
	has "$OUT" /dev/pts/
}
test_podman_pauses_stops_and_restarts() {
	pd pause c
	eq "$(pd inspect --format '{{.State.Status}}' c)" paused
	status 255 pd exec c true
	pd unpause c
	pd exec c true
	pd stop c
	eq "$(pd inspect --format '{{.State.Status}} {{.State.ExitCode}}' c)" 'exited 3'
	eq "$(pd logs c | tr '\n' ' ')" 'up bye '
	pd start c
	pd restart -t 5 c
	eq "$(pd logs c | grep -c up)" 3
	pd kill -s KILL c
	eq "$(pd wait c)" 137
	pd rm c
	# TERM is not its affair: killed after the time
	pd_run -d --name d bb:1 sleep 1000
	pd stop -t 1 d
	eq "$(pd inspect --format '{{.State.ExitCode}}' d)" 137
	pd rm d
}
test_podman_gives_a_terminal() {
	status 5 pty podman --root "$W/pd/root" --runroot "$W/pd/run" --tmpdir "$W/pd/tmp" run --rm -t --network none \
		--cgroup-parent "/$CG" bb:1 sh -c "$SIZED"
	has "$OUT" /dev/pts/0
}
test_podman_makes_room_for_systemd() {
	status 0 pd_run --rm --systemd=always bb:1 sh -c 'touch /run/x /run/lock/x && echo $container'
	eq "$OUT" podman
	status 0 pd_run --rm --cgroupns private bb:1 true
	status 0 pd_run --rm --privileged bb:1 sh -c 'mkdir /m && mount -t tmpfs none /m'
}
test_podman_memory_ends() {
	pd_run -d --name m --memory 32m bb:1 sh -c 'exec dd if=/dev/zero of=/dev/null bs=100M count=1' >/dev/null
	eq "$(pd wait m)" 137
	pd rm m
}
test_podman_user_namespace() {
	eq "$(pd_run --rm --uidmap 0:300000:65536 bb:1 sh -c 'cat /proc/self/uid_map; touch /x; stat -c %u /x' | tr -s ' \n' ' ')" ' 0 300000 65536 0 '
}
pods_work() {
	[ ! -e /sys/fs/cgroup/cgroup.controllers ] || skip 'without systemd, podman 4 forbids its pods all devices on cgroup v2 (with crun and runc, too)'
}
test_podman_pod() {
	pods_work
	pd pod create --name p --network none --share net,ipc,uts --hostname poddy --cgroup-parent "/$CG" >/dev/null
	pd run -d --pod p --name p1 bb:1 sh -c 'echo mine >/dev/shm/f; exec httpd -f -p 80 -h /etc' >/dev/null
	pd run -d --pod p --name p2 bb:1 sleep 1000 >/dev/null
	pd exec p2 ip link set lo up 2>/dev/null || true
	until_ok 10 pd exec p2 wget -q -O - http://127.0.0.1/passwd
	eq "$(pd exec p2 sh -c 'cat /dev/shm/f; hostname' | tr '\n' ' ')" 'mine poddy '
	pd pod stop -t 1 p >/dev/null
	pd pod start p >/dev/null
	until_ok 10 pd exec p2 wget -q -O - http://127.0.0.1/passwd
	pd pod rm -f -t 0 p >/dev/null
}
test_podman_play_kube() {
	pods_work
	cat >"$W/kube.yml" <<-'EOC'
	apiVersion: v1
	kind: Pod
	metadata: {name: k}
	spec:
	  containers:
	  - name: a
	    image: localhost/bb:1
	    command: [sh, -c, 'echo $GREETING; exec sleep 1000']
	    env: [{name: GREETING, value: hello}]
	    resources: {limits: {memory: 64Mi}}
	    securityContext: {readOnlyRootFilesystem: true, runAsUser: 33}
	    volumeMounts: [{name: v, mountPath: /v}]
	  - name: b
	    image: localhost/bb:1
	    command: [sh, -c, 'echo $$ >/v/f; exec sleep 1000']
	    volumeMounts: [{name: v, mountPath: /v}]
	  volumes: [{name: v, emptyDir: {}}]
	EOC
	status 0 pd play kube --network none "$W/kube.yml"
	until_ok 5 pd exec k-a cat /v/f
	eq "$(pd logs k-a) $(pd exec k-a id -u)" 'hello 33'
	eq "$(pd inspect --format '{{.HostConfig.Memory}} {{.HostConfig.ReadonlyRootfs}} {{.OCIRuntime}}' k-a)" '67108864 true minibox'
	status 1 pd exec k-a touch /x
	status 0 pd play kube --down "$W/kube.yml"
	eq "$(pd ps -aq)" ''
}
# podman's own rules for a container are its affair; what they keep in stays in with us as
# with the others.
test_podman_attacks() {
	for how in '' '--user www' '--uidmap 0:300000:65536' '--cap-drop all --security-opt no-new-privileges'; do
		pd_run --rm $how bb:1 escape >"$W/ours" </dev/null
		pd --runtime runc run --network none --cgroup-parent "/$CG" --rm $how bb:1 escape >"$W/runcs" </dev/null
		eq "$(tail -n 1 "$W/ours")" end
		[ "$(grep -c ' denied ' "$W/ours")" -ge 100 ]
		eq "$(further "$W/ours" "$W/runcs")" ''
	done
}
start_daemons() {
	mkdir -p "$W/ct" "$W/dk"
	cat >"$W/ct/config.toml" <<-EOC
	version = 2
	root = "$W/ct/root"
	state = "$W/ct/state"
	disabled_plugins = ["io.containerd.grpc.v1.cri"]
	[grpc]
	address = "$W/ct/sock"
	EOC
	echo '{}' >"$W/dk/daemon.json"
	containerd -c "$W/ct/config.toml" >"$W/ct/log" 2>&1 &
	echo $! >"$W/ct/pid"
	dockerd --config-file "$W/dk/daemon.json" --data-root "$W/dk/root" --exec-root "$W/dk/exec" -H "unix://$W/dk/sock" \
		-p "$W/dk/docker.pid" --cgroup-parent "/$CG/dk" --add-runtime "minibox=$OCI" --default-runtime minibox >"$W/dk/log" 2>&1 &
	echo $! >"$W/dk/pid"
	disown -a
	until_ok 20 ct version
	until_ok 20 dk version
}
test_containerd_runs() {
	start_daemons
	pd save -q -o "$W/save.tar" bb:1
	ct images import "$W/save.tar" >/dev/null
	status 7 ct_run --rm localhost/bb:1 r1 sh -c 'id -u; ip link show lo | grep -o LOOPBACK,UP; exit 7'
	eq "$OUT" "$(printf '0\nLOOPBACK,UP')"
	status 1 ct_run --rm localhost/bb:1 r1 nosuch
	has "$OUT" "execute 'nosuch': no such file or directory"
	ct containers rm r1 2>/dev/null || true
	status 5 pty ctr -a "$W/ct/sock" -n "$CG" run -t --rm --runc-binary "$OCI" localhost/bb:1 r2 sh -c "$SIZED"
	has "$OUT" /dev/pts/0
}
test_containerd_execs_pauses_kills() {
	ct events >"$W/ct/events" &
	ct_run -d --memory-limit 67108864 localhost/bb:1 r3 sh -c "$LOOP"
	eq "$(limit memory.limit_in_bytes memory.max)" 67108864
	has "$(ct tasks ls)" RUNNING
	eq "$(ct tasks exec --exec-id e1 r3 id -u)" 0
	status 9 ct tasks exec --exec-id e2 r3 sh -c 'exit 9'
	status 1 ct tasks exec --exec-id e3 r3 nosuch
	[ "$(ct tasks ps r3 | wc -l)" -ge 2 ]
	has "$(ct tasks metrics r3)" 67108864
	ct tasks pause r3
	has "$(ct tasks ls)" PAUSED
	ct tasks resume r3
	has "$(ct tasks ls)" RUNNING
	ct tasks kill -s TERM r3
	until_ok 5 eval "timeout $LONG ctr -a '$W/ct/sock' -n '$CG' tasks ls | grep -q STOPPED"
	status 1 ct tasks kill -s TERM r3
	has "$OUT" 'not found' # and not an unknown failure
	has "$(ct tasks delete r3 2>&1)" 'code 3'
	ct containers rm r3
	ct_run -d localhost/bb:1 r4 sleep 1000
	ct tasks kill -a -s KILL r4
	has "$(ct tasks delete -f r4 2>&1)" 'code 137'
	ct containers rm r4
	for topic in create start exec-started paused resumed exit delete; do has "$(cat "$W/ct/events")" "/tasks/$topic"; done
	eq "$(ct containers ls -q)" ''
}
test_docker_runs_and_tells_the_status() {
	dk import - bb:1 <"$W/bb.tar" >/dev/null
	status 7 dk run --rm bb:1 sh -c 'id -u; exit 7'
	eq "$OUT" 0
	eq "$(echo in | dk run --rm -i bb:1 cat)" in
	status 127 dk run --rm bb:1 nosuch
	status 127 dk run --rm bb:1 /nosuch/x
	status 126 dk run --rm bb:1 /etc/passwd
	status 126 dk run --rm bb:1 /etc
	status 125 dk run --rm --ulimit nofile=2000000:2000000 bb:1 true
	has "$OUT" "raise resource limit 'nofile'"
	status 143 dk run --rm --init bb:1 sh -c 'kill -TERM $$'
	status 5 pty /usr/bin/docker -H "unix://$W/dk/sock" run --rm -t bb:1 sh -c "$SIZED"
	has "$OUT" /dev/pts/0
}
test_docker_limits_execs_and_network() {
	dk run -d --name cc --memory 64m --pids-limit 50 --cpus 0.5 --read-only --user www --tmpfs /t --shm-size 16m -p 127.0.0.1:8080:80 \
		-v vol:/v --device /dev/full:/dev/filled --sysctl net.ipv4.ip_default_ttl=77 bb:1 sh -c "$LOOP" >/dev/null
	eq "$(limit memory.limit_in_bytes memory.max) $(limit pids.max pids.max)" '67108864 50'
	has "$(limit cpu.cfs_quota_us cpu.max)" 50000
	dk update --memory 80m --memory-swap 160m cc
	eq "$(limit memory.limit_in_bytes memory.max)" 83886080
	eq "$(dk exec cc sh -c 'id -u; touch /x 2>&1 | grep -c Read-only; cat /proc/sys/net/ipv4/ip_default_ttl; stat -c %t:%T /dev/filled' | tr '\n' ' ')" '33 1 77 1:7 '
	eq "$(dk exec cc sh -c 'echo e >/dev/stderr' 2>&1)" e
	has "$(dk exec cc df /dev/shm)" 16384
	status 9 dk exec cc sh -c 'exit 9'
	status 137 dk exec cc sh -c 'kill -9 $$'
	for p in nosuch /etc/passwd; do status 126 dk exec cc $p; done # as with runc
	status 5 pty /usr/bin/docker -H "unix://$W/dk/sock" exec -t cc sh -c "$SIZED"
	dk exec -d -u root cc httpd -p 80 -h /etc
	until_ok 10 curl -sf http://127.0.0.1:8080/passwd
	has "$(dk top cc)" sleep
	has "$(dk stats --no-stream cc)" /
}
test_docker_pauses_stops_and_restarts() {
	dk pause cc
	has "$(dk ps --format '{{.Status}}')" Paused
	dk unpause cc
	eq "$(dk run --rm --network container:cc --pid container:cc bb:1 sh -c 'kill -0 1; wget -q -O - http://127.0.0.1/passwd | head -c 4')" root
	dk stop cc
	eq "$(dk inspect --format '{{.State.ExitCode}}' cc) $(dk logs cc | tr '\n' ' ')" '3 up bye '
	dk start cc
	dk restart -t 5 cc
	eq "$(dk logs cc | grep -c up)" 3
	dk kill cc
	eq "$(dk wait cc)" 137
	dk rm cc
	dk run -d --name rr --restart on-failure:2 bb:1 sh -c 'exit 4' >/dev/null
	until_ok 20 eval '[ "$(dk inspect --format "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}" rr)" = "exited 2 4" ]'
	dk run -d --name mm --memory 32m bb:1 sh -c 'exec dd if=/dev/zero of=/dev/null bs=100M count=1' >/dev/null
	eq "$(dk wait mm) $(dk inspect --format '{{.State.OOMKilled}}' mm)" '137 true'
	dk rm rr mm
	dk volume rm vol
	status 0 dk run --rm --privileged bb:1 sh -c 'mkdir /m && mount -t tmpfs none /m'
}
test_docker_attacks() {
	for how in '' '-u www' '--cap-drop all --security-opt no-new-privileges'; do
		dk run --rm $how bb:1 escape >"$W/ours" </dev/null
		dk run --rm --runtime runc $how bb:1 escape >"$W/runcs" </dev/null
		eq "$(tail -n 1 "$W/ours")" end
		[ "$(grep -c ' denied ' "$W/ours")" -ge 100 ]
		eq "$(further "$W/ours" "$W/runcs")" ''
	done
}
test_end() {
	for d in ct dk; do
		kill "$(cat "$W/$d/pid")"
		until_ok 20 eval "! [ -e /proc/$(cat "$W/$d/pid")/exe ]"
	done
	ip link delete docker0
	nft flush ruleset
	! grep -q " $W/pd/root/overlay " /proc/self/mountinfo || umount "$W/pd/root/overlay"
	rmdir /run/minibox-oci # nothing is in it
	# podman leaves the groups that it was told, and one of its own where it was told none
	find /sys/fs/cgroup -depth -type d -path "*/$CG*" -exec rmdir {} +
	find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} + 2>/dev/null || true
	# in this process namespace there is nobody but us
	eq "$(ps -e -o comm= | grep -vE '^(bash|ps|grep)$')" ''
}

run_tests "$@"
st=$?
# after a failure something may be mounted there still
for m in $(awk -v w="$W/" 'index($5, w) == 1 {print $5}' /proc/self/mountinfo | sort -r); do umount -l "$m"; done
rm -rf --one-file-system "$W"
exit $st
