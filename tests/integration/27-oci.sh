#!/bin/bash
# needs: root. The OCI command line, on bundles made here: life, exec, hooks, limits, errors.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
mkdir -p "$W/b"
cp -a "$W/bb" "$W/b/rootfs"
oci() { "$MINIBOX" oci --root "$W/st" "$@"; }
# config PYTHON: a fresh config.json without a terminal; the program may change it as j
config() {
	rm -f "$W/b/config.json"
	oci spec --bundle "$W/b"
	W=$W /usr/bin/python3 - "$W/b/config.json" "$1" <<'P'
import json, os, sys
W = os.environ["W"]
j = json.load(open(sys.argv[1]))
j["process"]["terminal"] = False
p, l = j["process"], j["linux"]
l["cgroupsPath"] = "/minibox-it-oci/c"
exec(sys.argv[2])
json.dump(j, open(sys.argv[1], "w"))
P
}
sh_config() { S=$1 config "p['args'] = ['sh', '-c', os.environ['S']]; ${2:-pass}"; }
member() { oci state "$1" | /usr/bin/python3 -c "import json,sys; print(json.load(sys.stdin)['$2'])"; }
is() { [ "$(member "$1" status)" = "$2" ]; }

test_run_gives_the_exit_status_and_leaves_nothing() {
	sh_config 'echo "$(id -u) $(hostname) $$"; exit 7'
	status 7 oci run --bundle "$W/b" c1
	eq "$OUT" "0 minibox 1"
	status 1 oci state c1
	has "$OUT" "container 'c1' does not exist"
	[ -z "$(find /sys/fs/cgroup -path '*/minibox-it-oci/c')" ] || fail "a cgroup is left"
}

test_created_process_outlives_the_command_and_runs_no_foreign_code() {
	sh_config 'trap "exit 3" TERM; echo up >/dev/shm/up; while :; do sleep 0.1; done' 'j["annotations"] = {"a": "b"}'
	oci create --bundle "$W/b" --pid-file "$W/pid" c2 </dev/null
	eq "$(member c2 status)" created
	eq "$(member c2 pid)" "$(cat "$W/pid")"
	eq "$(member c2 annotations)" "{'a': 'b'}"
	status 1 oci create --bundle "$W/b" c2
	has "$OUT" "container 'c2' exists already"
	status 1 oci delete c2
	has "$OUT" "container 'c2' is created, not stopped"
	[ ! -e "/proc/$(cat "$W/pid")/root/dev/shm/up" ] || fail "it has run already"
	# a bundle that changes now changes nothing
	sh_config 'exit 1'
	oci start c2
	until_ok 5 is c2 running
	status 1 oci start c2
	has "$OUT" "container 'c2' is running, not created"
}

test_exec_enters_the_container() {
	status 0 oci exec c2 sh -c 'echo $(id -u) $(hostname); cat /proc/1/cmdline | tr "\0" " "'
	has "$OUT" "0 minibox"
	has "$OUT" "trap"
	status 5 oci exec --env X=5 c2 sh -c 'exit $X'
	has "$(oci exec --user 33:33 --additional-gids 44 -g 55 c2 id)" "groups=44(extra),55"
	status 1 oci exec c2 nosuch
	has "$OUT" "execute 'nosuch': No such file or directory"
	echo '{"args":["id"],"env":["PATH=/bin"],"cwd":"/tmp","user":{"uid":33,"gid":33,"additionalGids":[44]}}' >"$W/p.json"
	status 0 oci exec --process "$W/p.json" c2
	has "$OUT" "uid=33(www) gid=33(www) groups=44(extra)"
	has "$(oci ps c2)" "sleep 0.1"
}

test_exec_changes_nothing_of_the_container() {
	status 1 oci exec --cwd /tmp/nosuch c2 pwd
	has "$OUT" "working directory '/tmp/nosuch': No such file or directory"
	status 1 oci exec c2 ls /tmp/nosuch
}

