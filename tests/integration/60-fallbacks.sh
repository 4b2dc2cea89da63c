#!/bin/bash
# needs: root. Every fall-back is forced and every crash is made, and each is looked at.
#
# In a network and a mount namespace of its own: it stands in for a reboot and a crash, of which
# other stacks of the host must feel nothing, and what it finds left there is its own.
[ -n "${IT_OWN_NETWORK:-}" ] || IT_OWN_NETWORK=1 exec unshare -n -m bash "$0" "$@"
ip link set lo up
echo 0 >/proc/sys/net/ipv4/ip_forward
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --volume /anon --cmd sleep 1000
cat >"$W/stack.conf" <<'EOF'
stack fall;
service db  { image bb.tar; volumes data:/data; stop_grace_period 1s; }
service web { image bb.tar; depends_on db; ports 18250:80; command httpd -f -p 80 -h /; volumes st:/st; stop_grace_period 1s; }
volume data;
volume st { from db:/var/www; }
EOF
cd "$W" || exit 1
pid_of() { mb ps --json "$1" | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$2'][0])"; }
uid_of() { awk '/^Uid:/ {print $2}' "/proc/$(pid_of "$1" "$2")/status"; }
# What a stack leaves, but for the kinds that other stacks of the host have too: those have our id.
leftovers() {
	ls -d "$MINIBOX_RUN" 2>/dev/null || true
	awk -v run="$MINIBOX_RUN" 'index($5, run) == 1 {print "mount", $5}' /proc/self/mountinfo
	find /sys/fs/cgroup -maxdepth 2 -name "$(cat "$W/id")"
	nft list tables
	ip -o link | grep -v ' lo:' || true
	grep -v 0 /proc/sys/net/ipv4/ip_forward || true
	pgrep -af "supervisor $MINIBOX_RUN" || true
	find "$MINIBOX_ROOT/containers" -mindepth 1
}
nothing_is_left() { eq "$(leftovers)" ''; }
nap() { sleep "$(printf 0.%03d $((RANDOM % $1 + 1)))"; } # at most $1 ms
unmount_all() { for m in ram over; do umount -l "$W/$m" 2>/dev/null || true; done; }
trap unmount_all EXIT

test_layers_by_path_as_before_linux_6_13() {
	MINIBOX_LAYERS_BY_PATH=1 status 0 mb up -d
	[ "$(uid_of fall db)" -ge 1946157056 ]
	grep -o 'minibox-[0-9a-f]*' "/proc/$(pid_of fall db)/cgroup" | head -n 1 >id
	[ -n "$(leftovers)" ] && [ -s id ]
	eq "$(mb exec fall/db sh -c 'echo x >/new; cat /new; stat -c %u /bin /new' | tr '\n' ' ')" 'x 0 0 '
	status 0 mb down --volumes
	nothing_is_left
}
test_a_store_that_cannot_be_idmapped() {
	mkdir -p ram; mount -t ramfs ram ram
	MINIBOX_ROOT=$W/ram/root status 0 mb up -d
	has "$OUT" "service 'db': the image store cannot be idmapped"
	eq "$(echo "$OUT" | grep -c 'cannot be idmapped')" 2 # one warning a service
	eq "$(MINIBOX_ROOT=$W/ram/root uid_of fall db)" 0
	eq "$(MINIBOX_ROOT=$W/ram/root mb exec fall/db id -u)" 0
	! MINIBOX_ROOT=$W/ram/root mb exec fall/db mknod /dev/sda b 8 0 || fail "mknod"
	MINIBOX_ROOT=$W/ram/root status 0 mb down --volumes
	sed 's/image bb.tar;/image bb.tar; userns required;/' stack.conf >req.conf
	MINIBOX_ROOT=$W/ram/root status 1 mb up -d req.conf
	has "$OUT" "userns required"
	MINIBOX_ROOT=$W/ram/root nothing_is_left
}
test_a_bind_that_cannot_be_idmapped() {
	mkdir -p ram/data; echo hi >ram/data/f
	printf 'stack bnd;\nservice a { image bb.tar; volumes ./ram/data:/d; stop_grace_period 1s; }\nservice b { image bb.tar; stop_grace_period 1s; }\n' >bnd.conf
	status 0 mb up -d bnd.conf
	has "$OUT" "$W/ram/data"
	eq "$(echo "$OUT" | grep -c 'cannot be idmapped')" 1
	eq "$(uid_of bnd a)" 0
	[ "$(uid_of bnd b)" -ge 1946157056 ]
	eq "$(mb exec bnd/a cat /d/f)" hi
	status 0 mb down bnd
	sed -i 's/image bb.tar; volumes/image bb.tar; userns required; volumes/' bnd.conf
	status 1 mb up -d bnd.conf
	has "$OUT" "$W/ram/data"
	has "$OUT" 'userns required'
	umount ram
	nothing_is_left
}
test_a_store_on_an_overlay_names_root() {
	mkdir -p over lower upper work
	mount -t overlay over -o "lowerdir=lower,upperdir=upper,workdir=work" over
	MINIBOX_ROOT=$W/over/root status 1 mb up -d
	has "$OUT" --root
	MINIBOX_ROOT=$W/over/root nothing_is_left
	umount over
}
# As before Linux 6.5. The supervisor gives its helpers no environment, so its helper is run here;
# something else is put over the share first, and over the pin that readers bind when they start,
# or there would be nothing to switch.
test_a_share_is_switched_by_stacking_mounts() {
	status 0 mb up -d
	mb exec fall/db sh -c 'echo new >/var/www/f'
	mb exec fall/web sh -c 'mkdir /old; echo old >/old/f'
	web=$(pid_of fall web) pin=$MINIBOX_RUN/fall/.share/st
	(while [ ! -e stop ]; do
		curl -sSf --max-time 5 http://127.0.0.1:18250/st/f >>seen 2>>errors || echo "status $?" >>errors
	done) & loop=$!
	until_ok 5 grep -q new seen
	for i in $(seq 20); do
		nsenter -t "$web" -m mount --bind /old /st
		mount --bind "$W/bb" "$pin"
		eq "$(mb exec fall/web cat /st/f)" old
		MINIBOX_STACK_MOUNTS=1 status 0 mb _refresh fall db
		eq "$(mb exec fall/web cat /st/f)" new
		eq "$(grep -c ' /st ' "/proc/$web/mountinfo")" $((1 + 2 * i)) # nothing was taken away
		eq "$(cat "$pin/f") $(grep -c " $pin " /proc/self/mountinfo)" "new $((1 + 2 * i))"
	done
	touch stop; wait $loop
	[ ! -e errors ] || [ ! -s errors ] || fail "$(head errors)"
	eq "$(sort -u seen | tr '\n' ' ')" 'new old '
	# from Linux 6.5 on `up` switches in place: it leaves as many as it found
	n=$(grep -c ' /st ' "/proc/$web/mountinfo")
	status 0 mb up -d --force-recreate stack.conf db
	eq "$(pid_of fall web)" "$web"
	! printf '6.5\n%s\n' "$(uname -r)" | sort -V -C || eq "$(grep -c ' /st ' "/proc/$web/mountinfo")" "$n"
	status 0 mb down --volumes
	nothing_is_left
}
# What a kill in the middle of mounting layers by path leaves: an instant that is long on Linux 6.1 alone.
test_mounts_that_a_killed_up_left_are_cleared() {
	for next in "up -d --force-recreate" "down --volumes"; do
		status 0 mb up -d
		left=$MINIBOX_RUN/fall/db/mount.killed
		mkdir "$left"; mount -t tmpfs left "$left"
		mkdir "$left/l"; mount --bind "$W/bb" "$left/l"
		status 0 mb $next
		! grep -F "$left" /proc/self/mountinfo || fail "a mount is left"
	done
	[ -e "$W/bb/bin/busybox" ]
	nothing_is_left
}
test_up_killed_at_any_instant() {
	by_path=('' MINIBOX_LAYERS_BY_PATH=1)
	for i in $(seq 30); do
		# by path it mounts more, and that may be left too
		env ${by_path[i % 2]} "$MINIBOX" up -d >/dev/null 2>&1 & p=$!
		nap 60
		kill -9 $p 2>/dev/null || true; wait $p 2>/dev/null || true
		[ $((i % 3)) = 0 ] || status 0 mb up -d
		status 0 mb down
		nothing_is_left
	done
}
test_down_killed_at_any_instant() {
	for i in $(seq 30); do
		status 0 mb up -d
		"$MINIBOX" down >/dev/null 2>&1 & p=$!
		nap 60
		kill -9 $p 2>/dev/null || true; wait $p 2>/dev/null || true
		[ $((i % 3)) = 0 ] || status 0 mb up -d
		status 0 mb down
		nothing_is_left
	done
	status 0 mb down --volumes
}
lose_all_but_the_disk() {
	local g p
	for g in $(find /sys/fs/cgroup -maxdepth 4 -type d -path "*/$(cat id)/fall/*" | sort -r); do
		for p in $(cat "$g/cgroup.procs"); do kill -9 "$p" 2>/dev/null || true; done
	done
	umount -R -l "$MINIBOX_RUN" && rmdir "$MINIBOX_RUN"
	echo 0 >/proc/sys/net/ipv4/ip_forward # as a kernel starts
}
test_everything_lost_but_the_disk_as_after_a_reboot() {
	status 0 mb up -d
	mb exec fall/db sh -c 'echo kept >/data/f'
	lose_all_but_the_disk
	sleep 0.5
	status 0 mb up -d
	eq "$(mb exec fall/db cat /data/f)" kept
	has "$(curl -sS --max-time 5 http://127.0.0.1:18250/etc/passwd)" root
	status 0 mb down --volumes
	nothing_is_left
}
kill_the_supervisor() { # and its keeper first, which would start it again
	local sup; sup=$(cat "$MINIBOX_RUN/fall/.supervisor")
	kill -9 "$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")" "$sup"
}
test_down_clears_a_record_without_supervisor() {
	status 0 mb up -d
	kill_the_supervisor
	status 0 mb down fall
	nothing_is_left
}
test_down_after_a_reboot_leaves_no_writable_layers() {
	status 0 mb up -d
	lose_all_but_the_disk
	status 0 mb down --volumes fall
	eq "$(find "$MINIBOX_ROOT/containers" "$MINIBOX_ROOT/volumes" -mindepth 1 -name 'fall*')" ''
	status 0 mb up -d # takes over what else the "reboot" left: links, cgroups, rules
	status 0 mb down --volumes
	nothing_is_left
}
test_up_resumes_a_record_without_supervisor() {
	status 0 mb up -d
	before=$(pid_of fall db)
	kill_the_supervisor
	status 0 mb up -d
	eq "$(pid_of fall db)" "$before" # adopted, not started again
	for i in $(seq 20); do # one that is about to be gone still takes connections
		kill_the_supervisor
		status 0 mb up -d
	done
	eq "$(pid_of fall db)" "$before"
	status 0 mb down fall
	nothing_is_left
}
test_down_clears_directories_without_record() {
	status 0 mb up -d
	kill_the_supervisor
	rm "$MINIBOX_RUN/fall/.stack.json"
	status 0 mb down fall
	nothing_is_left
	status 0 mb down --volumes
}
run_tests "$@"
