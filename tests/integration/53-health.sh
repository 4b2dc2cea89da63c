#!/bin/bash
# needs: root. Healthchecks in real containers: what the supervisor sees from outside.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cd "$W" || exit 1

listen() { # PATH: a listener of the host's; LISTENER its pid
	/usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(100)
time.sleep(1000)' "$1" &
	LISTENER=$!
	until_ok 10 test -S "$1"
}

test_a_socket_in_the_container_is_a_healthcheck() {
	mkdir -m 755 sock
	cat >sock.conf <<-EOF
	stack sock;
	service a {
	    image bb.tar; command sh -c "ln -s /run/x /tmp/link; exec sleep 1000";
	    volumes $W/sock:/run/x;
	    healthcheck { unix /tmp/link/s.sock; interval 200ms; retries 3; start_period 1m; start_interval 50ms; }
	    stop_grace_period 1s;
	}
	service log {
	    image bb.tar; command syslogd -n -O -;
	    healthcheck { unix /dev/log; interval 200ms; retries 300; }
	    stop_grace_period 1s;
	}
	EOF
	listen "$W/sock/s.sock"
	status 0 mb up -d sock.conf
	has "$(mb ps sock)" healthy
	kill "$LISTENER"
	wait "$LISTENER" 2>/dev/null || true
	until_ok 20 sh -c "$MINIBOX ps sock | grep ' a ' | grep -q unhealthy"
	has "$(mb inspect sock/a)" "\"reason\": \"connect: connection refused\""
	rm sock/s.sock
	until_ok 20 sh -c "$MINIBOX inspect sock/a | grep -q 'connect: there is no socket'"
	# where the container's own root has nothing, the host's is not looked at
	listen "$W/outside.sock"
	ln -s "$W/outside.sock" sock/s.sock
	sleep 1
	has "$(mb ps sock | grep ' a ')" unhealthy
	kill "$LISTENER"
	wait "$LISTENER" 2>/dev/null || true
	status 0 mb down sock
}

hanging() { mb exec hang/a ps -o args | grep -c '^sleep 2222$' || true; }
any_hangs() { [ "$(hanging)" -gt 0 ]; }
no_leash() { ! find /sys/fs/cgroup -path "*/minibox-it-${W##*.}/*leash-*" 2>/dev/null | grep -q .; }
none_hangs() { [ "$(hanging)" = 0 ]; }
# No timeout, stop or death of the supervisor leaves a process of a health command behind,
# not even one that went to a session of its own.
test_a_health_command_that_hangs_leaves_no_process() {
	cat >hang.conf <<-'EOF'
	stack hang;
	service a {
	    image bb.tar; command sleep 1000;
	    healthcheck {
	        test sh -c "echo from outside; sleep 2222 & setsid sleep 2222 & setsid sh -c 'sleep 2222 & exec sleep 2222' & sleep 2222";
	        interval 300ms; timeout 1s; retries 2;
	    }
	    stop_grace_period 1s;
	}
	EOF
	status 1 mb up -d hang.conf
	has "$(mb inspect hang/a)" '"reason": "the healthcheck timed out: from outside"'
	for _ in $(seq 20); do # more than one interval, and each hangs for three
		[ "$(hanging)" -le 5 ] || fail "$(hanging) processes: two healthchecks at once"
		sleep 0.1
	done
	sup=$(cat "$MINIBOX_RUN/hang/.supervisor")
	until_ok 10 any_hangs
	kill -9 "$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")" "$sup"
	until_ok 10 none_hangs
	until_ok 10 no_leash
	status 0 mb down hang
}

states() { mb ps -a rs | awk 'NR > 1 {print $2, $3}' | sort | paste -sd' '; }
a_new_supervisor() { pid=$(cat "$MINIBOX_RUN/rs/.supervisor") && [ -n "$pid" ] && [ "$pid" != "$sup" ]; }
test_what_was_stopped_stays_stopped_under_a_new_supervisor() {
	cat >rs.conf <<-'EOF'
	stack rs;
	service a { image bb.tar; restart always; stop_grace_period 1s; command sleep 1000; }
	service b { image bb.tar; restart unless-stopped; stop_grace_period 1s; command sleep 1000; }
	service c { image bb.tar; restart unless-stopped; stop_grace_period 1s; command sleep 1000; }
	EOF
	status 0 mb up -d rs.conf
	status 0 mb stop rs/a rs/b
	eq "$(states)" "a exited b exited c running"
	sup=$(cat "$MINIBOX_RUN/rs/.supervisor")
	kill -9 "$sup"
	until_ok 10 a_new_supervisor
	# it restarts what ends, and so has looked at the others, too
	kill -9 "$(mb inspect rs/c | grep -o '"pid": [0-9]*' | cut -d' ' -f2)"
	until_ok 10 sh -c "$MINIBOX events rs | grep -q 'c.*restart'"
	until_ok 10 sh -c "$MINIBOX ps rs | grep -q ' c .*running'"
	eq "$(states)" "a exited b exited c running"
	status 0 mb start rs/b
	until_ok 10 sh -c "$MINIBOX ps rs | grep -q ' b .*running'"
	status 0 mb down rs
}

run_tests "$@"
