#!/bin/bash
# needs: root, loop devices. The store when loads are killed, the disk is full or fails, and several work at once.
#
# In a mount namespace of its own: it mounts small and broken disks.
[ -n "${IT_OWN_MOUNTS:-}" ] || IT_OWN_MOUNTS=1 exec unshare -m bash "$0" "$@"
. "$(dirname "$0")/../lib/it.sh"
make -s B="$BUILD" tool-build >/dev/null || exit 1
cd "$W" || exit 1
mkdir disk mnt

# An image of 44 MB: what does not compress, many small files, hard links, a layer that needs those below.
/usr/bin/python3 - "$TOP/tests/lib" <<'EOP'
import os, random, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from mkimage import Tar, image, oci_files, write

rnd, layers = random.Random(3), []
for i in range(4):
    tar = Tar().add("big%d" % i, "d")
    for k in range(3):
        tar.add("big%d/%d" % (i, k), data=rnd.randbytes(3 << 20))
    layers.append(tar.data())
tar = Tar().add("small", "d")
for i in range(1500):
    tar.add("small/%d" % i, data=rnd.randbytes(rnd.randrange(4000)), mode=0o600 + i % 0o100, uid=i % 1000)
    if i % 10 == 0:
        tar.add("small/%d.link" % i, "h", link="small/%d" % i)
layers += [tar.data(), Tar().add("small/last", data=b"x").add("big0/.wh.1").data()]
config, done = image(layers, {"Cmd": ["x"]})
write("medium.tar", oci_files("medium:1", config, done))
write("layout", oci_files("medium:1", config, done), "dir")
write("other.tar", oci_files("other:1", *image(layers[:2] + [Tar().add("other").data()])))
EOP

# A directory as text: all that is known of what is in it, but the times of directories and whiteouts.
state() {
	(cd "$1" && find . -printf '%p %y %m %U %G %n %l %s %T@\n' | awk '{if ($2 ~ /[cd]/) {$7 = ""; $8 = "";} print}' | sort
		find . -type f -print0 | sort -z | xargs -0 sha256sum) 2>&1
}
layer_state() { # the tree, and what the store keeps beside it
	(state "$1/fs"; cd "$1" && find . -path ./fs -prune -o -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum
}
keys() { ls "$MINIBOX_ROOT/layers"; } # not .empty
mounted_state() { # of the image's root file system
	"$BUILD/tests/lib/mount_image" "$MINIBOX_ROOT" "$1" "$W/mnt"
	state "$W/mnt" | sha256sum
	umount "$W/mnt"
}
right_tree() { eq "$(mounted_state medium:1)" "$(cat "$W/tree")"; }
# No layer but whole ones, each as a load that nothing disturbed made it.
whole_layers() {
	local k
	for k in $(keys); do
		eq "$(layer_state "$MINIBOX_ROOT/layers/$k")" "$(cat "$W/layer.$k")"
	done
}
# What any command finds after a fault: it succeeds, and what was half made is gone.
next_command() {
	status 0 mb images --json
	eq "$(ls -A "$MINIBOX_ROOT/tmp")" ''
	whole_layers
}
nothing_kept() {
	next_command
	eq "$(mb images --json)" '[]'
	eq "$(keys)$(ls "$MINIBOX_ROOT/images")$(ls "$MINIBOX_ROOT/refs")" ''
}
refused() { # ARCHIVE: the last status's one line
	eq "$(echo "$OUT" | wc -l)" 1
	has "$OUT" "minibox: archive '$1'"
}
session_ended() { [ -z "$(pgrep -s "$1")" ]; }
clear_store() {
	status 0 mb rmi medium:1
	eq "$(keys)" ''
}
unmount_all() { for m in mnt disk store; do umount -l "$W/$m" 2>/dev/null || true; done; }
trap 'unmount_all; [ -n "${KEEP:-}" ] || rm -rf --one-file-system "$W"' EXIT

test_a_load_that_nothing_disturbs() {
	start=$(date +%s%3N)
	status 0 mb load medium.tar
	echo $(($(date +%s%3N) - start)) >ms
	for k in $(keys); do layer_state "$MINIBOX_ROOT/layers/$k" >"layer.$k"; done
	mounted_state medium:1 >tree
	eq "$(keys | wc -l)" 6
	"$BUILD/tests/lib/mount_image" "$MINIBOX_ROOT" medium:1 mnt
	eq "$(find mnt -type f | wc -l)" $((11 + 1500 + 150 + 1))
	umount mnt
	clear_store
}
# Over the whole of its time, and a little more: the last ones may find it done.
test_a_load_killed_at_fifty_instants() {
	whole=0 nothing=0 some=0 ms=$(cat ms)
	for i in $(seq 50); do
		setsid "$MINIBOX" load medium.tar >/dev/null 2>&1 & p=$!
		sleep "$(awk "BEGIN {srand($i); print (($i - 1 + rand()) * $ms * 1.1 / 50) / 1000}")"
		kill -9 $p 2>/dev/null || true; wait $p 2>/dev/null || true
		until_ok 3 session_ended $p
		next_command
		n=$(mb images --json | grep -c '"id"' || true)
		case $n in
		0) nothing=$((nothing + 1)); [ -z "$(keys)" ] || some=$((some + 1)) ;;
		1) whole=$((whole + 1)); right_tree; clear_store ;;
		*) fail "$n images" ;;
		esac
	done
	echo "nothing $nothing times ($some with whole layers), all $whole times"
	[ $nothing -gt 10 ] || fail "few loads were killed in time: this shows nothing"
	status 0 mb load medium.tar
	right_tree
	clear_store
}
test_a_killed_load_from_standard_input() {
	for i in $(seq 10); do
		(exec setsid "$MINIBOX" load - <medium.tar >/dev/null 2>&1) & p=$!
		sleep "$(awk "BEGIN {print $i * $(cat ms) / 10000}")"
		kill -9 $p 2>/dev/null || true; wait $p 2>/dev/null || true
		until_ok 3 session_ended $p
		next_command
	done
	status 0 sh -c "cat medium.tar | $MINIBOX load -"
	right_tree
	clear_store
}
test_a_load_told_to_end() { # as by Ctrl-C
	for sig in INT TERM HUP; do
		setsid "$MINIBOX" load medium.tar >/dev/null 2>&1 & p=$!
		sleep "$(awk "BEGIN {print $(cat ms) / 3000}")"
		kill -$sig $p 2>/dev/null || true; wait $p 2>/dev/null || true
		until_ok 3 session_ended $p
		next_command
	done
	status 0 mb load medium.tar
	clear_store
}
# As when the kernel picks it for want of memory.
test_a_load_whose_children_are_killed() {
	killed=0
	for i in $(seq 12); do
		"$MINIBOX" load medium.tar >out 2>&1 & p=$!
		sleep "$(awk "BEGIN {print $i * $(cat ms) / 16000}")"
		for c in $(pgrep -P $p); do kill -9 "$c" 2>/dev/null || true; done
		st=0; wait $p || st=$?
		OUT=$(cat out)
		case $st in
		0) right_tree; clear_store ;;
		1) refused medium.tar; nothing_kept; killed=$((killed + 1)) ;;
		*) fail "status $st: $OUT" ;;
		esac
	done
	[ $killed -gt 3 ] || fail "few had a child to kill"
}

