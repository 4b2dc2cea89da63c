#!/bin/bash
# needs: root. The ordinary life of a stack, with images of busybox.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --env GREETING=hello --cmd sleep 1000

cat >"$W/stack.conf" <<'EOF'
stack shop;
service db {
    image       bb.tar;
    command     sh -c "echo db is up; exec httpd -f -p 5432 -h /var/www";
    healthcheck { tcp 5432; interval 1s; timeout 1s; retries 20; }
    stop_grace_period 2s;
}
service step {
    image       bb.tar;
    command     sh -c "echo step done >/dev/stdout; exit 0";
    depends_on  db;
}
service web {
    image       bb.tar;
    command     sh -c "echo web out; echo web err >&2; echo page >/var/www/index.html; exec httpd -f -p 80 -h /var/www";
    user        www;
    environment COLOUR=blue "TWO=a b";
    depends_on  step completed;
    ports       ${PORT:-18080}:80;
    tmpfs       /var/www:mode=777;
    stop_grace_period 2s;
}
EOF
cd "$W" || exit 1

test_up_detached_returns_when_all_is_up() {
	status 0 mb up -d
	out=$(mb ps --json)
	has "$out" '"state": "healthy"'
	has "$out" '"exit_code": 0'
	eq "$(mb ps | awk '$2 == "web" {print $3}')" running
	eq "$(curl -sS --max-time 5 http://127.0.0.1:18080/)" page
}
test_up_again_changes_nothing() {
	before=$(mb ps --json | grep '"pid"')
	status 0 mb up -d
	eq "$(mb ps --json | grep '"pid"')" "$before"
	status 0 mb plan
	hasnt "$OUT" create
}
test_logs_are_in_order_and_prefixed() {
	out=$(mb logs)
	has "$out" 'db   | db is up'
	has "$out" 'web  | web out'
	has "$out" 'web  | web err'
	eq "$(mb logs --no-events step)" 'step | step done'
	eq "$(mb logs --no-events --json web | head -n 1 | grep -o '"stream":"[a-z]*"')" '"stream":"stdout"'
	eq "$(mb logs --no-events -n 1 shop/db)" 'db | db is up'
	eq "$(mb logs --grep '^web e' web)" 'web | web err'
}
test_exec_gives_the_exit_code_and_the_environment() {
	status 7 mb exec web sh -c 'exit 7'
	eq "$(mb exec web sh -c 'echo $GREETING $COLOUR $TWO')" 'hello blue a b'
	eq "$(mb exec -e COLOUR=red shop/web sh -c 'echo $COLOUR')" red
	eq "$(mb exec -u root -w /etc web sh -c 'id -u; pwd' | tr '\n' ' ')" '0 /etc '
	eq "$(mb exec web id -u)" 33
	eq "$(mb exec -u www web id -G)" '33 44'
	status 127 mb exec web no-such-program
	has "$OUT" no-such-program
	status 126 mb exec web /etc/passwd
	status 137 mb exec web sh -c 'kill -9 $$'
	eq "$(echo in | mb exec -i web cat)" in
	status 125 mb exec nosuch true
	has "$OUT" nosuch
}
test_exec_with_a_terminal() {
	out=$(script -qec "$MINIBOX exec -t web sh -c 'tty; test -t 0 && echo terminal'" /dev/null)
	has "$out" /dev/pts/
	has "$out" terminal
}
test_run_makes_a_container_of_its_own() {
	status 0 mb run --rm web sh -c 'echo $COLOUR; exit 0'
	has "$OUT" blue
	status 9 mb run --rm --no-deps web sh -c 'exit 9'
	status 127 mb run --rm web no-such-program
	eq "$(echo in | mb run --rm -q web cat)" in
	status 0 mb run --rm web wget -q -O - http://web/   # the service itself, by its name
	has "$OUT" page
	hasnt "$(mb ps)" run-
}
test_names_resolve_inside() {
	eq "$(mb exec db wget -q -O - http://web/)" page
	has "$(mb exec db cat /etc/hosts)" web
	eq "$(mb exec web hostname)" web
}
test_stop_start_restart() {
	status 0 mb stop web
	has "$(mb ps | grep ' web ')" exited
	! curl -sS --max-time 2 http://127.0.0.1:18080/ || fail "answers though stopped"
	status 0 mb start web
	until_ok 10 curl -sSf --max-time 2 http://127.0.0.1:18080/
	before=$(mb ps --json | grep -A3 '"service": "db"' | grep '"pid"')
	status 0 mb restart db
	until_ok 10 sh -c "$MINIBOX ps | grep -q ' db .*healthy'"
	status 1 mb stop nosuch
	has "$OUT" nosuch
}
test_a_stack_by_its_name() {
	status 0 mb stop shop
	has "$(mb ps | grep ' db ')" exited
	status 0 mb start shop
	until_ok 10 sh -c "$MINIBOX ps | grep -q ' db .*healthy'"
	has "$(mb logs shop)" 'web  | web out'
	status 2 mb logs shop/web other/web
	has "$OUT" 'one stack at a time'
}
test_changed_service_is_recreated_and_only_it() {
	db=$(mb ps --json | tr -d '\n' | grep -o '"service": "db"[^}]*' | grep -o '"id": "[^"]*"')
	sed -i 's/COLOUR=blue/COLOUR=green/' stack.conf
	status 0 mb plan
	has "$OUT" 'recreate  web'
	has "$OUT" 'environment.COLOUR: ****** → ****** (stack.conf:'
	status 0 mb up -d
	eq "$(mb exec web sh -c 'echo $COLOUR')" green
	address=$(mb exec web hostname -i)
	eq "$(mb ps --json | tr -d '\n' | grep -o '"service": "db"[^}]*' | grep -o '"id": "[^"]*"')" "$db"
}
test_second_stack_from_the_same_file() {
	status 1 mb up -d -p other
	has "$OUT" 'stack.conf:'
	has "$OUT" 18080
	has "$OUT" shop/web
	PORT=18081 status 0 mb up -d -p other
	eq "$(curl -sS --max-time 5 http://127.0.0.1:18081/)" page
	eq "$(curl -sS --max-time 5 http://127.0.0.1:18080/)" page
	has "$(mb ps -a)" other
	other=$(mb exec other/web hostname -i)
	! mb exec shop/web timeout 2 wget -q -O - "http://$other/" || fail "stacks reach each other"
	status 0 mb down other
	hasnt "$(mb ps -a)" other
	eq "$(curl -sS --max-time 5 http://127.0.0.1:18080/)" page
}
test_up_of_one_service_brings_its_dependencies() {
	status 0 mb down
	status 0 mb up -d stack.conf step
	out=$(mb ps)
	has "$out" db
	hasnt "$out" web
	status 0 mb up -d
	has "$(mb ps)" web
}
test_removed_service_is_stopped() {
	cp stack.conf keep.conf
	sed -i '/^service web/,/^}/d' stack.conf
	status 0 mb up -d
	hasnt "$(mb ps)" web
	cp keep.conf stack.conf
}
test_down_leaves_nothing_and_may_be_repeated() {
	status 0 mb up -d
	status 0 mb down --volumes
	eq "$(mb ps -a --json)" '[]'
	status 0 mb down
	[ ! -e "$MINIBOX_RUN" ] || fail "$MINIBOX_RUN is left"
}
test_down_by_name_without_the_file() {
	status 0 mb up -d
	(cd / && mb down shop)
	eq "$(mb ps -a --json)" '[]'
}
test_wrong_file_is_told_and_starts_nothing() {
	printf 'stack bad;\nservice a {\n    imgae  bb.tar;\n    user   root;\n}\nservice b { image bb.tar; depends_on c; }\n' >bad.conf
	status 2 mb up -d bad.conf
	has "$OUT" "bad.conf:3:5: "
	has "$OUT" "did you mean 'image'?"
	has "$OUT" "bad.conf:6:"
	eq "$(mb ps -a --json)" '[]'
	[ ! -e "$MINIBOX_RUN" ] || fail "$MINIBOX_RUN was made"
}
test_missing_image_names_its_line() {
	printf 'stack bad;\nservice a { image nowhere.tar; }\n' >bad.conf
	status 1 mb up -d bad.conf
	has "$OUT" nowhere.tar
	printf 'stack bad;\nservice a { image nowhere:1; }\n' >bad.conf
	status 1 mb up -d bad.conf
	has "$OUT" bad.conf:2:
	[ ! -e "$MINIBOX_RUN" ] || fail "$MINIBOX_RUN was made"
}
test_failing_healthcheck_tells_why_with_the_last_lines() {
	cat >sick.conf <<-'EOF'
	stack sick;
	service a {
	    image bb.tar;
	    command sh -c "echo last words; exec sleep 1000";
	    healthcheck { test sh -c "echo no good; exit 1"; interval 200ms; timeout 1s; retries 2; }
	    stop_grace_period 1s;
	}
	EOF
	status 1 mb up -d sick.conf
	has "$OUT" "service 'a' is unhealthy"
	has "$OUT" "no good"
	has "$OUT" "last words"
	has "$(mb ps sick)" unhealthy
	status 0 mb down sick
}
test_service_that_exits_makes_up_fail() {
	printf 'stack gone;\nservice a { image bb.tar; command sh -c "echo bye; exit 3"; }\n' >gone.conf
	status 1 mb up -d gone.conf
	has "$OUT" "service 'a' exited with status 3"
	has "$OUT" bye
	status 0 mb down gone
	printf 'stack gone;\nservice a { image bb.tar; command no-such-program; }\n' >gone.conf
	status 1 mb up -d gone.conf
	has "$OUT" no-such-program
	status 0 mb down gone
}
test_dependency_that_fails_is_told() {
	printf 'stack dep;\nservice a { image bb.tar; command false; }\nservice b { image bb.tar; depends_on a completed; }\n' >dep.conf
	status 1 mb up -d dep.conf
	has "$OUT" "service 'a' exited with status 1"
	status 0 mb down dep
}
test_port_of_the_host_that_is_taken_is_told() {
	busybox httpd -f -p 127.0.0.1:18090 -h "$W" & holder=$!
	printf 'stack port;\nservice a { image bb.tar; ports 18090:80; }\n' >port.conf
	sleep 0.3
	status 1 mb up -d port.conf
	kill $holder
	has "$OUT" "port.conf:2:"
	has "$OUT" 18090
	has "$OUT" busybox
	[ ! -e "$MINIBOX_RUN" ] || fail "$MINIBOX_RUN was made"
}
test_foreground_shows_logs_and_stops_on_ctrl_c() {
	printf 'stack fg;\nservice a { image bb.tar; command sh -c "echo hello from a; exec sleep 1000"; stop_grace_period 1s; }\n' >fg.conf
	"$MINIBOX" up fg.conf >fg.out 2>&1 & up=$!
	until_ok 10 grep -q 'hello from a' fg.out
	kill -TERM $up
	wait $up
	has "$(mb ps fg)" exited
	status 0 mb down fg
}
test_foreground_shows_what_comes_later() {
	printf 'stack fg;\nservice a { image bb.tar; command sh -c "sleep 1; echo later; seq 20000"; }\n' >fg.conf
	status 0 timeout 60 "$MINIBOX" up fg.conf
	has "$OUT" 'a | later'
	eq "$(echo "$OUT" | tail -n 2)" "$(printf 'a | 20000\na * exited with status 0')"
	status 0 mb down fg
}
test_foreground_ends_when_all_services_ended() {
	printf 'stack fg;\nservice a { image bb.tar; command echo one shot; }\n' >fg.conf
	status 0 timeout 20 "$MINIBOX" up fg.conf
	has "$OUT" 'a | one shot'
	status 0 mb down fg
}
test_help_and_usage() {
	status 0 mb --help
	has "$OUT" "bring a stack" || has "$OUT" "Bring a stack"
	for c in up plan down ps logs exec run start stop restart kill config load images rmi inspect; do
		status 0 mb "$c" --help
		has "$OUT" "minibox $c"
	done
	status 2 mb dwon
	has "$OUT" "did you mean 'down'?"
	status 2 mb up --detahc
	has "$OUT" "did you mean '--detach'?"
	status 2 mb exec web
	status 0 mb --version
}
test_config_prints_every_default() {
	status 0 mb config stack.conf
	has "$OUT" 'stop_grace_period 2s'
	mb config stack.conf >again.conf
	sed -i "s,^stack .*,stack shop;," again.conf
	status 0 mb config again.conf
	status 0 mb config --json stack.conf
	echo "$OUT" | /usr/bin/python3 -m json.tool >/dev/null
}
run_tests "$@"