test_waiting_and_running_processes_show_no_program_of_the_host_to_write() {
	oci exec --detach --pid-file "$W/pid2" c2 sleep 100
	# its own program is the container's by now; the waiting one is on a read-only mount
	eq "$(readlink "/proc/$(cat "$W/pid2")/exe")" /bin/busybox
	sh_config true
	status 1 oci create --bundle "$W/b" c3
	has "$OUT" "cgroup 'minibox-it-oci/c' is another's: there are processes in it"
	sh_config true 'l["cgroupsPath"] = "/minibox-it-oci/c3"'
	oci create --bundle "$W/b" c3 </dev/null
	/usr/bin/python3 -c "import os, sys
sys.exit(not os.statvfs('/proc/$(member c3 pid)/exe').f_flag & os.ST_RDONLY)" || fail "its mount can be written"
	oci delete --force c3
}

test_pause_resume_update() {
	oci pause c2
	eq "$(member c2 status)" paused
	status 1 oci exec c2 true
	oci resume c2
	eq "$(member c2 status)" running
	oci update --memory 67108864 --pids-limit 77 c2
	has "$(cat /sys/fs/cgroup/*/minibox-it-oci/c/pids.max /sys/fs/cgroup/minibox-it-oci/c/pids.max 2>/dev/null)" 77
	has "$(cat /sys/fs/cgroup/*/minibox-it-oci/c/memory.limit_in_bytes /sys/fs/cgroup/minibox-it-oci/c/memory.max 2>/dev/null)" 67108864
	/usr/bin/python3 -c 'import json, sys
e = json.load(sys.stdin)
assert e["type"] == "stats" and e["id"] == "c2", e
d = e["data"]
assert d["memory"]["usage"]["limit"] == 67108864 and 0 < d["memory"]["usage"]["usage"] < 67108864, e
assert d["pids"]["limit"] == 77 and 1 <= d["pids"]["current"] <= 77 and d["cpu"]["usage"]["total"] > 0, e' <<<"$(oci events --stats c2)"
	has "$(oci list)" "c2 "
	eq "$(oci list -q)" c2
}

test_kill_ends_it_and_delete_removes_it() {
	oci events --interval 100ms c2 >"$W/events" &
	until_ok 5 eval '[ "$(grep -c "\"type\":\"stats\"" "$W/events")" -ge 2 ]'
	oci kill c2 TERM
	until_ok 5 is c2 stopped
	wait # events ends with the container
	status 1 oci events c2
	status 1 oci kill c2
	has "$OUT" "container not running: 'c2' is stopped"
	oci delete c2
	status 1 oci state c2
	oci delete --force c2
}

test_limits_devices_and_rights_are_as_told() {
	sh_config 'grep -E "CapEff|CapAmb|NoNewPrivs|Seccomp:" /proc/self/status; ulimit -n; umask; echo "$A"; mkdir /dev/shm/x || true; ls -l /dev/mine; cat /proc/sys/net/ipv4/ip_default_ttl; cat /dev/mine | head -c 1 | wc -c' '
p["user"] = {"uid": 33, "gid": 33, "umask": 63}
p["env"].append("A=x y")
p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}]
for s in p["capabilities"]: p["capabilities"][s] = ["CAP_KILL"]
p["capabilities"]["inheritable"] = p["capabilities"]["ambient"] = ["CAP_KILL"]
l["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 438, "uid": 33, "gid": 44}]
l["sysctl"] = {"net.ipv4.ip_default_ttl": "77"}
l["resources"] = {"devices": [{"allow": False, "access": "rwm"}], "pids": {"limit": 20}}
l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7}]}'
	status 0 oci run --bundle "$W/b" c4
	has "$OUT" "$(printf 'CapEff:\t0000000000000020')"
	has "$OUT" "$(printf 'CapAmb:\t0000000000000020')"
	has "$OUT" "$(printf 'NoNewPrivs:\t1')"
	has "$OUT" "$(printf 'Seccomp:\t2')"
	has "$OUT" "$(printf '99\n0077\nx y')"
	has "$OUT" "Argument list too long"
	has "$OUT" "1,   5"
	has "$OUT" "$(printf '77\n1')"
}

