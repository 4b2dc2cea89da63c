#!/bin/bash
# needs: root, qemu. The same scripts on the second kind of machine: Linux 6.1, cgroup v2 (tests/vm).
#
# Two machines at once, each with its scripts one after the other; their results are ours.
. "$(dirname "$0")/../lib/it.sh"
. "$TOP/tests/lib/machine.sh"
FIRST=(tests/integration/20-up.sh tests/integration/50-supervisor.sh tests/integration/26-attacks.sh)
SECOND=(tests/integration/25-isolation.sh tests/integration/27-oci.sh tests/integration/28-limits.sh tests/integration/40-volumes.sh tests/integration/41-keep.sh tests/integration/52-watch.sh tests/vm/no-idmap.sh)

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
		came_to_its_end "$t" "$W/first" "$W/second"
	done
}
test_user_namespaces_were_on_where_they_can_be() {
	grep -qE '^ok [0-9]+ - 25-isolation root_inside_is_nobody_on_the_host$' "$W/second"
	grep -qE '^ok [0-9]+ - no-idmap root_inside_is_the_hosts_with_few_rights$' "$W/second"
}
test_the_machines_left_nothing() { no_machine_is_left; }
run_tests "$@"
