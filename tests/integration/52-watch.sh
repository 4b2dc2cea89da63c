#!/bin/bash
# needs: root. What services use, as stats, top, port and metrics tell it, held against what others measure.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cd "$W" || exit 1
cat >stack.conf <<'EOF2'
stack look { mem_limit 300m; }
service busy { image bb.tar; command sh -c "while :; do :; done"; mem_limit 32m; cpus 0.3; stop_grace_period 1s; ports 18561:80 18562:81/udp; }
service idle { image bb.tar; user www; command sh -c "echo lots >/tmp/x; cat /tmp/x; exec sleep 1000"; stop_grace_period 1s; pids_limit 50; }
service net  { image bb.tar; command sh -c "while :; do sleep 1000 | nc -l -p 80 >/dev/null; done"; stop_grace_period 1s; healthcheck { test true; interval 1s; } }
service disk { image bb.tar; command sh -c "dd if=/dev/zero of=/var/www/big bs=1M count=16 conv=fsync 2>/dev/null; sleep 1000"; stop_grace_period 1s; }
service gone { image bb.tar; command sh -c "exit 4"; }
service eat  { image bb.tar; command sh -c "tail /dev/zero; sleep 1000"; mem_limit 16m; memswap_limit 16m; stop_grace_period 1s; }
EOF2
stat() { # SERVICE EXPRESSION of s
	mb stats --no-stream --json look | /usr/bin/python3 -c "import json,sys; s=[s for s in json.load(sys.stdin) if s['service']=='$1'][0]; print($2)"
}
field() { mb ps --json | /usr/bin/python3 -c "import json,sys; print([s['$2'] for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }
metric() { grep "^minibox_service_$1{stack=\"look\",service=\"$2\"" | awk '{print $NF}'; }

test_stats() {
	mb up -d || true
	until_ok 20 sh -c "$MINIBOX ps look | grep -q 'exited (4)'"
	mb stats --no-stream >table
	eq "$(awk 'NR > 1 {print $1}' table | sort | tr '\n' ' ')" 'look/busy look/disk look/eat look/idle look/net '
	has "$(head -n 1 table)" 'PRESSURE cpu mem io'
	eq "$(stat busy "s['memory_limit_bytes'], s['memory_bytes'] > 65536 and s['memory_bytes'] < 32 << 20")" "$((32 << 20)) True"
	# without a limit of its own, its stack's
	eq "$(stat idle "s['memory_limit_bytes'], s['pids'], s['pids_limit']")" "$((300 << 20)) 2 50"
	# a third of a processor, however loaded the machine is
	eq "$(stat busy "5 < s['cpu_percent'] < 45")" True
	eq "$(stat idle "s['cpu_percent'] < 5")" True
	until_ok 20 sh -c "[ \$($MINIBOX stats --no-stream --json look/disk | sed -n 's/.*\"block_write_bytes\": \\([0-9]*\\).*/\\1/p') -ge $((16 << 20)) ]"
}
test_stats_of_the_network() {
	rx=$(stat net "s['network_rx_bytes']")
	timeout $((20 * ${SLOW:-1})) /usr/bin/python3 -c "import socket; socket.create_connection(('$(field net address)', 80)).sendall(bytes(3000000))"
	until_ok 10 sh -c "[ \$($MINIBOX stats --no-stream --json look/net | sed -n 's/.*\"network_rx_bytes\": \\([0-9]*\\).*/\\1/p') -ge $((rx + 3000000)) ]"
}
test_stats_of_pressure() {
	[ -e /proc/pressure/cpu ] || { eq "$(stat busy "s['pressure']['cpu']")" None; return 0; }
	eq "$(stat busy "s['pressure']['cpu']['some_usec'] > 0 and s['pressure']['memory']['some_avg10'] >= 0")" True
}
test_stats_go_on_until_told_otherwise() {
	"$MINIBOX" stats --json look/busy >stream &
	s=$!
	until_ok 20 sh -c '[ "$(wc -l <stream)" -ge 3 ]'
	kill $s
	head -n 3 stream | /usr/bin/python3 -c "import json,sys; [json.loads(l)[0]['cpu_usec'] for l in sys.stdin]"
	status 1 mb stats --no-stream look/nosuch
	status 1 mb stats --no-stream nosuch
	eq "$(mb stats --no-stream look/gone | wc -l)" 1
}
test_top() {
	mb top --json look/idle >top
	/usr/bin/python3 - "$(field idle pid)" <<'EOF2'
import json, sys
init, sleeper = sorted(json.load(open("top")), key=lambda p: p["pid_inside"])
assert init["pid"] == int(sys.argv[1]) and init["pid_inside"] == 1, init
assert sleeper["user"] == "www" and sleeper["command"] == "sleep 1000", sleeper
assert 0 < sleeper["rss_bytes"] < 64 << 20, sleeper
EOF2
	has "$(mb top look/busy)" 'while :; do :; done'
	# a name from the container may hold anything
	mb exec look/idle sh -c 'sleep 1000; :' "$(printf 'a\033[31mb')" &
	e=$!
	until_ok 10 sh -c "$MINIBOX top look/idle | grep -q 'a?\[31mb'"
	kill $e
	wait $e || true
	status 1 mb top look/nosuch
	eq "$(mb top --json look/gone)" '[]'
}
test_port() {
	eq "$(mb port look/busy)" "$(printf '80/tcp -> 127.0.0.1:18561\n81/udp -> 127.0.0.1:18562')"
	eq "$(mb port look/busy 80)" 127.0.0.1:18561
	eq "$(mb port look/busy 81/udp)" 127.0.0.1:18562
	status 1 mb port look/busy 8
	has "$OUT" "does not publish port '8'"
	status 0 mb port look/idle
	eq "$OUT" ''
	status 1 mb port look/nosuch
}
good_format() { # each family: HELP, TYPE, then its samples and no others; values are numbers
	/usr/bin/python3 - "$1" <<'EOF2'
import re, sys
seen, family = set(), None
for line in open(sys.argv[1]):
    m = re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)\n", line)
    if m and m[1] == "HELP":
        assert m[2] not in seen, line
        family, typed = m[2], False
        seen.add(family)
    elif m:
        assert m[2] == family and m[3] in ("gauge", "counter") and not typed, line
        assert (m[3] == "counter") == family.endswith("_total"), line
        typed = True
    else:
        m = re.fullmatch(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} ([-+0-9.e]+)\n', line)
        assert m and m[1] == family and typed, line
        float(m[3])
assert len(seen) > 15, seen
EOF2
}
test_memory_run_out_is_told() {
	until_ok 20 sh -c "$MINIBOX events look | grep -q \"look/eat oom: out of memory: 1 process killed, the last 'tail', peak 16 MiB, limit 16 MiB\""
	eq "$(mb metrics | metric oom_kills_total eat)" 1
}
test_metrics() {
	mb metrics >text
	good_format text
	eq "$(metric up busy <text) $(metric up gone <text) $(metric exit_code gone <text)" '1 0 4'
	eq "$(metric memory_limit_bytes busy <text) $(metric healthy net <text)" "$((32 << 20)) 1"
	grep -q '^minibox_service_state{stack="look",service="gone",state="exited"} 1$' text
	[ "$(metric healthy busy <text)" = '' ] || fail "busy has no healthcheck"
}
test_metrics_by_http() {
	"$MINIBOX" metrics --listen 18563 &
	m=$!
	until_ok 10 curl -sf http://127.0.0.1:18563/metrics -o served
	good_format served
	eq "$(metric up busy <served)" 1
	has "$(curl -sI http://127.0.0.1:18563/metrics)" 'text/plain; version=0.0.4'
	eq "$(curl -s -o out -w '%{http_code}' http://127.0.0.1:18563/etc/passwd)" 404
	eq "$(curl -s -o out -w '%{http_code}' -d x http://127.0.0.1:18563/metrics)" 405
	# those who connect and say nothing hold up nobody
	for _ in 1 2 3 4 5; do sleep 20 | /bin/busybox nc 127.0.0.1 18563 >out & done
	sleep 0.2
	curl -sf --max-time 5 http://127.0.0.1:18563/metrics >out
	for _ in $(seq 20); do curl -sf http://127.0.0.1:18563/ >out; done
	status 1 mb metrics --listen 127.0.0.1:18563
	has "$OUT" 'Address already in use'
	grep '^Pss:' "/proc/$m/smaps_rollup"
	[ "$(awk '/^Pss:/ {print $2}' "/proc/$m/smaps_rollup")" -le 64 ] || fail "it grew"
	kill $m
	wait $m || true
	kill $(jobs -p) 2>/dev/null || true
}
test_metrics_by_a_socket() {
	for _ in 1 2; do # the second finds the socket of the first, which was killed
		"$MINIBOX" metrics --listen "unix:$W/m.sock" &
		m=$!
		until_ok 10 curl -sf --unix-socket m.sock http://x/metrics -o served
		eq "$(/usr/bin/stat -c %a m.sock)" 600
		good_format served
		kill -9 $m
		wait $m || true
	done
	echo precious >file
	status 1 mb metrics --listen "unix:$W/file"
	eq "$(cat file)" precious
	status 2 mb metrics --listen nothing
	status 0 mb down --timeout 1s look
	eq "$(mb metrics | grep -c '^minibox_service')" 0
}
run_tests "$@"
