#!/bin/bash
# needs: root, qemu, the Debian archive. A stack as a systemd unit, with systemd as first process and through a reboot.
#
# The results of the two boots (tests/vm/systemd.sh) are ours.
. "$(dirname "$0")/../lib/it.sh"

boot() { # WHICH
	VM_STORE=$W/store VM_TIMEOUT=720 TMPDIR=$W tests/vm/vm.sh --systemd \
		bash tests/vm/systemd.sh "$1" >"$W/$1" 2>&1
	echo "status $?" >>"$W/$1"
}
relay() { # WHICH: each result counts as one of ours
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*) COUNT=$((COUNT + 1)); echo "ok $COUNT - $1-boot ${line#*- }" ;;
		"not ok "*)
			COUNT=$((COUNT + 1)); FAILED=$((FAILED + 1))
			echo "not ok $COUNT - $1-boot ${line#*- }" ;;
		"#"*) echo "$line" ;;
		esac
	done <"$W/$1"
}

if ! WHY=$(tests/vm/vm.sh --systemd --check); then
	test_a_stack_as_a_unit() { skip "$WHY"; }
	run_tests "$@"
	exit
fi
EXAMPLE=$TOP/examples/django
"$EXAMPLE/build-images.sh" "$EXAMPLE/images" >"$W/made" 2>&1 # its postgres is one of the services
MADE=$?
boot first
boot second
relay first
relay second

test_the_images_were_made() { [ $MADE -eq 0 ] || fail "$(tail -n 5 "$W/made")"; }
test_both_boots_came_to_their_end() {
	for t in first second; do
		if grep -q '^not ok' "$W/$t"; then continue; fi # told already
		eq "$(tail -n 1 "$W/$t")" 'status 0' || { tail -n 30 "$W/$t"; false; }
	done
}
run_tests "$@"
