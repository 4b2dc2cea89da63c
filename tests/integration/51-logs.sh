#!/bin/bash
# needs: root. What services write and what happens to them: kept, bounded, in order, and nobody waits for it.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cd "$W" || exit 1
cat >tell.conf <<'EOF2'
stack tell;
service eat   { image bb.tar; command sh -c "echo go; tail /dev/zero; sleep 0.3; echo after; exit 3"; mem_limit 16m; memswap_limit 16m; restart on-failure:1; }
service sick  { image bb.tar; command sleep 1000; stop_grace_period 1s; healthcheck { test test ! -e /tmp/sick; interval 200ms; retries 2; } }
service files { image bb.tar; command sleep 1000; stop_grace_period 1s; }
service reads { image bb.tar; command sleep 1000; stop_grace_period 1s; volumes site:/site:ro; }
service deaf  { image bb.tar; command sh -c "trap '' TERM; while true; do sleep 0.1; done"; stop_grace_period 300ms; }
service lacks { image bb.tar; command /not/there; }
volume site { from files:/var/www; }
EOF2
events() { mb events --json "${2:-tell}" | grep "\"service\":\"$1\"" | grep -o '"event":"[a-z]*"' | cut -d'"' -f4 | tr '\n' ' '; }
has_event() { case " $(events "$1" "${3:-tell}")" in *" $2 "*) ;; *) false ;; esac; }
seq_ok() { # FILE FIRST: lines "line N" with N rising by one
	awk -v n="$2" '$NF != n++ {print "line", NR, "is", $0, "wanted", n - 1; exit 1}' "$1"
}

