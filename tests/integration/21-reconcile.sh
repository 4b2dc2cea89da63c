#!/bin/bash
# needs: root. What `up` compares, why it changes something, and the way back.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
mkdir -p "$W/bb/srv/static"
echo one >"$W/bb/srv/static/gen"
image "$W/bb.tar" bb:1 --env GREETING=hello --cmd sleep 1000
cp "$W/bb.tar" "$W/one.tar"
echo two >"$W/bb/srv/static/gen"
image "$W/two.tar" bb:1 --env GREETING=hello --cmd sleep 1000
cp "$W/one.tar" "$W/web.tar"
mkdir "$W/keep" && cp "$W/one.tar" "$W/two.tar" "$W/keep"

write_conf() {
	cat >"$W/stack.conf" <<-'EOF'
	stack shop;
	service db {
	    image       bb.tar;
	    env_file    secrets.env;
	    volumes     data:/data;
	    mem_limit   64m;
	    stop_grace_period 1s;
	}
	service web {
	    image       web.tar;
	    command     sh -c "echo ${TOKEN} >/tmp/token; exec httpd -f -p 80 -h /srv/static";
	    environment COLOUR=blue;
	    depends_on  db;
	    healthcheck { tcp 80; interval 200ms; retries 20; }
	    ports       18210:80;
	    stop_grace_period 1s;
	}
	service nginx {
	    image       bb.tar;
	    volumes     static:/srv/static:ro;
	    depends_on  web;
	    stop_grace_period 1s;
	}
	volume data;
	volume static { from web:/srv/static; }
	EOF
	echo 'DB_PASSWORD=hunter2-old' >"$W/secrets.env"
	echo 'TOKEN=tok-one' >"$W/.env"
}
write_conf
cd "$W" || exit 1

