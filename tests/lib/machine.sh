# machine.sh - scripts of it.sh's kind run in a machine of tests/vm; sourced after it.sh.
# Their results count as ours.

# in_machine OUT SCRIPT...: one machine, the scripts one after the other. MACHINE_ENV: NAME=VALUE... in it
MACHINE_ENV=()
in_machine() {
	local out=$1; shift
	VM_TIMEOUT=1300 TMPDIR=$W tests/vm/vm.sh env "${MACHINE_ENV[@]}" bash -c '
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
# came_to_its_end SCRIPT OUT...: its own failures are told already
came_to_its_end() {
	local t; t=$(basename "$1" .sh); shift
	if grep -q "^not ok [0-9]* - $t " "$@"; then return; fi
	grep -qhx "status 0 $t" "$@" || fail "$t: $(tail -n 20 "$@")"
	has "$(cat "$@")" "- $t leaves the host as it was"
}
no_machine_is_left() {
	eq "$(ls -d "$W"/minibox-vm.* 2>/dev/null)" ''
	! pgrep -f "path=$W/minibox-vm" || fail "a machine is left"
}