test_what_happened_stands_between_the_lines() {
	mb up -d tell.conf || true
	until_ok 20 sh -c "$MINIBOX logs tell/eat | grep -c 'exited with status 3' | grep -q 2"
	mb logs tell/eat | sed 's/pid [0-9]*/pid N/' >got
	one="eat \* started, pid N eat | go eat \* out of memory: 1 process killed, the last 'tail', peak 16 MiB, limit 16 MiB eat | after eat \* exited with status 3"
	# the shell says 'Killed' as well, before or after
	has "$(grep -v Killed got | tr '\n' ' ')" "$(echo "$one" | tr -d '\\') eat * starts again in 100 ms (restart 1) $(echo "$one" | tr -d '\\')"
	eq "$(mb logs --no-events tell/eat | grep -c ' \* ')" 0
	eq "$(mb logs --json tell/eat | grep '"event":"exit"' | grep -o '"exit_code":[0-9]*' | head -n 1)" '"exit_code":3'
	mb events tell | cut -d' ' -f1 | sort -c
	has "$(mb events tell)" "tell/lacks failed: could not be started: execute '/not/there'"
}
test_health_refresh_and_stop_are_events() {
	until_ok 10 has_event sick healthy
	mb exec tell/sick touch /tmp/sick
	until_ok 10 has_event sick unhealthy
	mb exec tell/sick rm /tmp/sick
	until_ok 10 sh -c "$MINIBOX events tell | grep -c 'tell/sick healthy' | grep -q 2"
	until_ok 10 has_event files refresh
	status 0 mb stop tell/deaf
	eq "$(events deaf)" 'start stop kill exit '
	has "$(mb events tell)" 'tell/deaf exit: ended by signal 9 (SIGKILL)'
	status 0 mb restart tell/files
	until_ok 10 sh -c "$MINIBOX events tell | grep -c 'tell/files refresh' | grep -q 2"
}
test_a_killed_supervisor_forgets_nothing() {
	before=$(mb events tell)
	kill -9 "$(cat "$MINIBOX_RUN/tell/.supervisor")"
	until_ok 10 sh -c "$MINIBOX events tell | grep -q 'tell adopt: a new supervisor'"
	has "$(mb events tell)" "$before"
	mb stop tell/sick
	has "$(mb events tell | tail -n 2)" 'tell/sick exit'
}
test_events_are_followed() {
	timeout $((30 * ${SLOW:-1})) "$MINIBOX" events -f --json tell >live &
	f=$!
	until_ok 10 grep -q tell live
	mb start tell/deaf
	until_ok 10 sh -c "grep '\"service\":\"deaf\"' live | grep -c '\"start\"' | grep -q 2"
	/usr/bin/python3 -c "import json; [json.loads(l) for l in open('live')]"
	until=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	mb restart tell/reads
	eq "$(mb events --since "$until" tell | cut -d' ' -f2-3 | tr '\n' ' ')" 'tell/reads stop: tell/reads exit: tell/reads start: '
	status 2 mb events --since yesterday tell
	status 1 mb events nosuch
	status 0 mb down --timeout 1s tell
	wait $f || fail "following did not end with the stack"
}
test_any_user_may_open_its_output_again() {
	cat >open.conf <<'EOF2'
stack open;
service a { image bb.tar; user www; command sh -c "echo one >/dev/stdout; echo two >>/dev/stderr; echo three >/proc/self/fd/1; echo four > /dev/stdout"; }
service b { image bb.tar; user 4000:4000; command sh -c "for i in 1 2 3; do sh -c \"echo again $$i >/dev/stdout\"; done"; }
EOF2
	mb up -d open.conf
	until_ok 10 sh -c "! $MINIBOX ps open | grep -q running"
	eq "$(mb logs --no-events open/a | cut -d'|' -f2 | sort | tr -d '\n')" ' four one three two'
	eq "$(mb logs --no-events open/b | cut -d'|' -f2 | tr -d '\n')" ' again 1 again 2 again 3'
	eq "$(mb logs --json open/a | grep '"two"' | grep -o stderr)" stderr
	status 0 mb down open
}
test_following_goes_on_over_restarts_and_rotations() {
	cat >rot.conf <<'EOF2'
stack rot;
service count {
    image bb.tar;
    command sh -c "i=$(cat /n/n 2>/dev/null || echo 0); e=$((i+6000)); while [ $i -lt $e ]; do i=$((i+1)); echo line $i; done; echo $i >/n/n; usleep 300000; exit 1";
    volumes n:/n;
    logging { max_size 64k; max_files 40; }
    restart on-failure:3;
}
volume n;
EOF2
	sed -i 's/\$/$$/g' rot.conf
	mb up -d rot.conf || true
	timeout $((60 * ${SLOW:-1})) "$MINIBOX" logs -f rot >follow &
	f=$!
	until_ok 30 grep -q 'line 24000' follow
	until_ok 10 sh -c "$MINIBOX ps rot | grep -q 'exited (1)'"
	until_ok 10 sh -c "[ \$(grep -c ' \* exited with status 1' follow) = 4 ]"
	grep ' | line' follow >lines
	seq_ok lines 1
	eq "$(wc -l <lines)" 24000
	[ "$(ls "$MINIBOX_ROOT/logs/rot/count" | grep -c '^out')" -gt 5 ] || fail "it was not rotated"
	eq "$(mb logs --no-events rot | sed 's/.*line //' | sort -n | uniq | wc -l)" 24000
	status 0 mb down --volumes rot
	wait $f
}
test_a_gigabyte_leaves_the_bound_and_nothing_more() {
	printf 'stack big;\nservice a { image bb.tar; command sh -c "yes 0123456789012345678901234567890123456789 | dd bs=65600 iflag=fullblock count=16384 2>/dev/null; echo end"; logging { max_size 1m; max_files 3; } }\n' >big.conf
	mb up -d big.conf
	until_ok 100 sh -c "$MINIBOX ps big | grep -q exited"
	eq "$(mb logs --no-events -n 1 big)" 'a | end'
	cat "$MINIBOX_ROOT"/logs/big/a/* | wc -c >size
	[ "$(cat size)" -le $((3 << 20)) ] || fail "$(cat size) bytes of log"
	[ "$(cat size)" -gt $((7 << 18)) ] || fail "only $(cat size) bytes of log"
	# single bytes, each with a record of its own
	printf 'stack big;\nservice a { image bb.tar; command sh -c "i=0; while [ $$i -lt 9000 ]; do i=$$((i+1)); printf x; done; echo end"; logging { max_size 64k; max_files 2; } }\n' >big.conf
	mb up -d big.conf
	until_ok 100 sh -c "$MINIBOX ps big | grep -q exited"
	cat "$MINIBOX_ROOT"/logs/big/a/* | wc -c >size
	[ "$(cat size)" -le $((128 << 10)) ] || fail "$(cat size) bytes of log"
	status 0 mb down big
}
test_a_slow_reader_holds_nobody_up() {
	printf 'stack slow;\nservice a { image bb.tar; command sh -c "echo 0; until [ -e /tmp/go ]; do sleep 0.1; done; seq 1 1000000; sleep 1000"; stop_grace_period 1s; logging { max_size 256k; max_files 2; } }\n' >slow.conf
	mb up -d slow.conf
	# one line, then nothing until the service has written everything
	timeout $((100 * ${SLOW:-1})) "$MINIBOX" logs -f slow | { head -c 1 >first; until [ -e go ]; do sleep 0.1; done; cat >slow.out; } &
	f=$!
	until_ok 20 [ -s first ]
	mb exec slow/a touch /tmp/go
	until_ok 60 sh -c "$MINIBOX logs -n 1 slow | grep -q '| 1000000'"
	touch go
	until_ok 30 grep -q '| 1000000' slow.out
	grep ' | ' slow.out | awk '{n = $NF} NR > 1 && n <= last {print "line", n, "after", last; exit 1} {last = n}'
	grep -qE 'a \* [0-9]+ segments? of its log gone before' slow.out || fail "the gap is not told"
	status 0 mb down --timeout 1s slow
	wait $f
}
test_a_full_disk_holds_nobody_up_and_lost_lines_are_counted() {
	printf 'stack full;\nservice a { image bb.tar; command sh -c "i=0; until [ -e /tmp/stop ]; do i=$$((i+1)); echo line $$i; echo $$i >/tmp/n; usleep 500; done; echo end; sleep 1000"; stop_grace_period 1s; }\n' >full.conf
	mkdir -p "$MINIBOX_ROOT/logs"
	mount -t tmpfs -o size=1m,mode=0700 logs "$MINIBOX_ROOT/logs"
	mb up -d full.conf
	until_ok 10 sh -c "$MINIBOX logs full | grep -q 'line 10$'"
	cat /dev/zero >"$MINIBOX_ROOT/logs/filler" 2>/dev/null || true
	until_ok 20 has_event a dropping full
	n=$(mb exec full/a cat /tmp/n)
	until_ok 20 sh -c "[ \"\$($MINIBOX exec full/a cat /tmp/n)\" -gt $((n + 200)) ]"
	rm "$MINIBOX_ROOT/logs/filler"
	until_ok 20 has_event a dropped full
	mb exec full/a touch /tmp/stop
	until_ok 20 sh -c "$MINIBOX logs full | grep -q '| end'"
	n=$(mb exec full/a cat /tmp/n)
	dropped=$(mb events --json full | grep '"dropped"' | grep -o '"lines":[0-9]*' | cut -d: -f2 | awk '{s += $1} END {print s}')
	kept=$(mb logs --no-events full | grep -c 'line')
	echo "$n lines, $kept kept, $dropped dropped"
	# at either edge of the gap a line may be cut in two
	[ "$dropped" -gt 0 ] && [ $((kept + dropped)) -ge "$n" ] && [ $((kept + dropped)) -le $((n + 4)) ] || fail "$n lines, $kept kept, $dropped dropped"
	has "$(mb logs full)" 'its log cannot be written, lines are dropped: No space left on device'
	status 0 mb down --timeout 1s full
	umount "$MINIBOX_ROOT/logs"
}
run_tests "$@"
