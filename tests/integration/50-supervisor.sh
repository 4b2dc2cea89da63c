#!/bin/bash
# needs: root. What happens when something dies.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cat >"$W/stack.conf" <<'EOF'
stack life;
service count { image bb.tar; command sh -c "i=0; while true; do i=$$((i+1)); echo line $$i; usleep 2000; done"; stop_grace_period 1s; }
service crash { image bb.tar; command sh -c "sleep 0.3; exit 5"; restart on-failure:2; }
service once  { image bb.tar; command sh -c "exit 0"; restart on-failure; }
service back  { image bb.tar; command sleep 1000; restart always; stop_grace_period 1s; }
service deaf  { image bb.tar; command sh -c "trap '' TERM; while true; do sleep 0.1; done"; stop_grace_period 500ms; }
EOF
cd "$W" || exit 1
field() { mb ps --json | /usr/bin/python3 -c "import json,sys; print([s['$2'] for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }
state_is() { [ "$(field "$1" state)" = "$2" ]; }

test_up() { mb up -d stack.conf count back deaf once; mb up -d stack.conf crash || true; }
test_restart_policy_is_followed() {
	until_ok 20 state_is crash exited
	eq "$(field crash restarts) $(field crash exit_code)" '2 5'
	eq "$(field once state) $(field once restarts)" 'exited 0'
}
test_killed_service_comes_back() {
	p=$(field back pid)
	kill -9 "$p"
	until_ok 10 sh -c "[ \"\$($MINIBOX ps --json life | grep -c running)\" -ge 3 ]"
	until_ok 10 state_is back running
	[ "$(field back pid)" != "$p" ] || fail "same pid"
	eq "$(field back restarts)" 1
}
test_supervisor_killed_loses_no_line_and_no_service() {
	sup=$(cat "$MINIBOX_RUN/life/.supervisor")
	before=$(field count pid)
	for i in 1 2 3 4 5; do
		kill -9 "$(cat "$MINIBOX_RUN/life/.supervisor")"
		sleep 0.3
	done
	[ "$(cat "$MINIBOX_RUN/life/.supervisor")" != "$sup" ] || fail "it was not replaced"
	eq "$(field count pid)" "$before"
	sleep 0.5
	mb logs --no-events count | sed 's/.*line //' >lines
	[ "$(wc -l <lines)" -gt 300 ] || fail "only $(wc -l <lines) lines"
	awk 'NR != $1 {print "line", NR, "is", $1; exit 1}' lines
}
test_keeper_and_supervisor_killed_and_adopted() {
	before=$(field count pid)
	sup=$(cat "$MINIBOX_RUN/life/.supervisor")
	keeper=$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")
	kill -9 "$keeper" "$sup"
	sleep 0.2
	eq "$(field count state)" running
	status 0 mb up -d stack.conf count back
	eq "$(field count pid)" "$before"
	status 0 mb restart back
	state_is back running
}
lines_of() { mb logs term/t | sed -n 's/^t | line \([0-9]*\).*/\1/p'; }
test_a_terminal_outlives_its_supervisor() {
	cat >term.conf <<'EOF'
stack term;
service t { image bb.tar; tty on; stop_grace_period 1s;
	command sh -c "tty; ls -l /proc/self/fd/0; i=0; while true; do i=$$((i+1)); echo line $$i; usleep 2000; done"; }
service off { image bb.tar; tty on; init off; command sh -c "echo first; exec <&- >&- 2>&-; sleep 1; echo again >/dev/console; sleep 1000"; stop_grace_period 1s; }
service ends { image bb.tar; tty on; command sh -c "seq 1 3000; exit 3"; }
EOF
	mb up -d term.conf t off
	before=$(mb ps --json term | /usr/bin/python3 -c 'import json,sys; print([s["pid"] for s in json.load(sys.stdin)])')
	for i in 1 2 3; do
		kill -9 "$(cat "$MINIBOX_RUN/term/.supervisor")"
		sleep 0.3
	done
	eq "$(mb ps --json term | /usr/bin/python3 -c 'import json,sys; print([s["pid"] for s in json.load(sys.stdin)])')" "$before"
	until_ok 20 sh -c "$MINIBOX logs term/off | grep -q again"
	n=$(lines_of | tail -n 1)
	until_ok 10 sh -c "[ \$($MINIBOX logs --no-events -n 1 term/t | sed 's/.*line //' | tr -d '\r') -gt $((n + 20)) ]"
	lines_of >lines
	[ "$(wc -l <lines)" -gt 100 ] || fail "only $(wc -l <lines) lines"
	awk 'NR != $1 {print "line", NR, "is", $1; exit 1}' lines
	has "$(mb logs --no-events term/t | head -n 1)" "t | /dev/"
	has "$(mb logs --no-events term/t | cat -A | sed -n 4p)" '^M$'
	# nothing of it is left behind in the supervisor or its keeper
	status 0 mb stop term/t
	status 0 mb stop term/off
	sup=$(cat "$MINIBOX_RUN/term/.supervisor")
	eq "$(find "/proc/$sup/fd" -lname '*ptmx' | wc -l)" 0
	status 0 mb start term/t
	until_ok 10 sh -c "find /proc/$sup/fd -lname '*ptmx' | grep -q ."
	# the last words of one that ends
	mb up -d term.conf ends || true
	until_ok 60 sh -c "$MINIBOX ps -a term | grep -q 'ends .*exited (3)'"
	eq "$(mb logs --no-events term/ends | sed 's/.*| //' | tr -d '\r' | paste -sd+ | awk -F+ '{print NF, $NF}')" '3000 3000'
	status 0 mb down --volumes term
}
test_deaf_service_is_killed_after_its_grace() {
	start=$(date +%s%N)
	status 0 mb stop deaf
	took=$((($(date +%s%N) - start) / 1000000))
	[ $took -ge 400 ] && [ $took -lt 5000 ] || fail "took $took ms"
	eq "$(field deaf exit_code)" 137
}
test_logs_are_bounded() {
	printf 'stack big;\nservice a { image bb.tar; command sh -c "yes 0123456789012345678901234567890123456789 | dd bs=61500 count=1000 iflag=fullblock 2>/dev/null; echo end"; }\n' >big.conf
	mb up -d big.conf
	until_ok 60 sh -c "$MINIBOX ps big | grep -q exited"
	size=$(du -sb "$MINIBOX_ROOT/logs/big" | cut -f1)
	[ "$size" -le $(((30 << 20) + (320 << 10) + 8192)) ] || fail "$size bytes of log"
	eq "$(mb logs --no-events -n 1 big)" 'a | end'
	status 0 mb down big
}
test_logs_of_a_flood_end_and_down_too() {
	printf 'stack flood;\nservice a { image bb.tar; command yes; stop_grace_period 1s; }\n' >flood.conf
	status 0 mb up -d flood.conf
	eq "$(timeout 20 "$MINIBOX" logs --no-events -n 2 flood)" "$(printf 'a | y\na | y')"
	timeout 20 "$MINIBOX" logs flood | tail -n 1 | grep -q 'a | y'
	status 0 timeout 20 "$MINIBOX" down flood
}
test_memory_that_stays_resident_is_small() {
	total=0
	for p in $(cat "$MINIBOX_RUN/life/.supervisor") $(awk '/^PPid:/ {print $2}' "/proc/$(cat "$MINIBOX_RUN/life/.supervisor")/status") $(field count pid) $(field back pid); do
		total=$((total + $(awk '/^Pss:/ {print $2}' "/proc/$p/smaps_rollup")))
	done
	echo "Pss $total KiB"
	[ $total -gt 0 ] && [ $total -le 512 ] || fail "$total KiB"
}
test_down_after_everything_of_ours_was_killed() {
	sup=$(cat "$MINIBOX_RUN/life/.supervisor")
	kill -9 "$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")" "$sup"
	status 0 mb down
	eq "$(mb ps -a --json)" '[]'
}
run_tests "$@"