# Docker writes every member that it has no value for.
test_limits_of_nothing_are_none() {
	sh_config 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max 2>/dev/null || cat memory.max pids.max' '
l["resources"] = {"memory": {k: 0 for k in ("limit", "swap", "reservation", "kernelTCP")}, "pids": {"limit": 0},
	"cpu": {k: 0 for k in ("shares", "quota", "period", "realtimePeriod", "realtimeRuntime")},
	"blockIO": {"weight": 0, "leafWeight": 0}, "network": {"classID": 0}}'
	status 0 oci run --bundle "$W/b" c4
	case $OUT in 9223372036854771712*max | max*max) ;; *) fail "$OUT" ;; esac
}

test_standard_descriptors_are_the_containers() {
	sh_config '[ "$(stat -L -c %d /proc/self/fd/0)" = "$(stat -c %d /dev)" ] && echo own; echo to >/dev/stderr; stat -L -c %u /proc/self/fd/2' '
p["user"] = {"uid": 33, "gid": 33}'
	status 0 oci run --bundle "$W/b" c4 </dev/null
	eq "$OUT" "$(printf 'own\nto\n33')"
	sh_config 'rm /dev/null; touch /dev/null; sleep 100'
	oci run --detach --bundle "$W/b" c4 </dev/null >/dev/null 2>&1
	until_ok 5 test -f "/proc/$(member c4 pid)/root/dev/null"
	status 1 oci exec c4 true </dev/null
	has "$OUT" "'/dev/null' in the container is another file"
	oci delete --force c4
}

# A node of kmsg where nodes can be opened, by a process with every right that it takes.
kmsg_config() { # ACCESS: what the rules allow
	sh_config 'mknod /t/k c 1 11 && echo made; (exec 3</t/k) && echo read; (exec 3>>/t/k) && echo written; exec 3<>/t/k && echo both' "
for s in p['capabilities']: p['capabilities'][s] += ['CAP_MKNOD', 'CAP_SYSLOG']
j['mounts'].append({'destination': '/t', 'type': 'tmpfs', 'source': 'tmpfs', 'options': []})
l['resources']['devices'] = [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': 'c', 'major': 2, 'access': 'rw'}]
if '$1': l['resources']['devices'] += [{'allow': True, 'type': 'c', 'major': 1, 'minor': 11, 'access': '$1'}]"
}
kmsg_words() { # WORD...: run so, the accesses that were had
	OUT=$("$@" oci --root "$W/st" run --bundle "$W/b" c4 2>/dev/null || true)
	echo "$OUT" | tr '\n' ' '
}
test_device_rules_are_kept() {
	kmsg_config ''
	eq "$(kmsg_words "$MINIBOX")" 'made '
	kmsg_config r
	eq "$(kmsg_words "$MINIBOX")" 'made read '
	kmsg_config w
	eq "$(kmsg_words "$MINIBOX")" 'made written '
	kmsg_config rw
	eq "$(kmsg_words "$MINIBOX")" 'made read written both '
}
# Hybrid, and v1 has no list: the filter is on the unified hierarchy.
test_device_rules_are_kept_without_the_list_of_v1() {
	[ ! -d /sys/fs/cgroup/devices ] || set -- unshare -m --propagation private sh -c 'umount /sys/fs/cgroup/devices && exec "$@"' sh
	kmsg_config r
	eq "$(kmsg_words "$@" "$MINIBOX")" 'made read '
	kmsg_config w
	eq "$(kmsg_words "$@" "$MINIBOX")" 'made written '
}

test_cgroups_inside_are_its_own_with_and_without_a_namespace() {
	for ns in cgroup nothing; do
		sh_config 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max; echo 1 >/sys/fs/cgroup/cgroup.procs || echo ro' "
l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'cgroup' or '$ns' == 'cgroup']
l['resources']['pids'] = {'limit': 55}"
		status 0 oci run --bundle "$W/b" c4
		has "$OUT" 55
		has "$OUT" ro
	done
	# of a hierarchy in which it has no group it would see all groups
	sh_config 'ls /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent; ls /sys/fs/cgroup/systemd' "
l['namespaces'] = [n for n in l['namespaces'] if n['type'] != 'cgroup']"
	OUT=$(oci run --bundle "$W/b" c4 2>&1 || true)
	eq "$(grep -v 'No such file' <<<"$OUT")" ''
}

