#!/bin/bash
# needs: root. Every limit of a service as the kernel has it, read back by somebody else than minibox.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cd "$W" || exit 1
if [ -d /sys/fs/cgroup/memory ]; then V=1; else V=2; fi
disk() { lsblk -dnro NAME,TYPE | awk '$2 == "disk" && !/zram|fd/ {print "/dev/" $1; exit}'; }
group() { # CONTROLLER SERVICE: the service's directory
	local top=/sys/fs/cgroup/$1; [ $V = 1 ] || top=/sys/fs/cgroup
	find "$top" -maxdepth 3 -type d -path "*minibox-*/lim/$2"
}
val() { [ $V = 1 ] && cat "$(group "$2" "$1")/$3" || cat "$(group "$2" "$1")/$4"; } # SERVICE CONTROLLER V1_FILE V2_FILE
one() { # WORDS of a service: a stack of one service with them
	printf 'stack lim;\nservice one { image bb.tar; stop_grace_period 1s; %s }\n' "$1" >one.conf
}
D=$(disk)
cat >stack.conf <<EOF2
stack lim;
service mem { image bb.tar; stop_grace_period 1s; mem_limit 48m; mem_reservation 16m; memswap_limit 64m; oom_score_adj 321; }
service loose { image bb.tar; stop_grace_period 1s; mem_limit 48m; memswap_limit -1; oom_score_adj 5; }
service cpu { image bb.tar; stop_grace_period 1s; cpu_period 50ms; cpu_quota 20000; cpu_shares 512; cpuset 0; }
service io {
    image bb.tar;
    stop_grace_period 1s;
    blkio_config { device_read_bps $D 12m; device_write_bps $D 3m; device_read_iops $D 120; device_write_iops $D 130; }
}
service dev { image bb.tar; stop_grace_period 1s; devices /dev/kmsg:/dev/log/kernel:rw /dev/full:/dev/nofull; }
service plain { image bb.tar; stop_grace_period 1s; }
EOF2

