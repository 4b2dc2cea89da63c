#!/bin/bash
# needs: root, qemu, the Debian archive. The guestbook in a machine of 512 MiB: Linux 6.1, cgroup v2,
# AppArmor.
. "$(dirname "$0")/../lib/it.sh"
. "$TOP/tests/lib/machine.sh"
SCRIPTS=(tests/vm/apparmor.sh tests/vm/small.sh)
EXAMPLE=$TOP/examples/django

# A release of the web image: one more layer, so that nothing has to be built in a copy of the example.
make_release() {
	local layers=() l
	for l in base web app; do layers+=(--layer "$EXAMPLE/build/$l.tar.gz"); done
	mkdir -p "$W/release/srv/static" &&
		echo 'the new release' >"$W/release/srv/static/release.txt" &&
		"$EXAMPLE/ociwrite.py" layer "$W/release" "$W/release.tar.gz" &&
		"$EXAMPLE/ociwrite.py" image --format oci --name web:latest --config "$EXAMPLE/recipes/web.json" \
			"${layers[@]}" --layer "$W/release.tar.gz" "$W/release.tar"
}

if ! WHY=$(tests/vm/vm.sh --check); then
	test_the_guestbook_in_a_small_machine() { skip "$WHY"; }
	run_tests "$@"
	exit
fi
{ "$EXAMPLE/build-images.sh" "$EXAMPLE/images" && make_release; } >"$W/made" 2>&1
MADE=$?
export VM_MEMORY=512
MACHINE_ENV=("RELEASE=$W/release.tar")
[ $MADE -ne 0 ] || in_machine "$W/out" "${SCRIPTS[@]}"
[ $MADE -ne 0 ] || relay "$W/out"

test_the_images_were_made() { [ $MADE -eq 0 ] || fail "$(tail -n 5 "$W/made")"; }
test_the_machine_is_of_the_second_kind() {
	eq "$(sed -n 's/^machine //p' "$W/out" | sed 's/^\(6\.1\)\.[^ ]*/\1/')" '6.1 cgroup2fs ext2/ext3'
}
test_every_script_came_to_its_end() {
	for t in "${SCRIPTS[@]}"; do came_to_its_end "$t" "$W/out"; done
}
test_the_machine_left_nothing() { no_machine_is_left; }
run_tests "$@"
