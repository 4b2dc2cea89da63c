#!/bin/bash
# needs: root, qemu. The same scripts on the second kind of machine: Linux 6.1, cgroup v2 (tests/vm).
#
# Two machines at once, each with its scripts one after the other; their results are ours.
. "$(dirname "$0")/../lib/it.sh"
FIRST=(tests/integration/20-up.sh tests/integration/50-supervisor.sh tests/integration/26-attacks.sh)
SECOND=(tests/integration/25-isolation.sh tests/integration/27-oci.sh tests/integration/28-limits.sh tests/integration/40-volumes.sh tests/integration/52-watch.sh tests/vm/no-idmap.sh)

in_machine() { # OUT SCRIPT...
	local out=$1; shift
	VM_TIMEOUT=1300 TMPDIR=$W tests/vm/vm.sh bash -c '
		echo "machine $(uname -r) $(stat -f -c %T /sys/fs/cgroup) $(stat -f -c %T "$TMPDIR")"
		for t; do
			st=0; timeout 600 bash "$t" || st=$?
			echo "status $st $(basename "$t" .sh)"
		done' sh "$@" >"$out" 2>&1
}
relay() { # OUT: each result counts as one of ours
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*) COUNT=$((COUNT + 1)); echo "ok $COUNT - vm-v2-6.1 ${line#*- }" ;;
		"not ok "*)
			COUNT=$((COUNT + 1)); FAILED=$((FAILED + 1))
			echo "not ok $COUNT - vm-v2-6.1 ${line#*- }" ;;
		"#"*) echo "$line" ;;
		esac
	done <"$1"
}

if ! WHY=$(tests/vm/vm.sh --check); then
	test_the_scripts_in_another_machine() { skip "$WHY"; }
	run_tests "$@"
	exit
fi
in_machine "$W/first" "${FIRST[@]}" & first=$!
in_machine "$W/second" "${SECOND[@]}"
wait $first
relay "$W/first"
relay "$W/second"

test_the_machines_are_of_the_second_kind() {
	eq "$(grep -h '^machine ' "$W/first" "$W/second" | cut -d. -f1,2 | uniq)" 'machine 6.1'
	eq "$(grep -c '^machine .* cgroup2fs ext2/ext3$' "$W/first" "$W/second" | cut -d: -f2 | tr '\n' ' ')" '1 1 '
}
test_every_script_came_to_its_end() {
	for t in "${FIRST[@]}" "${SECOND[@]}"; do
		t=$(basename "$t" .sh)
		if grep -q "^not ok [0-9]* - $t " "$W/first" "$W/second"; then continue; fi # told already
		grep -qhx "status 0 $t" "$W/first" "$W/second" || fail "$t: $(tail -n 20 "$W/first" "$W/second")"
		has "$(cat "$W/first" "$W/second")" "- $t leaves the host as it was"
	done
}
test_user_namespaces_were_on_where_they_can_be() {
	grep -qE '^ok [0-9]+ - 25-isolation root_inside_is_nobody_on_the_host$' "$W/second"
	grep -qE '^ok [0-9]+ - no-idmap root_inside_is_the_hosts_with_few_rights$' "$W/second"
}
test_the_machines_left_nothing() {
	eq "$(ls -d "$W"/minibox-vm.* 2>/dev/null)" ''
	! pgrep -f "path=$W/minibox-vm" || fail "a machine is left"
}
run_tests "$@"