no_space() {
	case $OUT in
	*"the store's disk has"* | *"No space left on device"*) ;;
	*) fail "not a word of the disk: $OUT" ;;
	esac
}
full_disk() { # of a store on disk/: refused, nothing is left; then, with room, all is well
	export MINIBOX_ROOT=$W/disk/root
	for archive in medium.tar layout; do
		status 1 mb load $archive
		refused $archive
		no_space
		nothing_kept
	done
	status 1 sh -c "$MINIBOX load - <medium.tar"
	refused -
	no_space
	nothing_kept
}
test_a_full_disk_in_memory() {
	unmount_all
	for size in 8m 20m 35m; do
		mount -t tmpfs -o size=$size ram disk
		full_disk
		mount -o remount,size=400m disk
		status 0 mb load medium.tar
		right_tree
		umount disk
	done
}
test_a_disk_without_inodes() {
	unmount_all
	for inodes in 40 400 1400; do
		mount -t tmpfs -o size=400m,nr_inodes=$inodes ram disk
		full_disk
		mount -o remount,nr_inodes=20000 disk
		status 0 mb load medium.tar
		right_tree
		umount disk
	done
}
test_a_full_disk_of_ext4() {
	unmount_all
	for how in 20M 35M "400M -N 500"; do
		set -- $how
		rm -f img; truncate -s $1 img; shift
		mkfs.ext4 -q -F "$@" img
		mount -o loop img disk
		full_disk
		umount disk
	done
	eq "$(losetup -j img)" ''
}
# The file system promises room that the disk below does not have: written data is lost, and only the sync tells.
test_a_disk_that_fails_to_write() {
	unmount_all
	mkdir -p store; mount -t tmpfs -o size=24m ram store
	truncate -s 400M store/img
	mkfs.ext4 -q -F -E lazy_itable_init=1,nodiscard store/img
	mount -o loop,errors=continue store/img disk
	export MINIBOX_ROOT=$W/disk/root
	status 1 mb load medium.tar
	eq "$(echo "$OUT" | wc -l)" 1
	umount disk
	mount -o remount,size=400m store
	e2fsck -fy store/img >/dev/null 2>&1 || [ $? -le 2 ]
	mount -o loop store/img disk
	eq "$(mb images --json)" '[]'
	status 0 mb load medium.tar
	right_tree
	umount disk store
}