test_up() { status 0 mb up -d; }
test_memory() {
	eq "$(val mem memory memory.limit_in_bytes memory.max)" $((48 << 20))
	eq "$(val mem memory memory.soft_limit_in_bytes memory.low)" $((16 << 20))
	eq "$(val mem memory memory.memsw.limit_in_bytes memory.swap.max)" $(((V == 1 ? 64 : 16) << 20))
	v=$(val loose memory memory.memsw.limit_in_bytes memory.swap.max)
	[ "$v" = max ] || [ "$v" -gt $((1 << 50)) ] || fail "swap of 'loose' is limited to $v"
}
test_cpu() {
	if [ $V = 1 ]; then
		eq "$(cat "$(group cpu cpu)/cpu.cfs_quota_us")" 20000
		eq "$(cat "$(group cpu cpu)/cpu.cfs_period_us")" 50000
		eq "$(cat "$(group cpu cpu)/cpu.shares")" 512
	else
		eq "$(cat "$(group cpu cpu)/cpu.max")" "20000 50000"
		eq "$(cat "$(group cpu cpu)/cpu.weight")" 20
	fi
	eq "$(val cpu cpuset cpuset.cpus cpuset.cpus)" 0
	eq "$(mb exec cpu grep Cpus_allowed_list /proc/self/status | awk '{print $2}')" 0
	[ "$(mb exec plain grep Cpus_allowed_list /proc/self/status | awk '{print $2}')" != 0 ] || [ "$(nproc)" = 1 ]
}
test_disks() {
	n=$(lsblk -dnro MAJ:MIN "$D")
	if [ $V = 1 ]; then
		g=$(group blkio io)/blkio.throttle
		eq "$(cat "${g}.read_bps_device")" "$n $((12 << 20))"
		eq "$(cat "${g}.write_bps_device")" "$n $((3 << 20))"
		eq "$(cat "${g}.read_iops_device")" "$n 120"
		eq "$(cat "${g}.write_iops_device")" "$n 130"
		eq "$(group blkio plain)" "" # who has no such limit pays for none
	else
		eq "$(cat "$(group io io)/io.max")" "$n rbps=$((12 << 20)) wbps=$((3 << 20)) riops=120 wiops=130"
	fi
}
test_oom_score_is_the_service_s_own() {
	for s in mem=321 loose=5 plain=0; do
		eq "$(mb exec "${s%=*}" cat /proc/1/oom_score_adj)" "${s#*=}"
		eq "$(mb exec "${s%=*}" cat /proc/self/oom_score_adj)" "${s#*=}"
	done
	one 'oom_score_adj -5;' # takes CAP_SYS_RESOURCE of the host
	if mb up -d one.conf >out 2>&1; then
		eq "$(mb exec one cat /proc/1/oom_score_adj)" -5
	else
		has "$(cat out)" "'oom_score_adj' -5"; has "$(cat out)" "service 'one'"
	fi
	status 0 mb up -d
}
test_devices_are_there_and_usable() {
	status 0 mb exec dev sh -c 'echo "<7>minibox: a line of a test" >/dev/log/kernel' # 0644 and root's, on the host
	status 1 mb exec dev sh -c 'echo x >/dev/nofull'
	has "$OUT" 'No space left'
	status 1 mb exec plain ls /dev/log
	status 1 mb exec -u www dev sh -c 'echo x >/dev/log/kernel'
}
test_access_to_a_device_is_kept_to() {
	one 'devices /dev/zero:/dev/nought:r;'
	status 0 mb up -d one.conf
	eq "$(mb exec one sh -c "head -c 3 /dev/zero | wc -c")" 3 # the list has it as rwm: what is asked for adds to it
	n=$(ls -d /dev/fuse /dev/loop-control /dev/net/tun "$D" 2>/dev/null | head -n 1 || true)
	one "devices $n:/dev/k:r;"
	status 0 mb up -d one.conf
	status 0 mb exec one sh -c 'exec 3</dev/k'
	status 1 mb exec one sh -c 'exec 3>>/dev/k'
	has "$OUT" 'not permitted'
	one 'devices /dev/kmsg:/dev/k:w; userns host; cap_add MKNOD SYSLOG;'
	status 0 mb up -d one.conf
	status 0 mb exec one sh -c 'echo "<7>minibox: a line of a test" >/dev/k'
	status 1 mb exec one sh -c 'exec 3</dev/k'
	has "$OUT" 'not permitted'
	status 1 mb exec one mknod /k c 1 11
	has "$OUT" 'not permitted'
	status 0 mb exec one mknod /z c 1 5 # the list has it as rwm
}
test_what_the_kernel_does_not_take_names_service_key_and_value() {
	one 'cpuset 4000;'
	status 1 mb up -d one.conf
	has "$OUT" "service 'one'"; has "$OUT" "'cpuset' '4000'"
	one "blkio_config { device_read_bps /dev/null 1m; }"
	status 1 mb up -d one.conf
	has "$OUT" "service 'one'"; has "$OUT" "'blkio_config' /dev/null: it is not a disk"
	one "devices $W/bb.tar:/dev/x;"
	status 1 mb up -d one.conf
	has "$OUT" "'devices' $W/bb.tar: it is not a device"
}
test_a_weight_of_disks_is_kept_or_refused() {
	one 'blkio_config { weight 300; }'
	if mb up -d one.conf >out 2>&1; then
		g=$(group blkio one); [ $V = 1 ] || g=$(group io one)
		cat "$g"/*weight | grep -qE '\b300$|default 2930|default 300' || fail "no weight of 300 in $g"
	else
		has "$(cat out)" "service 'one'"; has "$(cat out)" "'blkio_config weight' 300"
	fi
}
test_one_kill_takes_the_group_where_asked_for() {
	for on in off on; do
		one "oom_group $on; mem_limit 24m; command sh -c 'sleep 1000 & sleep 1001 & wait';"
		status 0 mb up -d one.conf
		[ $V = 1 ] || eq "$(cat "$(group memory one)/memory.oom.group")" "$([ $on = on ] && echo 1 || echo 0)"
		mb exec one sh -c 'tail </dev/zero' || true
		if [ $on = off ]; then
			eq "$(mb exec one pidof sleep | wc -w)" 2
			eq "$(mb ps --json lim | grep -c '"state": "running"')" 1
		else
			until_ok 10 sh -c "$MINIBOX ps --json lim | grep -q '\"state\": \"exited\"'"
			has "$(mb ps --json lim)" 'out of memory: '
		fi
	done
	status 0 mb down lim
	until_ok 5 sh -c "! pgrep -f 'minibox --root $MINIBOX_ROOT .*[_]oom'" # the watcher goes with what it watches
}
test_a_budget_of_the_whole_stack() {
	status 0 mb down lim
	svc='service one { image bb.tar; stop_grace_period 1s; mem_limit 48m; cpus 0.5; }'
	budget() { # MEMORY PIDS CPU: as the kernel has them
		g=$(find /sys/fs/cgroup -maxdepth 3 -type d -path '*minibox-*/lim')
		if [ $V = 1 ]; then
			eq "$(cat /sys/fs/cgroup/memory/minibox-*/lim/memory.limit_in_bytes)" "$1"
			eq "$(cat /sys/fs/cgroup/pids/minibox-*/lim/pids.max)" "$2"
			eq "$(cat /sys/fs/cgroup/cpu/minibox-*/lim/cpu.cfs_quota_us)" "$3"
		else
			eq "$(cat "$g/memory.max")" "$1"; eq "$(cat "$g/pids.max")" "$2"
			eq "$(cat "$g/cpu.max")" "$3 100000"
		fi
	}
	echo "stack lim { mem_limit 64m; cpus 0.5; pids_limit 60; } $svc" >b.conf
	status 0 mb up -d b.conf
	budget $((64 << 20)) 60 50000
	! mb exec one sh -c 'for i in $(seq 80); do sleep 1 & done' 2>/dev/null || fail "80 processes of a stack with 60"
	sleep 1.2
	echo "stack lim { mem_limit 96m; cpus 2; pids_limit 70; } $svc" >b.conf
	status 0 mb up -d b.conf # nothing is made anew
	hasnt "$OUT" created
	budget $((96 << 20)) 70 200000
	pid=$(mb ps --json | grep -m 1 '"pid"')
	echo "stack lim; $svc" >b.conf
	status 0 mb up -d b.conf
	eq "$(mb ps --json | grep -m 1 '"pid"')" "$pid"
	if [ $V = 1 ]; then budget 9223372036854771712 max -1; else budget max max max; fi
	status 0 mb down lim
	echo "stack lim { mem_limit 64m; } service one { image bb.tar; cpuset 4000; }" >b.conf
	status 1 mb up -d b.conf
	eq "$(find /sys/fs/cgroup -maxdepth 3 -type d -path '*minibox-*/lim')" ""
}
test_a_seccomp_profile_of_one_s_own() {
	cat >profile.json <<-'EOF'
	{ "defaultAction": "SCMP_ACT_ALLOW",
	  "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 } ] }
	EOF
	one 'security_opt seccomp=profile.json;'
	status 0 mb up -d one.conf
	status 1 mb exec one mkdir /tmp/new
	has "$OUT" 'No space left'
	eq "$(mb exec one grep '^Seccomp:' /proc/1/status | awk '{print $2}')" 2
	sed -i 's/28/30/' profile.json
	status 0 mb plan one.conf
	has "$OUT" 'seccomp_profile: a profile of '
	status 0 mb up -d one.conf
	status 1 mb exec one mkdir /tmp/new
	has "$OUT" 'Read-only'
}
test_running_out_of_memory_is_told() {
	status 0 mb up -d
	eq "$(mb ps --json | grep -c '"oom_kills": 0')" 6
	mb exec loose sh -c 'tail </dev/zero' || true # one of its processes, not the first
	has "$(mb ps lim/loose 2>/dev/null || mb ps)" "out of memory: 1 process killed, the last '"
	eq "$(mb ps --json | grep -c '"oom_kills": 0')" 5
	has "$(mb ps --json)" 'limit 48 MiB'
	# where the kernel's log is not to be read
	has "$(unshare -m sh -c "mount --bind /dev/null /dev/kmsg && $MINIBOX ps --json lim")" "the last 'unknown', peak"
	mb ps --json | grep -qE "the last '(tail|unknown)', peak 4[78] MiB" || fail "$(mb ps)"
	one 'mem_limit 16m; command tail /dev/zero;'
	# a slow machine takes it for up before its memory is full
	mb up -d one.conf >out 2>&1 || has "$(cat out)" ': out of memory: 1 process killed'
	until_ok 20 sh -c "$MINIBOX ps --json lim | grep -q '\"exit_code\": 137'"
	mb ps --json lim | grep -qE '"reason": "e.*: out of memory: 1 process killed.*, limit 16 MiB"' || fail "$(mb ps --json lim)"
}
test_an_isolated_service_has_ids_of_its_own() {
	id() { awk '{print $2}' "/proc/$(mb ps --json lim | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$1'][0])")/uid_map"; }
	svc='image bb.tar; stop_grace_period 1s;'
	echo "stack lim; service one { $svc userns isolated; volumes v:/v; } service two { $svc volumes v:/v; }
		service three { $svc userns isolated; } service four { $svc } volume v;" >i.conf
	status 0 mb up -d i.conf
	[ "$(id one)" != "$(id two)" ] && [ "$(id one)" != "$(id three)" ] && [ "$(id three)" != "$(id two)" ] || fail "a range is shared"
	eq "$(id two)" "$(id four)"
	status 0 mb exec one sh -c 'echo x >/v/f && chown 7:8 /v/f'
	eq "$(mb exec two stat -c %u:%g /v/f)" 7:8 # what a volume holds is the same for both
	was=$(id one)
	status 0 mb up -d --force-recreate i.conf
	eq "$(id one)" "$was" # remembered
	eq "$(mb run -q -f i.conf one cat /proc/self/uid_map | awk '{print $2}')" "$was"
	status 0 mb down --volumes lim
}
test_ranges_of_others_are_left_alone() {
	# the first range that there is, given to somebody; in a mount namespace, so that the host's file stays
	echo "stack lim; service one { image bb.tar; stop_grace_period 1s; }" >i.conf
	echo "somebody:1946157056:100000" >subuid
	echo "somebody:1946353664:1" >subgid
	[ -e /etc/subuid ] && [ -e /etc/subgid ] || skip "no /etc/subuid"
	unshare -m sh -c "mount --bind subuid /etc/subuid && mount --bind subgid /etc/subgid && $MINIBOX up -d i.conf >out 2>&1 &&
		$MINIBOX exec lim/one cat /proc/self/uid_map >map; $MINIBOX down lim >>out 2>&1" || fail "$(cat out)"
	n=$((($(awk '{print $2}' map) - 1946157056) / 65536))
	[ $n = 2 ] || [ $n -gt 3 ] || fail "range $n is somebody's"
}
test_a_change_is_a_reason() {
	one 'cpu_shares 600;'
	status 0 mb up -d one.conf
	one 'cpu_shares 700;'
	status 0 mb plan one.conf
	has "$OUT" 'cpu_shares: 600 → 700 (one.conf:2)'
}
test_down() { status 0 mb down --volumes; }
run_tests "$@"