test_user_namespace_and_masks() {
	sh_config 'cat /proc/self/uid_map; ls /proc/acpi; head -c1 /proc/kcore | wc -c; echo x >/proc/sys/kernel/hostname || echo no; touch /owned' '
l["namespaces"].append({"type": "user"})
l["uidMappings"] = l["gidMappings"] = [{"containerID": 0, "hostID": 300000, "size": 65536}]
j["root"]["readonly"] = False'
	chown 300000:300000 "$W/b/rootfs"
	status 0 oci run --bundle "$W/b" c5
	chown 0:0 "$W/b/rootfs"
	has "$OUT" "300000      65536"
	has "$OUT" "no"
	eq "$(stat -c %u "$W/b/rootfs/owned")" 300000
	rm "$W/b/rootfs/owned"
}

test_hooks_see_the_state_in_their_namespaces() {
	printf '#!/bin/sh\necho "$1 $(readlink /proc/self/ns/mnt) $(cat)" >>%s/hooks\n' "$W" >"$W/hook"
	chmod 755 "$W/hook"
	: >"$W/hooks"
	config "
p['args'] = ['cat', '/dev/shm/h']
j['hooks'] = {k: [{'path': W + '/hook', 'args': ['hook', k]}] for k in
	('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop')}
j['hooks']['startContainer'] = [{'path': '/bin/sh', 'args': ['sh', '-c', 'cat >/dev/shm/h']}]"
	status 0 oci run --bundle "$W/b" c6
	has "$OUT" '"status":"created","pid":1,'
	eq "$(awk '{print $1}' "$W/hooks" | tr '\n' ' ')" "prestart createRuntime createContainer poststart poststop "
	ours=$(readlink /proc/self/ns/mnt)
	eq "$(awk -v o="$ours" '$2 == o {print $1}' "$W/hooks" | tr '\n' ' ')" "prestart createRuntime poststart poststop "
	: >"$W/hooks"
	config "
p['args'] = ['true']
j['hooks'] = {k: [{'path': '/bin/false'}, {'path': W + '/hook', 'args': ['hook', k]}] for k in ('poststart', 'poststop')}"
	status 0 oci run --bundle "$W/b" c6
	eq "$(awk '{print $1}' "$W/hooks" | tr '\n' ' ')" "poststart poststop "
	has "$OUT" "warning: poststart: hook '/bin/false' ended with status 1, ignoring"
	has "$OUT" "warning: poststop: hook '/bin/false' ended with status 1, ignoring"
	config "j['hooks'] = {'createRuntime': [{'path': '/bin/false'}]}"
	status 1 oci run --bundle "$W/b" c6
	has "$OUT" "createRuntime: hook '/bin/false' ended with status 1"
	config "p['args'] = ['true']; j['hooks'] = {'prestart': [{'path': '/bin/sleep', 'args': ['sleep', '60'], 'timeout': 1}]}"
	status 1 oci run --bundle "$W/b" c6
	has "$OUT" "hook '/bin/sleep' did not end in 1 s"
	eq "$(oci list -q)" ""
}

test_a_network_of_its_own_has_its_loopback_up() {
	sh_config 'ip link show lo | grep -o LOOPBACK,UP; httpd -p 80 && wget -q -O - http://127.0.0.1/etc/passwd | head -c 4'
	status 0 oci run --bundle "$W/b" c7
	eq "$OUT" "$(printf 'LOOPBACK,UP\nroot')"
}

test_namespaces_by_path_are_joined() {
	unshare --net --uts sh -c 'ip link set lo up; hostname joined; exec sleep 300' &
	holder=$!
	until_ok 5 sh -c "[ \"\$(nsenter -t $holder -u hostname)\" = joined ]"
	sh_config 'hostname; ip link show lo' "
j.pop('hostname')
for n in l['namespaces']:
	if n['type'] in ('network', 'uts'):
		n['path'] = '/proc/$holder/ns/' + ('net' if n['type'] == 'network' else 'uts')"
	status 0 oci run --bundle "$W/b" c7
	has "$OUT" joined
	has "$OUT" "LOOPBACK,UP"
	sh_config true "l['namespaces'][0]['path'] = '/proc/$holder/ns/net'"
	status 1 oci run --bundle "$W/b" c7
	has "$OUT" "'/proc/$holder/ns/net' is not a pid namespace"
	kill $holder
}