# Reads give EIO where the file below the loop device ends.
test_an_archive_that_cannot_be_read_to_its_end() {
	status 0 mb images
	cp medium.tar cut; truncate -s %512 cut
	loop=$(losetup -f --show cut)
	truncate -s 20M cut
	status 1 mb load "$loop"
	losetup -d "$loop"
	refused "$loop"
	has "$OUT" 'Input/output error'
	nothing_kept
	status 1 mb load /proc/self/mem
	refused /proc/self/mem
	nothing_kept
}
test_a_file_system_that_cannot_be_read_to_its_end() {
	unmount_all
	truncate -s 200M img; mkfs.ext4 -q -F -E lazy_itable_init=1 img
	mount -o loop img disk
	cp medium.tar disk
	umount disk
	mount -o loop,ro img disk
	first=$(filefrag -v -b512 disk/medium.tar | awk -F '[ .:]+' '$2 == 0 {print $5}')
	truncate -s $((first * 512 + 20000000)) img # half of its data goes
	echo 3 >/proc/sys/vm/drop_caches
	status 1 mb load disk/medium.tar
	refused disk/medium.tar
	nothing_kept
	umount disk
}
test_an_archive_that_shrinks_while_it_is_read() {
	for i in $(seq 20); do
		cp medium.tar shrinks.tar
		"$MINIBOX" load shrinks.tar >out 2>&1 & p=$!
		sleep "$(awk "BEGIN {print $i * $(cat ms) / 20000}")"
		truncate -s $((i * 1000000)) shrinks.tar
		st=0; wait $p || st=$?
		OUT=$(cat out)
		case $st in
		0) right_tree; clear_store ;;
		1) refused shrinks.tar; nothing_kept ;;
		*) fail "status $st: $OUT" ;;
		esac
	done
}
test_half_an_archive_from_a_pipe() {
	status 1 sh -c "head -c 20000000 medium.tar | $MINIBOX load -"
	refused -
	nothing_kept
}

at_once() { # N ARCHIVE...: each of them N times; all succeed
	local n=$1 i a pids=; shift
	for i in $(seq "$n"); do
		for a; do "$MINIBOX" load "$a" >"out.$i.$a" 2>&1 & pids="$pids $!"; done
	done
	for i in $pids; do wait "$i" || fail "a load of $n at once: status $?: $(cat out.*)"; done
	rm -f out.*
}
test_loads_of_one_archive_at_once() {
	for n in 2 10; do
		at_once $n medium.tar
		next_command
		eq "$(mb images --json | grep -c '"id"')" 1
		eq "$(keys | wc -l)" 6
		right_tree
		clear_store
	done
}
test_loads_of_two_archives_that_share_layers() {
	at_once 2 medium.tar other.tar
	eq "$(keys | wc -l)" 7
	right_tree
	status 0 mb rmi other:1
	eq "$(keys | wc -l)" 6
	right_tree
	clear_store
}
against_each_other() { # COMMAND...: each in a loop; only removals may fail, as what they mean may be gone
	for what; do
		(end=$((SECONDS + 5)) done=0
		while [ $SECONDS -lt $end ]; do
			st=0; out=$("$MINIBOX" $what 2>&1 >/dev/null) || st=$?
			case "$st $out" in
			"0 "*) done=$((done + 1)) ;;
			"1 minibox: "*) [ "$(echo "$out" | wc -l)" = 1 ] || echo "$what: $out" >>clash ;;
			*) echo "$what: status $st: $out" >>clash ;;
			esac
			case "$what $st" in load*1 | images*1 | import*1 | prune*1) echo "$what: $out" >>clash ;; esac
		done
		[ $done -gt 0 ] || echo "$what: never succeeded" >>clash) &
	done
	wait
	[ ! -e clash ] || fail "$(head -n 20 clash)"
}
test_loads_and_removals_against_each_other() {
	against_each_other "load medium.tar" "load other.tar" "rmi medium:1" "rmi other:1" "images"
	status 0 mb load medium.tar other.tar
	right_tree
	status 0 mb rmi other:1
	clear_store
	nothing_kept
}
test_imports_and_removals_against_each_other() {
	mkdir fs && echo 1 >fs/f && tar -C fs -cf fs.tar .
	against_each_other "import fs.tar im:1" "rmi im:1" "prune" "prune --all" "images"
	mb rmi im:1 || true # which was the last is chance
	status 0 mb prune
	nothing_kept
}
run_tests "$@"
