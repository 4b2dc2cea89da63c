#!/bin/bash
# needs: root. The image store from the command line: forms of archives, names, refusals.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
mk() { /usr/bin/python3 "$TOP/tests/lib/mkimage.py" "$@"; }
cd "$W" || exit 1
tree() { # the store, but for locks: names and contents
	(cd "$MINIBOX_ROOT" && find layers images refs tmp ! -name '*.lock' -printf '%p %y %s\n' | sort)
}

test_load_reads_all_three_forms() {
	mk oci.tar --name one:1 --layer bb --cmd sleep 1
	mk docker.tar --name two:2 --format docker --layer bb --cmd sleep 2
	mk dir --name three:3 --format dir --layer bb --cmd sleep 3
	status 0 mb load oci.tar docker.tar dir
	has "$OUT" one:1
	has "$OUT" two:2
	has "$OUT" three:3
	eq "$(mb images --json | grep -c '"id"')" 3
	# the three share their one layer, gzip'ed or not
	eq "$(ls "$MINIBOX_ROOT/layers" | grep -vc '^\.')" 1
}
test_load_from_standard_input_and_compressed() {
	mk gz.tar --name four:4 --outer-gzip --layer bb --file /etc/four=4 --cmd sleep 4
	status 0 sh -c "cat gz.tar | $MINIBOX load -"
	has "$(mb images)" four:4
	mk z.tar --name five:5 --zstd --layer bb --file /etc/five=5 --cmd sleep 5
	status 0 mb load z.tar
	eq "$(ls -A "$MINIBOX_ROOT/tmp" | grep -v '\.lock$')" ''
}
test_what_comes_by_a_pipe_for_ever_is_refused_soon() {
	for endless in yes 'cat /dev/zero' "sh -c 'gzip -1 </dev/urandom'"; do
		status 1 timeout 20 sh -c "$endless 2>/dev/null | $MINIBOX load -"
		has "$OUT" "archive '-': it is not a tar archive"
		eq "$(echo "$OUT" | wc -l)" 1
	done
	# one that begins as it should ends where the caller says
	mk e.tar --name e:1 --file /etc/e=1
	for pack in cat gzip zstd; do
		status 1 timeout 20 sh -c "{ head -c 512 e.tar; cat /dev/urandom; } 2>/dev/null | $pack | $MINIBOX --max-unpacked-size 50m load -"
		has "$OUT" "more than 52428800 bytes (--max-unpacked-size)"
	done
	status 0 sh -c "gzip -c e.tar | $MINIBOX --max-unpacked-size 1m load -"
	status 0 mb rmi e:1
}
test_loading_again_is_quick_and_changes_nothing() {
	before=$(tree)
	status 0 mb load oci.tar
	eq "$(tree)" "$before"
}
test_inspect_shows_config_and_layers() {
	status 0 mb inspect two:2
	echo "$OUT" | /usr/bin/python3 -c '
import json, sys
i = json.load(sys.stdin)[0]
assert i["names"] == ["two:2"], i["names"]
assert i["config"]["config"]["Cmd"] == ["sleep", "2"]
assert len(i["layers"]) == len(i["diff_ids"]) == 1'
	status 1 mb inspect nowhere:1
	has "$OUT" nowhere:1
}
test_rmi_keeps_layers_that_are_used() {
	status 0 mb rmi one:1 two:2 three:3
	eq "$(mb images --json | grep -c '"id"')" 2
	[ "$(ls "$MINIBOX_ROOT/layers" | grep -vc '^\.')" -ge 2 ]
	status 1 mb rmi one:1
	status 0 mb rmi four:4 five:5
	eq "$(mb images --json)" '[]'
	eq "$(ls "$MINIBOX_ROOT/layers" | grep -vc '^\.')" 0
}
test_rmi_refuses_what_a_container_uses() {
	mk used.tar --name used:1 --layer bb --cmd sleep 1000
	printf 'stack use;\nservice a { image used.tar; stop_grace_period 1s; }\n' >use.conf
	status 0 mb up -d use.conf
	status 1 mb rmi used:1
	has "$OUT" used
	status 0 mb down use
	status 0 mb rmi used:1
}
test_damaged_archives_are_refused_and_nothing_changes() {
	export MINIBOX_ROOT=$W/fresh # so that every byte of the archive is new to the store
	mk seed.tar --name seed:1 --file /etc/x=1
	status 0 mb load seed.tar
	mk good.tar --name good:1 --layer bb --cmd sleep 1
	before=$(tree)
	head -c 300000 good.tar >short.tar
	/usr/bin/python3 - <<-'EOF'
	data = bytearray(open("good.tar", "rb").read())
	at = len(data) // 2
	data[at:at + 64] = bytes(64)
	open("flipped.tar", "wb").write(data)
	open("noise.tar", "wb").write(bytes(range(256)) * 64)
	open("empty.tar", "wb").close()
	EOF
	for bad in short flipped noise empty; do
		status 1 mb load $bad.tar
		has "$OUT" $bad.tar
		eq "$(echo "$OUT" | wc -l)" 1
	done
	status 1 mb load nowhere.tar
	eq "$(tree)" "$before"
}
test_archive_that_changes_is_read_again() {
	printf 'stack ch;\nservice a { image ch.tar; command cat /etc/v; }\n' >ch.conf
	mk ch.tar --name ch:1 --layer bb --file /etc/v=old
	eq "$(mb run -q -f ch.conf a)" old
	mk ch.tar --name ch:1 --layer bb --file /etc/v=new
	eq "$(mb run -q -f ch.conf a)" new
}
test_names_find_images() {
	mk n.tar --name app:3 --layer bb --file /etc/n=1 --cmd cat /etc/n
	status 0 mb load n.tar
	id=$(mb images --json | /usr/bin/python3 -c 'import json,sys; print([i["id"] for i in json.load(sys.stdin) if "app:3" in i["names"]][0])')
	for ref in app:3 docker.io/library/app:3 "$id" "$(echo "$id" | cut -c8-20)"; do
		printf 'stack nm;\nservice a { image %s; }\n' "$ref" >nm.conf
		eq "$(mb run -q -f nm.conf a)" 1
	done
}
test_layers_and_whiteouts_make_one_tree() {
	mkdir -p l2/etc l3/etc; echo two >l2/etc/f; echo keep >l2/etc/k; : >l3/etc/.wh.f
	mk wh.tar --name wh:1 --layer bb --layer l2 --layer l3
	printf 'stack wh;\nservice a { image wh.tar; command ls /etc; }\n' >wh.conf
	eq "$(mb run -q -f wh.conf a | tr '\n' ' ')" 'group hostname hosts k passwd resolv.conf '
}
test_progress_shows_on_a_terminal_only() {
	mk p.tar --name p:1 --layer bb --file /etc/p=1
	has "$(script -qec "$MINIBOX load p.tar" /dev/null)" 'layer 1/2'
	mk q.tar --name q:1 --layer bb --file /etc/q=1
	hasnt "$(mb load q.tar 2>&1)" layer
}
test_parser_is_nobody_and_has_nothing() {
	mk c.tar --name c:1 --outer-gzip --layer bb
	mkfifo half
	"$MINIBOX" load - <half >out 2>&1 &
	pid=$!
	exec 9>half
	head -c 20000 c.tar >&9
	until_ok 5 pgrep -P $pid minibox-parse
	parser=$(pgrep -P $pid minibox-parse)
	until_ok 5 grep -q '^Seccomp:.2' /proc/$parser/status
	st=$(cat /proc/$parser/status) fds=$(ls /proc/$parser/fd | tr '\n' ' ') root=$(readlink /proc/$parser/root)
	limits=$(cat /proc/$parser/limits)
	exec 9>&-
	rc=0; wait $pid || rc=$?
	for line in 'Uid:	65534	65534	65534	65534' 'Gid:	65534	65534	65534	65534' 'Groups:	65534 ' \
		'CapInh:	0000000000000000' 'CapPrm:	0000000000000000' 'CapEff:	0000000000000000' 'CapAmb:	0000000000000000' \
		'NoNewPrivs:	1'; do
		has "$st" "$line"
	done
	eq "$root" "$(readlink -f "$MINIBOX_ROOT")/layers/.empty/a"
	eq "$fds" '0 1 2 3 '
	echo "$limits" | grep -q '^Max open files *0 *0'
	echo "$limits" | grep -q '^Max file size *0 *0'
	echo "$limits" | grep -q '^Max cpu time *3600 *3600'
	# cut short: refused, and the parser is gone with its load
	eq $rc 1
	eq "$(wc -l <out)" 1
	[ ! -e /proc/$parser ]
}
run_tests "$@"