test_terminal_goes_over_the_console_socket() {
	sh_config 'tty; test -t 0 && stty size; exit 0' 'p["terminal"] = True; p["consoleSize"] = {"height": 33, "width": 44}'
	status 1 oci create --bundle "$W/b" c8
	has "$OUT" "'process.terminal' wants --console-socket"
	/usr/bin/python3 - "$W/console" >"$W/tty" <<'P' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
c, _ = s.accept()
_, fds, _, _ = socket.recv_fds(c, 100, 1)
while True:
    try:
        data = os.read(fds[0], 1000)
    except OSError:
        break
    if not data: break
    os.write(1, data)
P
	reader=$!
	until_ok 5 test -S "$W/console"
	oci create --bundle "$W/b" --console-socket "$W/console" c8 </dev/null
	oci start c8
	wait $reader
	has "$(cat "$W/tty")" "/dev/pts/0"
	has "$(cat "$W/tty")" "33 44"
	until_ok 5 is c8 stopped
	oci delete c8
}

test_binds_have_their_options() {
	mkdir -p "$W/src"
	echo text >"$W/src/f"
	printf '#!/bin/sh\necho ran\n' >"$W/src/x"
	chmod 755 "$W/src/x"
	sh_config 'cat /mnt/f /file; echo y >/mnt/f || echo ro; /mnt/x || echo noexec; echo z >/rw/f' "
j['mounts'] += [
	{'destination': '/mnt', 'type': 'bind', 'source': W + '/src', 'options': ['rbind', 'ro', 'noexec']},
	{'destination': '/rw', 'source': W + '/src', 'options': ['bind']},
	{'destination': '/file', 'source': W + '/src/f', 'options': ['bind', 'ro']}]
j['root']['readonly'] = False"
	status 0 oci run --bundle "$W/b" c9
	has "$OUT" "$(printf 'text\ntext')"
	has "$OUT" ro
	has "$OUT" noexec
	eq "$(cat "$W/src/f")" z
}

test_binds_are_idmapped() {
	echo text >"$W/src/mine"
	chown 1000:1001 "$W/src/mine"
	sh_config 'stat -c %u:%g /mnt/mine' "
j['mounts'].append({'destination': '/mnt', 'source': W + '/src', 'options': ['bind', 'ro'],
	'uidMappings': [{'containerID': 1000, 'hostID': 3000, 'size': 1}],
	'gidMappings': [{'containerID': 1001, 'hostID': 3001, 'size': 1}]})"
	status 0 oci run --bundle "$W/b" c9
	eq "$OUT" 3000:3001
	sh_config true "j['mounts'].append({'destination': '/mnt', 'source': W + '/src', 'options': ['bind', 'idmap']})"
	status 1 oci run --bundle "$W/b" c9
	has "$OUT" "config: the mount on '/mnt' is idmapped, but there is neither a mapping of its own nor a user namespace"
}

