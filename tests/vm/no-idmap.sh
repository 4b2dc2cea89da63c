#!/bin/bash
# needs: root, a /var/tmp that this kernel cannot idmap (a tmpfs before Linux 6.3): runs in the machine of
# vm.sh. The fall-back is not forced here: the kernel refuses.
TMPDIR=/var/tmp
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cat >"$W/stack.conf" <<'EOC'
stack bare;
service db  { image bb.tar; volumes data:/data; stop_grace_period 1s; }
service web { image bb.tar; depends_on db; command httpd -f -p 80 -h /etc; ports 18300:80; stop_grace_period 1s; }
volume data;
EOC
cd "$W" || exit 1
pids() { mb ps --json | grep -o '"pid": [0-9]*' | grep -o '[0-9]*'; }

test_up_works_with_a_warning_a_service() {
	status 0 mb up -d
	eq "$(echo "$OUT" | grep -c 'warning')" 2
	has "$OUT" "service 'db': the image store cannot be idmapped"
	has "$OUT" "service 'web': the image store cannot be idmapped"
	has "$(curl -sS --max-time 20 http://127.0.0.1:18300/passwd)" www
}
test_root_inside_is_the_hosts_with_few_rights() {
	eq "$(pids | wc -l)" 2
	for p in $(pids); do
		eq "$(awk '/^Uid:/ {print $2}' "/proc/$p/status")" 0
		eq "$(readlink "/proc/$p/ns/user")" "$(readlink /proc/self/ns/user)"
		eq $((0x$(awk '/^CapBnd:/ {print $2}' "/proc/$p/status") & ~0xa80425fb)) 0
	done
	! mb exec db mknod /dev/sda b 8 0 || fail "mknod"
	! mb exec db mount -t tmpfs none /mnt || fail "mount"
}
test_volumes_and_the_root_are_written() {
	eq "$(mb exec db sh -c 'echo x >/new; echo y >/data/y; cat /new /data/y' | tr '\n' ' ')" 'x y '
	status 0 mb restart db
	eq "$(mb exec db cat /new /data/y | tr '\n' ' ')" 'x y '
}
test_userns_required_is_an_error() {
	status 0 mb down --volumes
	sed -i 's/image bb.tar;/image bb.tar; userns required;/' stack.conf
	status 1 mb up -d
	has "$OUT" "service 'db'"
	has "$OUT" "'userns required'"
	has "$OUT" "cannot be idmapped"
	status 0 mb down --volumes
	eq "$(mb ps -a --json)" '[]'
}
run_tests "$@"