# every name, inode, time and size below both directories
state() { find "$MINIBOX_ROOT" "$MINIBOX_RUN" -printf '%p %i %T@ %C@ %s\n' | sort; }
# pid and start time of every service, or of some
procs() {
	mb ps --json | /usr/bin/python3 -c 'import json,sys
for s in json.load(sys.stdin):
    if not sys.argv[1:] or s["service"] in sys.argv[1:]:
        stat = open("/proc/%d/stat" % s["pid"]).read().rsplit(")", 1)[1].split() if s["pid"] else [0]*20
        print(s["service"], s["id"], s["pid"], stat[19], s["address"])' "$@"
}
ids() { mb ps --json | grep '"id"'; }
env_of() { mb exec "shop/$1" sh -c "echo \$$2"; }
step_of() { mb plan --json | /usr/bin/python3 -c 'import json,sys
for s in json.load(sys.stdin):
    if s["service"] == sys.argv[1]: print(s["step"])' "$1"; }
# environment, env_file, .env and image: all of the old model, or all of the new one
is_old() { eq "$(env_of web COLOUR) $(env_of db DB_PASSWORD) $(mb exec shop/web cat /srv/static/gen /tmp/token | tr '\n' ' ')" 'blue hunter2-old one tok-one '; }
make_new() {
	sed -i 's/COLOUR=blue/COLOUR=green/; s/64m/96m/' stack.conf
	echo 'DB_PASSWORD=hunter2-new' >secrets.env
	echo 'TOKEN=tok-two' >.env
	cp keep/two.tar web.tar
}
is_new() { eq "$(env_of web COLOUR) $(env_of db DB_PASSWORD) $(mb exec shop/web cat /srv/static/gen /tmp/token | tr '\n' ' ')" 'green hunter2-new two tok-two '; }

test_plan_on_an_empty_host_makes_nothing() {
	status 0 mb plan
	eq "$(echo "$OUT" | awk '{print $1, $2}' | tr '\n' ' ')" 'create db create web create nginx '
	[ ! -e "$MINIBOX_ROOT" ] && [ ! -e "$MINIBOX_RUN" ] || fail "a directory was made"
	printf 'stack x;\nservice a { image nowhere:1; }\n' >x.conf
	status 1 mb plan x.conf
	has "$OUT" 'x.conf:2:'
	[ ! -e "$MINIBOX_ROOT" ] || fail "$MINIBOX_ROOT was made"
}
test_up_with_nothing_to_do_touches_nothing() {
	status 0 mb up -d
	before=$(state) running=$(procs)
	for i in 1 2 3; do
		status 0 mb up -d
		status 0 mb plan
		hasnt "$OUT" create
		eq "$(echo "$OUT" | grep -c '^keep .* unchanged$')" 3
	done
	eq "$(procs)" "$running"
	diff <(echo "$before") <(state) || fail "something was touched"
}
test_up_with_nothing_to_do_is_quick() {
	best=1000000
	for i in $(seq 20); do
		start=$(date +%s%N)
		mb up -d 2>/dev/null
		took=$((($(date +%s%N) - start) / 1000))
		[ $took -ge $best ] || best=$took
	done
	echo "best of 20: $best us"
	[ $best -lt $((50000 * ${SLOW:-1})) ] || fail "$best us"
}
test_plan_tells_key_old_new_and_place() {
	sed -i 's/64m/96m/' stack.conf
	before=$(state)
	status 0 mb plan
	has "$OUT" 'recreate  db                   mem_limit: 64m → 96m (stack.conf:6)'
	eq "$(echo "$OUT" | grep -c '^keep')" 2
	status 0 mb plan --json
	echo "$OUT" | /usr/bin/python3 -c 'import json,sys
db = [s for s in json.load(sys.stdin) if s["service"] == "db"][0]
assert db["step"] == "recreate", db
assert db["changes"] == [{"key": "mem_limit", "old": "64m", "new": "96m", "file": "stack.conf", "line": 6}], db'
	diff <(echo "$before") <(state) || fail "plan has touched something"
	write_conf
}
test_plan_shows_no_secret() {
	make_new
	for json in "" --json; do
		status 0 mb plan $json
		for secret in hunter2 tok-one tok-two blue green; do hasnt "$OUT" $secret; done
		has "$OUT" 'environment.DB_PASSWORD'
		has "$OUT" 'environment.COLOUR'
	done
	status 0 mb plan
	has "$OUT" 'environment.DB_PASSWORD: ****** → ****** (stack.conf:4)'
	has "$OUT" 'environment.COLOUR: ****** → ****** (stack.conf:12)'
	has "$OUT" 'echo ****** >/tmp/token'
	has "$OUT" 'refresh   nginx                volume '"'static'"' follows the new '"'web'"
	write_conf
	cp keep/one.tar web.tar
	# up knows it as the same image after another load
	status 0 mb up -d
}
test_new_content_under_the_same_name_is_seen_before_it_is_loaded() {
	old=$(mb inspect shop/web | sed -n 's/.*"image_id": "sha256:\(.\{12\}\).*/\1/p')
	cp keep/two.tar web.tar
	before=$(state)
	status 0 mb plan
	line=$(echo "$OUT" | grep '^recreate')
	echo "$line" | grep -qE "^recreate  web  *image: sha256:$old → sha256:[0-9a-f]{12} \(stack.conf:10\)$" || fail "$line"
	diff <(echo "$before") <(state) || fail "plan has touched something"
	new=$(echo "$line" | sed 's/.*→ sha256:\([0-9a-f]*\).*/\1/')
	[ "$new" != "$old" ] || fail "the same image"
	db=$(procs db nginx)
	status 0 mb up -d
	has "$OUT" "web: recreated (image: sha256:$old → sha256:$new"
	eq "$(procs db nginx)" "$db"
	eq "$(mb exec web cat /srv/static/gen)" two
	until_ok 10 sh -c "[ \"\$($MINIBOX exec nginx cat /srv/static/gen)\" = two ]"
}
test_rollback_brings_the_image_before_though_its_archive_is_gone() {
	db=$(procs db nginx)
	status 0 mb rmi bb:1 || true
	status 0 mb prune --all
	status 0 mb rollback
	has "$OUT" 'web: recreated (image: sha256:'
	eq "$(mb exec web cat /srv/static/gen)" one
	until_ok 10 sh -c "[ \"\$($MINIBOX exec nginx cat /srv/static/gen)\" = one ]"
	eq "$(procs db nginx)" "$db"
	cp keep/one.tar web.tar
	status 0 mb up -d
	eq "$(step_of web)" keep
}
test_changes_in_place_leave_the_process_alone() {
	running=$(procs)
	sed -i 's/18210:80/18211:80/; s/stop_grace_period 1s;/stop_grace_period 2s; restart always; labels a=b;/' stack.conf
	sed -i 's/    image       web.tar;/    image       web.tar; networks default { aliases www; }/' stack.conf
	status 0 mb plan
	eq "$(echo "$OUT" | awk '{print $1}' | sort -u | tr '\n' ' ')" 'refresh '
	has "$OUT" 'ports: 127.0.0.1:18210:80 → 127.0.0.1:18211:80 (stack.conf:15)'
	status 0 mb up -d
	has "$OUT" 'web: refreshed (restart: no → always (stack.conf:16)'
	eq "$(procs)" "$running"
	eq "$(curl -sS --max-time 5 http://127.0.0.1:18211/gen)" one
	! curl -sS --max-time 2 http://127.0.0.1:18210/gen || fail "the old port is open"
	eq "$(mb exec nginx wget -q -O - http://www/gen)" one
	kill -9 "$(procs db | awk '{print $3}')"       # restart always holds
	until_ok 10 sh -c "$MINIBOX ps | grep -q ' db .*running'"
	status 0 mb rollback
	eq "$(procs web nginx)" "$(echo "$running" | grep -v '^db')"
	eq "$(curl -sS --max-time 5 http://127.0.0.1:18210/gen)" one
	write_conf
	status 0 mb plan
	eq "$(echo "$OUT" | grep -c '^keep')" 3
}
test_what_is_stopped_is_started() {
	running=$(procs db web)
	status 0 mb stop nginx
	status 0 mb plan
	has "$OUT" 'start     nginx                is stopped'
	status 0 mb up -d
	eq "$(procs db web)" "$running"
	has "$(mb ps | grep ' nginx ')" running
}
test_dependants_go_on_unless_they_want_a_restart() {
	web=$(procs web)
	sed -i 's/64m/80m/' stack.conf
	status 0 mb up -d
	eq "$(procs web)" "$web"
	sed -i 's/80m/64m/; s/depends_on  db;/depends_on  db restart;/' stack.conf
	status 0 mb plan
	has "$OUT" 'recreate  db'
	has "$OUT" "restart   web                  'db' is made anew"
	status 0 mb up -d
	[ "$(procs web)" != "$web" ] || fail "web goes on"
	eq "$(procs web | awk '{print $2, $5}')" "$(echo "$web" | awk '{print $2, $5}')"
	write_conf
	status 0 mb up -d
	eq "$(step_of web)" keep
}
test_up_of_some_leaves_the_others() {
	running=$(procs web)
	sed -i 's/COLOUR=blue/COLOUR=red/; s/64m/80m/' stack.conf
	status 0 mb plan stack.conf db
	hasnt "$OUT" web
	status 0 mb up -d stack.conf db
	eq "$(procs web)" "$running"
	eq "$(step_of db) $(step_of web)" 'keep recreate'
	# what was there before is db as it was and web as it is
	status 0 mb rollback
	eq "$(procs web)" "$running"
	eq "$(step_of db) $(step_of web)" 'recreate recreate'
	write_conf
	eq "$(step_of db) $(step_of web)" 'keep keep'
}
test_force_recreate() {
	before=$(ids)
	status 0 mb plan --force-recreate
	eq "$(echo "$OUT" | grep -c '^recreate .* asked to$')" 3
	status 0 mb up -d --force-recreate
	[ "$(ids)" != "$before" ] || fail "nothing was made anew"
	is_old
}
test_rollback_takes_environment_env_file_and_image_back() {
	mb exec shop/db sh -c 'echo row >/data/table'
	addresses=$(procs | awk '{print $1, $5}')
	make_new
	status 0 mb up -d
	is_new
	rm -f secrets.env .env stack.conf web.tar     # nothing of it is needed
	status 0 mb prune --all
	status 0 mb rollback shop
	for secret in hunter2 tok-one tok-two blue green; do hasnt "$OUT" $secret; done
	is_old
	eq "$(mb exec shop/db cat /data/table)" row
	eq "$(procs | awk '{print $1, $5}')" "$addresses"
	# and the other way round
	status 0 mb rollback shop
	is_new
	status 0 mb rollback shop
	is_old
	write_conf
	status 0 mb down shop
	status 1 mb rollback shop
	has "$OUT" "stack 'shop' is not running"
}
# a web that never becomes healthy
make_sick() { make_new; sed -i 's/httpd -f -p 80/httpd -f -p 81/; s/retries 20/retries 3/' stack.conf; }
fresh() { write_conf; cp keep/one.tar web.tar; status 0 mb up -d; is_old; }

test_failed_up_stays_for_a_look_and_is_gone_back_from() {
	fresh
	make_sick
	status 1 mb up -d
	has "$OUT" "service 'web' is unhealthy"
	has "$(mb ps | grep ' web ')" unhealthy
	# the reader has never seen what did not become ready
	eq "$(mb exec nginx cat /srv/static/gen)" one
	sed -i 's/green/purple/' stack.conf
	status 1 mb up -d
	status 0 mb rollback               # not to the first failure, to what came up
	is_old
	has "$(mb ps | grep ' web ')" healthy
	eq "$(mb exec nginx cat /srv/static/gen)" one
	status 1 mb rollback               # and what never came up is not gone back to
	has "$OUT" "no earlier model"
	is_old
}
test_up_rollback_goes_back_by_itself() {
	fresh
	addresses=$(procs | awk '{print $1, $5}')
	nginx=$(procs nginx)
	make_sick
	status 1 mb up -d --rollback
	has "$OUT" "service 'web' is unhealthy"
	has "$OUT" "stack 'shop': it is rolled back to the model before"
	for secret in hunter2 tok-one tok-two blue green; do hasnt "$OUT" $secret; done
	is_old
	eq "$(procs | awk '{print $1, $5}')" "$addresses"
	eq "$(procs nginx)" "$nginx"
	# one that comes up is left alone
	make_new
	sed -i 's/httpd -f -p 81/httpd -f -p 80/' stack.conf
	status 0 mb up -d --rollback
	is_new
	# and so is one that has come up once, whatever fails later
	mb exec web sh -c 'kill -9 $(pidof httpd)' || true
	until_ok 10 sh -c "$MINIBOX ps | grep -q ' web .*exited'"
	status 0 mb up -d --rollback
	is_new
}
test_up_rollback_after_a_failure_in_the_middle() {
	fresh
	make_new
	# db is made anew before it is seen that nginx cannot be
	sed -i 's,    volumes     static:/srv/static:ro;,    volumes     static:/srv/static:ro; working_dir /; user nobody-knows-him;,' stack.conf
	status 1 mb up -d --rollback
	has "$OUT" nobody-knows-him
	has "$OUT" "rolled back"
	is_old
	has "$(mb ps | grep ' nginx ')" running
}
test_up_rollback_that_began_nothing_leaves_all_as_it_is() {
	fresh
	sed -i 's/COLOUR=blue/COLOUR=red/' stack.conf
	status 0 mb up -d
	write_conf
	running=$(procs)
	# never said to have come up, as by `up` without -d
	sed -i 's/"proven":true/"proven":false/' "$MINIBOX_RUN/shop/.stack.json"
	sed -i 's/image       bb.tar/image       nowhere:1/' stack.conf
	status 1 mb up -d --rollback
	has "$OUT" nowhere
	eq "$(procs)" "$running"
}
test_the_only_service_that_cannot_be_made_anew_is_brought_back() {
	printf 'stack lone;\nservice a { image bb.tar; stop_grace_period 1s; }\n' >lone.conf
	status 0 mb up -d lone.conf
	sed -i 's/image bb.tar;/image bb.tar; user nobody-knows-him;/' lone.conf
	status 1 mb up -d lone.conf
	has "$OUT" nobody-knows-him
	status 0 mb rollback lone
	has "$(mb ps lone | grep ' a ')" running
	status 0 mb down lone
}
test_first_up_with_rollback_leaves_nothing() {
	printf 'stack first;\nservice a { image bb.tar; command sh -c "exit 3"; volumes v:/v; }\nvolume v;\n' >first.conf
	status 1 mb up -d --rollback first.conf
	has "$OUT" "exited with status 3"
	has "$OUT" "nothing of it was there before"
	hasnt "$(mb ps -a)" first
	[ -d "$MINIBOX_ROOT/volumes/first/v" ] || fail "its volume is gone"
	status 0 mb down --volumes first
}
test_a_rollback_that_fails_says_so_and_loses_nothing() {
	fresh
	mkdir -p bound
	sed -i 's,    volumes     data:/data;,    volumes     data:/data ./bound:/bound;,' stack.conf
	status 0 mb up -d
	write_conf
	sed -i 's/COLOUR=blue/COLOUR=red/' stack.conf
	status 0 mb up -d
	rmdir bound
	running=$(procs)
	status 1 mb rollback
	has "$OUT" "roll back stack 'shop'"
	has "$OUT" "$W/bound"
	eq "$(procs)" "$running"
	mkdir bound
	status 0 mb rollback
	eq "$(env_of web COLOUR)" blue
	mb exec db ls -d /bound
	# by --rollback, too
	rmdir bound
	make_sick
	cp stack.conf sick.conf
	mkdir bound
	write_conf
	cp keep/one.tar web.tar
	sed -i 's,    volumes     data:/data;,    volumes     data:/data ./bound:/bound;,' stack.conf
	status 0 mb up -d
	rmdir bound
	status 1 mb up -d --rollback sick.conf
	has "$OUT" "is unhealthy"
	has "$OUT" "nothing is lost"
	mkdir bound
	status 0 mb rollback
	is_old
}
test_secrets_and_configs_go_back_too() {
	printf 'stack sec;\nservice a {\n  image bb.tar; stop_grace_period 1s;\n  secrets key { mode 0400; }\n  configs site:/etc/site;\n}\nsecret key { file key; }\nconfig site { file site; }\n' >sec.conf
	echo key-one >key; echo site-one >site
	status 0 mb up -d sec.conf
	before=$(state)
	status 0 mb up -d sec.conf
	diff <(echo "$before") <(state) || fail "something was touched"
	echo key-two-longer >key; echo site-two-longer >site
	status 0 mb plan sec.conf
	has "$OUT" 'secret key: ****** → ****** (sec.conf:4)'
	has "$OUT" 'config site: ****** → ****** (sec.conf:5)'
	status 0 mb up -d sec.conf
	eq "$(mb exec sec/a cat /run/secrets/key /etc/site | tr '\n' ' ')" 'key-two-longer site-two-longer '
	rm key site
	status 0 mb rollback sec
	eq "$(mb exec sec/a cat /run/secrets/key /etc/site | tr '\n' ' ')" 'key-one site-one '
	eq "$(mb exec sec/a ls -l /run/secrets/key | cut -c1-10)" '-r--------'
	! grep -rq -e key-two -e key-one "$MINIBOX_ROOT" || fail "a secret is on the disk"
	! grep -q -e key-two -e key-one "$MINIBOX_RUN"/sec/.before.* || fail "a secret is where it may be swapped"
	status 0 mb rollback sec
	eq "$(mb exec sec/a cat /run/secrets/key)" key-two-longer
	status 0 mb down sec
}
test_images_to_go_back_to_are_kept() {
	fresh
	make_new
	status 0 mb up -d
	status 0 mb prune --all
	status 0 mb rollback
	is_old
	# the one before that is nobody's any more
	write_conf; cp keep/one.tar web.tar; status 0 mb up -d
	sed -i 's/blue/red/' stack.conf; status 0 mb up -d
	sed -i 's/red/blue/' stack.conf; status 0 mb up -d
	status 0 mb prune --all
	has "$OUT" 'removed image'
}
test_removed_and_stray_services_go() {
	fresh
	sed -i '/^service nginx/,/^}/d' stack.conf
	status 0 mb plan
	has "$OUT" 'remove    nginx                is no longer in the file'
	status 0 mb up -d
	has "$OUT" 'nginx: removed'
	hasnt "$(mb ps)" nginx
	status 0 mb rollback
	has "$(mb ps | grep ' nginx ')" running
	write_conf
	# as if the command that removed it had been killed after the record was written
	/usr/bin/python3 - "$MINIBOX_RUN/shop/.stack.json" <<-'EOF'
	import json, sys
	r = json.load(open(sys.argv[1]))
	r["services"] = [s for s in r["services"] if s["name"] != "nginx"]
	json.dump(r, open(sys.argv[1], "w"))
	EOF
	sed -i '/^service nginx/,/^}/d' stack.conf
	status 0 mb plan
	has "$OUT" 'remove    nginx                is what a killed command left'
	status 0 mb up -d
	[ ! -e "$MINIBOX_RUN/shop/nginx" ] || fail "it is still there"
	eq "$(mb plan | grep -c keep)" 2
}
test_budget_of_the_stack_is_a_step_too() {
	fresh
	running=$(procs)
	sed -i 's/^stack shop;/stack shop { mem_limit 500m; }/' stack.conf
	status 0 mb plan
	has "$OUT" 'refresh   (the stack)          mem_limit: none → 500m'
	status 0 mb up -d
	eq "$(procs)" "$running"
	hasnt "$(mb plan)" refresh
	status 0 mb rollback
	write_conf
	hasnt "$(mb plan)" refresh
}
test_limits_above_the_hosts_memory_are_told() {
	fresh
	sed -i 's/64m/900g/' stack.conf
	status 0 mb plan
	has "$OUT" "stack 'shop': memory limits of 921600 MiB exceed the"
	running=$(procs)
	before=$(state)
	status 1 mb up -d --strict
	has "$OUT" "exceed"
	diff <(echo "$before") <(state) || fail "something was touched"
	eq "$(procs)" "$running"
	status 0 mb up -d
	has "$OUT" "warning: stack 'shop': memory limits of 921600 MiB exceed"
	printf 'stack small;\nservice a { image bb.tar; mem_limit 8m; }\n' >small.conf
	status 1 mb up -d --strict small.conf
	has "$OUT" 'memory limits of 921608 MiB, those of other stacks with them, exceed'
	status 0 mb up -d --strict -p none small.conf || true
	write_conf
	status 0 mb up -d
	status 0 mb up -d --strict small.conf
	hasnt "$OUT" exceed
	status 0 mb down small
}
test_timeout_bounds_the_wait() {
	fresh
	sed -i 's/tcp 80;/tcp 99;/; s/retries 20/retries 2000/' stack.conf
	status 1 mb up -d --timeout 700ms
	has "$OUT" "is not up after 700 ms"
	status 0 mb rollback
	is_old
}
test_rollback_needs_no_file_that_can_be_read() {
	fresh
	make_new
	status 0 mb up -d
	echo '}' >>stack.conf
	status 0 mb rollback
	is_old
}
# killed after $1 ms, unless it is done by then
kill_after() {
	local ms=$1 pid; shift
	"$MINIBOX" "$@" >/dev/null 2>&1 & pid=$!
	sleep "$(awk "BEGIN {print $ms / 1000}")"
	kill -9 $pid 2>/dev/null || true
	wait $pid 2>/dev/null || true
}
is_proven() { grep -q '"proven":true' "$MINIBOX_RUN/shop/.stack.json"; }
test_killed_at_any_instant_up_finishes_and_rollback_goes_back() {
	fresh
	addresses=$(procs | awk '{print $1, $5}')
	for ms in 3 8 13 20 31 45 70 110 170 300; do
		make_new
		kill_after $ms up -d
		[ $((ms % 2)) = 0 ] || kill_after $ms up -d
		status 0 mb up -d
		is_new || { echo "up after $ms ms"; return 1; }
		eq "$(mb plan | grep -c '^keep')" 3
		kill_after $ms rollback
		# until it has come up again, another one goes the same way
		(is_proven && is_old) || status 0 mb rollback || { echo "rollback after $ms ms: $OUT"; return 1; }
		is_old || { echo "rollback after $ms ms"; return 1; }
		eq "$(procs | awk '{print $1, $5}')" "$addresses"
		write_conf
		cp keep/one.tar web.tar
		eq "$(mb plan | grep -c '^keep')" 3
	done
}
test_killed_up_can_be_gone_back_from_at_once() {
	for ms in 6 15 30 60 120; do
		fresh
		make_new
		kill_after $ms up -d
		grep -q '"whole":true' "$MINIBOX_RUN/shop/.stack.json" && is_old && continue # not begun
		mb rollback >out 2>&1 || grep -q 'no earlier model' out || { cat out; return 1; }
		write_conf; cp keep/one.tar web.tar
		is_old || { echo "after $ms ms"; return 1; }
	done
}
run_tests "$@"
