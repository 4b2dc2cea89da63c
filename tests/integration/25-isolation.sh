#!/bin/bash
# needs: root. What a default service is shut into, seen from inside and from the host.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cat >"$W/stack.conf" <<'EOF'
stack cage;
service root {
    image bb.tar;
    command sleep 1000;
    mem_limit 48m;
    cpus 0.5;
    pids_limit 50;
    stop_grace_period 1s;
}
service www { image bb.tar; user www; command httpd -f -p 80 -h /etc; stop_grace_period 1s; }
service ro { image bb.tar; read_only on; tmpfs /tmp; command sleep 1000; stop_grace_period 1s; }
service host { image bb.tar; userns host; command sleep 1000; stop_grace_period 1s; }
EOF
cd "$W" || exit 1
pid() { mb ps --json | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }

test_up() { status 0 mb up -d; }
test_root_inside_is_nobody_on_the_host() {
	p=$(pid root)
	uid=$(awk '/^Uid:/ {print $2}' "/proc/$p/status")
	[ "$uid" -ge 1946157056 ] || fail "uid of root inside is $uid on the host"
	eq "$(mb exec root id -u)" 0
	eq "$(awk '{print $1, $3}' "/proc/$p/uid_map")" "0 65536"
	eq "$(mb ps --json | grep -c '"userns": true')" 3
}
test_userns_host_is_an_option() {
	p=$(pid host)
	eq "$(awk '/^Uid:/ {print $2}' "/proc/$p/status")" 0
}
test_every_namespace_is_its_own() {
	p=$(pid root)
	for ns in user pid mnt net uts ipc cgroup; do
		[ "$(readlink "/proc/$p/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || fail "$ns namespace is the host's"
	done
}
test_pid_1_is_the_init_and_sees_only_its_own() {
	eq "$(mb exec root cat /proc/1/comm)" minibox-init
	[ "$(mb exec root ps | wc -l)" -le 5 ] || fail "foreign processes are seen"
}
test_non_root_binds_port_80() {
	until_ok 5 mb exec root wget -q -O - http://www/passwd
	eq "$(mb exec www id -u)" 33
}
test_capabilities_are_few_and_no_new_ones_come() {
	eff=$(mb exec root grep CapEff /proc/self/status | awk '{print $2}')
	bnd=$(mb exec root grep CapBnd /proc/self/status | awk '{print $2}')
	docker=00000000a80425fb
	eq $((0x$eff & ~0x$docker)) 0
	eq $((0x$bnd & ~0x$docker)) 0
	eq "$(mb exec www grep CapEff /proc/self/status | awk '{print $2}')" 0000000000000000
	eq "$(mb exec root grep NoNewPrivs /proc/self/status | awk '{print $2}')" 1
	eq "$(mb exec root grep '^Seccomp:' /proc/self/status | awk '{print $2}')" 2
	p=$(pid root) # and the service itself, not only what exec starts
	eq "$(awk '/^Seccomp:/ {print $2}' "/proc/$p/status")" 2
	eq $((0x$(awk '/^CapBnd:/ {print $2}' "/proc/$p/status") & ~0x$docker)) 0
}
test_privileged_operations_are_refused() {
	! mb exec root mount -t tmpfs none /tmp || fail "mount"
	! mb exec root unshare -m true || fail "unshare"
	! mb exec root mknod /tmp/sda b 8 0 || fail "mknod"
	! mb exec root sh -c 'echo 1 >/proc/sys/kernel/panic' || fail "kernel sysctl"
	! mb exec root sh -c 'echo b >/proc/sysrq-trigger' || fail "sysrq"
	! mb exec root hostname other || fail "hostname"
	! mb exec root dmesg || fail "dmesg"
	[ -z "$(mb exec root cat /proc/kcore 2>/dev/null | head -c 1)" ] || fail "kcore"
	[ -z "$(mb exec root ls /sys/firmware 2>/dev/null)" ] || fail "firmware"
	! mb exec root sh -c 'echo x >/sys/kernel/mm/ksm/run' || fail "sysfs is writable"
}
test_dev_is_minimal_and_works() {
	eq "$(mb exec root sh -c 'echo x >/dev/null; head -c 4 /dev/zero | wc -c')" 4
	eq "$(mb exec www sh -c 'head -c 4 /dev/urandom | wc -c')" 4
	[ ! -e /dev/vda ] || eq "$(mb exec root sh -c 'ls /dev/vda 2>/dev/null')" ""
	has "$(mb exec root mount)" "/dev/shm"
	eq "$(mb exec root df -k /dev/shm | awk 'NR == 2 {print $2}')" 65536
}
test_the_default_environment() {
	eq "$(mb exec root sh -c 'umask')" 0022
	eq "$(mb exec root sh -c 'ulimit -c')" 0
	eq "$(mb exec www sh -c 'echo $HOME')" /var/www
	has "$(mb exec root sh -c 'echo $PATH')" /usr/local/sbin
	eq "$(mb exec root cat /etc/hostname)" root
	has "$(mb exec root cat /etc/hosts)" 'localhost'
	hasnt "$(mb exec root cat /etc/resolv.conf)" 127.0.0
	eq "$(mb exec root cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 0
	eq "$(awk '/^SigBlk|^SigIgn/ {print $2}' "/proc/$(pid www)/task/"*/children 2>/dev/null)" ""
	eq "$(mb exec www grep SigIgn /proc/self/status | awk '{print $2}')" 0000000000000000
}
test_no_descriptor_leaks_in() {
	# PID 1 keeps one more: where it writes how the main process ended
	eq "$(mb exec root sh -c 'ls /proc/1/fd | tr "\n" " "')" '0 1 2 4 '
	eq "$(mb exec root sh -c 'ls /proc/2/fd | tr "\n" " "')" '0 1 2 '
	! mb exec root sh -c 'echo 0 >/proc/1/fd/4' 2>/dev/null || fail "the exit status can be forged"
	eq "$(mb exec root ls /proc/self/fd | tr '\n' ' ')" '0 1 2 3 '
}
test_limits_take_effect_and_are_read_back() {
	if [ -d /sys/fs/cgroup/memory ]; then
		g=$(find /sys/fs/cgroup/memory -maxdepth 3 -type d -path "*minibox-*/cage/root")
		eq "$(cat "$g/memory.limit_in_bytes")" $((48 << 20))
		eq "$(cat "${g/memory/pids}/pids.max")" 50
		c=${g/memory/cpu}
		eq $(($(cat "$c/cpu.cfs_quota_us") * 2)) "$(cat "$c/cpu.cfs_period_us")"
	else
		g=$(find /sys/fs/cgroup -maxdepth 3 -type d -path "*minibox-*/cage/root")
		eq "$(cat "$g/memory.max")" $((48 << 20))
		eq "$(cat "$g/pids.max")" 50
		eq "$(cat "$g/cpu.max")" "50000 100000"
	fi
	# tail is killed before it has kept all that
	eq "$(mb exec root sh -c 'dd if=/dev/zero bs=1M count=200 2>/dev/null | tail -c 190000000 | wc -c')" 0
	! mb exec root sh -c 'for i in $(seq 80); do sleep 1 & done' 2>/dev/null || fail "80 processes under a limit of 50"
	sleep 1.5
}
test_root_file_system_is_writable_or_not_as_asked() {
	status 0 mb exec root sh -c 'echo x >/new && cat /new'
	status 1 mb exec ro sh -c 'echo x >/new'
	status 0 mb exec ro sh -c 'echo x >/tmp/new'
}
test_cgroup_path_of_the_host_does_not_show() {
	hasnt "$(mb exec root cat /proc/self/cgroup)" cage
}
test_setuid_programs_give_nothing() {
	status 0 mb exec root sh -c 'cp /bin/busybox /tmp/busybox && chmod 4755 /tmp/busybox'
	eq "$(mb exec -u www root /tmp/busybox id -u)" 33
}
test_entry_points_that_change_the_user() {
	# gosu is static; setpriv comes with the libraries it wants
	libs=(); for l in $(ldd /usr/bin/setpriv | grep -o '/[^ ]*'); do libs+=(--binary "$l=$(readlink -f "$l")"); done
	/usr/bin/python3 "$TOP/tests/lib/mkimage.py" entry.tar --name entry:1 --layer bb --binary /bin/gosu=/usr/sbin/gosu \
		--binary /bin/setpriv=/usr/bin/setpriv "${libs[@]}"
	cat >entry.conf <<-'EOF'
	stack entry;
	service gosu { image entry.tar; entrypoint gosu www; command id; }
	service setpriv { image entry.tar; entrypoint setpriv --reuid=33 --regid=33 --init-groups; command id; }
	EOF
	for s in gosu setpriv; do
		status 0 mb run -q -f entry.conf $s
		has "$OUT" 'uid=33(www) gid=33(www)'
		has "$OUT" '44(extra)'
	done
}
test_rights_are_as_the_file_says() {
	cat >rights.conf <<-'EOF'
	stack rights;
	service a { image bb.tar; stop_grace_period 1s; shm_size 2m; ulimits nofile=100:200 core=0; sysctls net.ipv4.tcp_keepalive_time=77;
		cap_drop ALL; cap_add CHOWN; tmpfs /scratch:size=1m; volumes data:/data; }
	service user { image bb.tar; stop_grace_period 1s; user www; cap_add NET_ADMIN; }
	service all { image bb.tar; stop_grace_period 1s; privileged on; }
	service term { image bb.tar; stop_grace_period 1s; user www; tty on; command sh -c "echo ctl >/dev/tty; echo con >/dev/console; sleep 1000"; }
	volume data;
	EOF
	status 0 mb up -d rights.conf
	eq "$(mb exec rights/a sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/sys/net/ipv4/tcp_keepalive_time; df -k /dev/shm | awk "END{print \$2}"' | tr '\n' ' ')" '100 200 0 77 2048 '
	for p in self 1; do eq "$(mb exec rights/a grep CapEff /proc/$p/status | awk '{print $2}')" 0000000000000001; done
	# what Docker has these on, but for our root, which has nodev, too
	eq "$(mb exec rights/a awk '$2 ~ "^/(|proc|sys|dev/shm|dev/mqueue|scratch|data|etc/hosts)$" {
		f = ""; n = split("nosuid nodev noexec", w, " ")
		for (i = 1; i <= n; i++) if (("," $4 ",") ~ ("," w[i] ",")) f = f substr(w[i], 3, 1)
		print $2 "=" f}' /proc/mounts | sort | tr '\n' ' ')" \
		'/=d /data=sd /dev/mqueue=sde /dev/shm=sde /etc/hosts=sd /proc=sde /scratch=sde /sys=sde '
	# a user who is not root has what was asked for, and whatever exec starts as that user
	for p in self 1 2; do eq "$(mb exec rights/user grep CapEff /proc/$p/status | awk '{print $2}')" 0000000000001000; done
	status 0 mb exec rights/user ip link set lo mtu 1400
	! mb exec rights/user sh -c 'echo x >>/etc/passwd' || fail "root's file was written to"
	# all rights, but of the service's own user namespace
	eq "$(mb exec rights/all grep -E 'CapEff|Seccomp:' /proc/self/status | awk '{print $2}' | tr '\n' ' ')" '000001ffffffffff 0 '
	status 0 mb exec rights/all mount -t tmpfs none /tmp
	status 0 mb exec rights/all sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	! mb exec rights/all sh -c 'echo 1 >/proc/sys/kernel/panic' || fail "kernel sysctl"
	# a session of its own, whose terminal it is
	until_ok 10 sh -c "$MINIBOX logs rights/term | grep -q con"
	has "$(mb logs rights/term)" ctl
	eq "$(mb exec rights/term awk '{print $1 == $6, ($7 != 0)}' /proc/2/stat)" '1 1'
	eq "$(mb exec rights/term stat -c '%U %a' /dev/console)" 'www 620'
	# queues of messages belong to whoever makes them, their directory to root
	eq "$(mb exec -u www rights/a sh -c 'touch /dev/mqueue/q; stat -c %u:%g /dev/mqueue/q /dev/mqueue' | tr '\n' ' ')" '33:33 0:0 '
	status 0 mb down --volumes rights
}
test_apparmor_profiles_are_never_left_out() {
	why="AppArmor profile 'nosuch': this host has no AppArmor"
	[ ! -e /sys/module/apparmor ] || why="AppArmor profile 'nosuch' is not loaded"
	printf 'stack aa;\nservice a { image bb.tar; security_opt apparmor=%s; stop_grace_period 1s; }\n' nosuch >aa.conf
	status 1 mb up -d aa.conf
	has "$OUT" "service 'a': $why"
	hasnt "$(mb ps -a --json)" '"aa"'
	status 125 mb run -q -f aa.conf a true
	has "$OUT" "$why"
	# without a profile is what anybody can have
	sed -i 's/nosuch/unconfined/' aa.conf
	status 0 mb run -q --rm -f aa.conf a true
}
test_down() { status 0 mb down --volumes; }
run_tests "$@"
