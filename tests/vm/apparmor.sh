#!/bin/bash
# needs: root, AppArmor in the kernel with no profile loaded, apparmor_parser: runs in the machine of vm.sh.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
DEFAULT=$TOP/runtime/container/apparmor/minibox-default
cat >"$W/mine" <<'EOC'
profile mine { file, capability, network, signal, deny /etc/group r, }
EOC
cat >"$W/stack.conf" <<'EOC'
stack aa;
service plain { image bb.tar; stop_grace_period 1s; restart always;
    healthcheck { test shell "cat /proc/self/attr/apparmor/current >/tmp/probe"; } }
service host { image bb.tar; userns host; init off; stop_grace_period 1s; }
service www { image bb.tar; user www; stop_grace_period 1s; }
service admin { image bb.tar; cap_add SYS_ADMIN; stop_grace_period 1s; }
service free { image bb.tar; cap_add SYS_ADMIN; security_opt apparmor=unconfined; stop_grace_period 1s; }
service all { image bb.tar; privileged on; stop_grace_period 1s; }
service own { image bb.tar; security_opt apparmor=mine; stop_grace_period 1s; }
EOC
cd "$W" || exit 1
pid() { mb ps --json | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }
profile_of() { tr -d '\0' <"/proc/$1/attr/apparmor/current"; } # as the host sees it
inside() { mb exec "$1" cat /proc/self/attr/apparmor/current; }
oci() { "$MINIBOX" oci --root "$W/st" "$@"; }
CONFINED='minibox-default (enforce)'

test_without_the_profile_services_run_unconfined() {
	eq "$(cat /sys/module/apparmor/parameters/enabled)" Y
	status 0 mb up -d stack.conf plain
	eq "$(profile_of "$(pid plain)") $(inside plain)" 'unconfined unconfined'
	status 0 mb down
}
test_a_profile_that_is_not_loaded_is_an_error_before_anything_is_made() {
	status 1 mb up -d
	has "$OUT" "service 'own': AppArmor profile 'mine' is not loaded"
	eq "$(mb ps -a --json)" '[]'
	status 125 mb run --rm stack.conf/own true
	has "$OUT" "AppArmor profile 'mine' is not loaded"
}
test_the_profiles_are_loaded() {
	apparmor_parser -rK "$DEFAULT" "$W/mine"
	status 0 mb up -d
}
test_each_service_has_the_profile_it_is_to_have() {
	for s in plain host www admin; do
		eq "$s $(profile_of "$(pid $s)")" "$s $CONFINED"
		eq "$s $(inside $s)" "$s $CONFINED"
	done
	eq "$(profile_of "$(pgrep -P "$(pid plain)")")" "$CONFINED" # minibox-init's child
	for s in free all; do
		eq "$s $(profile_of "$(pid $s)") $(inside $s)" "$s unconfined unconfined"
	done
	eq "$(profile_of "$(pid own)") $(inside own)" 'mine (enforce) mine (enforce)'
}
test_checks_and_one_off_commands_are_confined_too() {
	until_ok 20 mb exec plain test -s /tmp/probe
	eq "$(mb exec plain cat /tmp/probe)" "$CONFINED"
	eq "$(mb run --rm stack.conf/plain cat /proc/self/attr/apparmor/current)" "$CONFINED"
}
test_no_new_privs_and_user_namespaces_go_with_it() {
	eq "$(mb exec admin grep NoNewPrivs /proc/self/status | awk '{print $2}')" 1
	[ "$(readlink "/proc/$(pid admin)/ns/user")" != "$(readlink /proc/self/ns/user)" ]
	eq "$(readlink "/proc/$(pid host)/ns/user")" "$(readlink /proc/self/ns/user)"
}
test_what_the_profile_alone_denies_is_denied() {
	# the right to mount is there in both, in their own namespaces
	status 255 mb exec admin mount -t tmpfs none /tmp
	has "$OUT" 'ermission denied'
	status 1 mb exec admin umount /dev/shm
	has "$OUT" 'ermission denied'
	mb exec free mount -t tmpfs none /tmp
	mb exec free umount /dev/shm
	status 1 mb exec own cat /etc/group
	has "$OUT" 'ermission denied'
	has "$(mb exec plain cat /etc/group)" www
}
test_a_service_still_does_its_work() {
	mb exec plain sh -c 'echo x >/tmp/x && chmod 600 /tmp/x && ln /tmp/x /tmp/y && sleep 100 & kill $!; echo 5 >/proc/self/oom_score_adj'
	until_ok 10 mb exec plain ping -c 1 www
	kill -9 "$(pid plain)"
	until_ok 20 mb exec plain true
	eq "$(profile_of "$(pid plain)")" "$CONFINED" # started again by the supervisor
}
test_oci_takes_the_profile_with_the_program_and_not_with_the_hooks() {
	mkdir -p b && cp -a bb b/rootfs
	oci spec --bundle b
	# no procfs inside: the image's own file must not take the word (CVE-2019-16884)
	mkdir -p b/rootfs/proc/self/attr/apparmor
	touch b/rootfs/proc/self/attr/apparmor/exec
	printf '#!/bin/sh\ncat >/dev/null; cat /proc/self/attr/apparmor/current >%s/hook\n' "$W" >hook.sh
	chmod 755 hook.sh
	W=$W /usr/bin/python3 - b/config.json <<'P'
import json, os, sys
j = json.load(open(sys.argv[1]))
j["process"].update(terminal=False, args=["sleep", "1000"], apparmorProfile="minibox-default")
j["mounts"] = [m for m in j["mounts"] if m["destination"] != "/proc"]
j["linux"].update(cgroupsPath="/minibox-it-aa", maskedPaths=[], readonlyPaths=[])
j["hooks"] = {"createContainer": [{"path": os.environ["W"] + "/hook.sh"}]}
json.dump(j, open(sys.argv[1], "w"))
P
	oci create --bundle b --pid-file pid c1 </dev/null
	oci start c1
	until_ok 10 sh -c "tr -d '\0' </proc/$(cat pid)/cmdline | grep -q sleep"
	eq "$(profile_of "$(cat pid)")" "$CONFINED"
	eq "$(cat hook)" unconfined
	eq "$(cat b/rootfs/proc/self/attr/apparmor/exec)" ''
	oci exec --detach --pid-file pid2 c1 sleep 1000
	until_ok 10 sh -c "tr -d '\0' </proc/$(cat pid2)/cmdline | grep -q sleep"
	eq "$(profile_of "$(cat pid2)")" "$CONFINED"
	oci delete --force c1
	sed -i 's/minibox-default/nothing/' b/config.json
	status 1 oci run --bundle b c2
	has "$OUT" "AppArmor profile 'nothing' is not loaded"
}
test_down_and_unloaded() {
	status 0 mb down
	apparmor_parser -R "$DEFAULT" "$W/mine"
}
run_tests "$@"
