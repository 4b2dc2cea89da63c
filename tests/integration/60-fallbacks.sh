#!/bin/bash
# needs: root. Every fall-back is forced and every crash is made, and each is looked at.
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
uid_of() { awk '/^Uid:/ {print $2}' "/proc/$(mb ps --json "$1" | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$2'][0])")/status"; }
unmount_all() { for m in ram over; do umount -l "$W/$m" 2>/dev/null || true; done; }
trap unmount_all EXIT

test_layers_by_path_as_before_linux_6_13() {
	MINIBOX_LAYERS_BY_PATH=1 status 0 mb up -d
	[ "$(uid_of fall db)" -ge 1946157056 ]
	eq "$(mb exec fall/db sh -c 'echo x >/new; cat /new; stat -c %u /bin /new' | tr '\n' ' ')" 'x 0 0 '
	status 0 mb down --volumes
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
	[ ! -e "$MINIBOX_RUN" ] || fail "$MINIBOX_RUN is left"
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
	umount ram
}
test_a_store_on_an_overlay_names_root() {
	mkdir -p over lower upper work
	mount -t overlay over -o "lowerdir=lower,upperdir=upper,workdir=work" over
	MINIBOX_ROOT=$W/over/root status 1 mb up -d
	has "$OUT" --root
	[ ! -e "$MINIBOX_RUN" ] || fail "$MINIBOX_RUN is left"
	umount over
}
test_up_killed_at_any_instant() {
	for i in $(seq 30); do
		"$MINIBOX" up -d >/dev/null 2>&1 & p=$!
		sleep "0.0$((RANDOM % 60 + 10))"
		kill -9 $p 2>/dev/null || true; wait $p 2>/dev/null || true
		[ $((i % 3)) = 0 ] || status 0 mb up -d
		status 0 mb down
	done
}
test_down_killed_at_any_instant() {
	for i in $(seq 30); do
		status 0 mb up -d
		"$MINIBOX" down >/dev/null 2>&1 & p=$!
		sleep "0.0$((RANDOM % 60 + 10))"
		kill -9 $p 2>/dev/null || true; wait $p 2>/dev/null || true
		[ $((i % 2)) = 0 ] || status 0 mb up -d
		status 0 mb down
	done
	status 0 mb down --volumes
}
test_load_killed_at_any_instant() {
	/usr/bin/python3 -c 'import os; os.makedirs("big"); [open("big/%d" % i, "wb").write(os.urandom(20000)) for i in range(1500)]'
	/usr/bin/python3 "$TOP/tests/lib/mkimage.py" big.tar --name big:1 --layer bb --layer big
	export MINIBOX_ROOT=$W/killed
	for i in $(seq 20); do
		"$MINIBOX" load big.tar >/dev/null 2>&1 & p=$!
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		kill -9 $p 2>/dev/null || true; wait $p 2>/dev/null || true
		n=$(mb images --json | grep -c '"id"' || true)
		[ "$n" -le 1 ]
		[ -z "$(ls -A "$MINIBOX_ROOT/tmp" | grep -v '\.lock$')" ] || fail "left: $(ls "$MINIBOX_ROOT/tmp")"
		[ "$n" = 0 ] || status 0 mb rmi big:1
	done
	status 0 mb load big.tar
	printf 'stack kl;\nservice a { image big:1; command sh -c "cat /[0-9]* | md5sum"; }\n' >kl.conf
	eq "$(mb run -q -f kl.conf a)" "$(cd big && cat [0-9]* | md5sum)"
}
test_a_full_disk_leaves_nothing_half_made() {
	mkdir -p ram; mount -t tmpfs -o size=20m ram ram
	MINIBOX_ROOT=$W/ram/root status 1 mb load big.tar
	has "$OUT" big.tar
	eq "$(MINIBOX_ROOT=$W/ram/root mb images --json)" '[]'
	eq "$(find "$W/ram/root/layers" -mindepth 1 -maxdepth 1 ! -name '.*' | head -n 1)" ''
	mount -o remount,size=200m ram
	MINIBOX_ROOT=$W/ram/root status 0 mb load big.tar
	umount ram
}
test_everything_lost_but_the_disk_as_after_a_reboot() {
	status 0 mb up -d
	mb exec fall/db sh -c 'echo kept >/data/f'
	for g in $(find /sys/fs/cgroup -maxdepth 4 -type d -path '*minibox-*/fall/*' | sort -r); do
		for p in $(cat "$g/cgroup.procs"); do kill -9 "$p" 2>/dev/null || true; done
	done
	umount -R -l "$MINIBOX_RUN" && rmdir "$MINIBOX_RUN"
	echo 0 >/proc/sys/net/ipv4/ip_forward # as a kernel starts
	sleep 0.5
	status 0 mb up -d
	eq "$(mb exec fall/db cat /data/f)" kept
	status 0 mb down --volumes
}
test_down_clears_what_has_no_record_or_supervisor() {
	status 0 mb up -d
	sup=$(cat "$MINIBOX_RUN/fall/.supervisor")
	kill -9 "$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")" "$sup"
	rm "$MINIBOX_RUN/fall/.stack.json"
	status 0 mb down fall
	[ ! -e "$MINIBOX_RUN" ] || fail "$MINIBOX_RUN is left"
	status 0 mb down --volumes
}
run_tests "$@"