test_a_tmpfs_starts_with_what_it_hides() {
	mkdir -p "$W/b/rootfs/full/sub"
	echo inner >"$W/b/rootfs/full/sub/f"
	ln -s sub/f "$W/b/rootfs/full/l"
	chown -h 33:44 "$W/b/rootfs/full/sub/f"
	sh_config 'cat /full/l; stat -c %u:%g /full/sub/f; rm /full/sub/f' "
j['mounts'].append({'destination': '/full', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup']})"
	status 0 oci run --bundle "$W/b" c9
	eq "$OUT" "$(printf 'inner\n33:44')"
	eq "$(cat "$W/b/rootfs/full/sub/f")" inner
}

test_links_of_the_image_lead_no_mount_into_or_out_of_proc() {
	mkdir -p "$W/b/rootfs/else"
	rm -rf "$W/b/rootfs/proc"
	ln -s /else "$W/b/rootfs/proc"
	sh_config true
	status 1 oci run --bundle "$W/b" c10
	has "$OUT" "mount '/proc': a link of the container is on the way to it"
	rm "$W/b/rootfs/proc"
	ln -s /proc/sys "$W/b/rootfs/data"
	sh_config true "j['mounts'].append({'destination': '/data/kernel', 'type': 'tmpfs'}); j['root']['readonly'] = False"
	status 1 oci run --bundle "$W/b" c10
	has "$OUT" "mount '/data/kernel': a link of the container is on the way to it"
	rm "$W/b/rootfs/data"
	sh_config true "j['mounts'].append({'destination': '/proc/self/attr', 'type': 'tmpfs'})"
	status 1 oci run --bundle "$W/b" c10
	has "$OUT" "mount '/proc/self/attr': a link"
	sh_config 'cat /proc/uptime' "j['mounts'].append({'destination': '/proc/uptime', 'source': '/dev/null', 'options': ['bind']})"
	status 0 oci run --bundle "$W/b" c10
	eq "$OUT" ""
	eq "$(oci list -q)" ""
}

test_failures_go_to_the_log_and_name_the_member() {
	sh_config true "p['cwd'] = 'relative'"
	rm -f "$W/log"
	status 1 "$MINIBOX" oci --root "$W/st" --log "$W/log" --log-format json create --bundle "$W/b" c11
	has "$OUT" "config: 'process.cwd' is not absolute: relative"
	eq "$(/usr/bin/python3 -c "import json; j = json.loads(open('$W/log').read()); print(j['level'], j['msg'])")" \
		"error config: 'process.cwd' is not absolute: relative"
	rm -f "$W/log"
	config "p['args'] = ['nosuch']"
	status 1 "$MINIBOX" oci --root "$W/st" --log "$W/log" create --bundle "$W/b" c11
	has "$(cat "$W/log")" "level=error msg=\"create container: execute 'nosuch': no such file or directory\""
	eq "$(oci list -q)" ""
}

test_apparmor_profile_is_applied_or_an_error() {
	why="AppArmor profile 'nosuch': this host has no AppArmor"
	[ ! -e /sys/module/apparmor ] || why="AppArmor profile 'nosuch' is not loaded"
	sh_config 'echo ran' 'p["apparmorProfile"] = "nosuch"'
	status 1 oci run --bundle "$W/b" c8
	has "$OUT" "$why"
	sh_config 'echo ran' 'p["apparmorProfile"] = "unconfined"'
	status 0 oci run --bundle "$W/b" c8
	eq "$OUT" ran
}

# A pod's group has its limits while no container is in it, too.
test_groups_of_a_caller_stay_and_ours_go() {
	[ -d /sys/fs/cgroup/pids/minibox-it-oci ] || [ -d /sys/fs/cgroup/minibox-it-oci ]
	find /sys/fs/cgroup -depth -type d -path '*/minibox-it-oci' -exec rmdir {} +
	sh_config 'grep -o "minibox-oci/[^/]*$" /proc/self/cgroup' 'l.pop("cgroupsPath"); l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "cgroup"]'
	status 0 oci run --bundle "$W/b" "c12-$$"
	has "$OUT" "minibox-oci/c12-$$"
	[ -z "$(find /sys/fs/cgroup -name "c12-$$")" ] || fail "a cgroup is left"
	sh_config 'cut -d: -f3 /proc/self/cgroup' 'l["cgroupsPath"] = "minibox-itx.slice:p:c"; l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "cgroup"]'
	rm -f "$W/log"
	status 0 "$MINIBOX" oci --root "$W/st" --log "$W/log" --systemd-cgroup run --bundle "$W/b" c12
	has "$OUT" "/minibox.slice/minibox-itx.slice/p-c.scope"
	has "$(cat "$W/log")" "level=warning msg=\"systemd-cgroup: minibox makes the groups itself"
	find /sys/fs/cgroup -depth -type d -path '*/minibox.slice*' -exec rmdir {} +
}

test_features_and_the_other_name() {
	ln -s "$MINIBOX" "$W/minibox-oci"
	has "$("$W/minibox-oci" features)" '"SCMP_ACT_ERRNO"'
	has "$("$W/minibox-oci" --version)" "spec: 1.2.0"
	status 1 "$W/minibox-oci" nosuch
	has "$OUT" "unknown command 'nosuch'"
}

run_tests "$@"
