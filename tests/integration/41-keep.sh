#!/bin/bash
# needs: root. Shares that keep generations: `volume V { from S:PATH; keep N; }`.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
mkimg() { # VERSION: an image whose /srv/static says so
	rm -rf "$W/l"; mkdir -p "$W/l/srv/static/dir"
	echo "$1" >"$W/l/srv/static/version"; echo "css $1" >"$W/l/srv/static/app.$1.css"; echo "$1" >"$W/l/srv/static/dir/$1"
	/usr/bin/python3 "$TOP/tests/lib/mkimage.py" "$W/app.tar" --name "app:$1" --layer "$W/bb" --layer "$W/l" --cmd sleep 1000
}
mkimg one
image "$W/reader.tar" reader:1 --cmd sleep 1000
cat >"$W/stack.conf" <<'EOF'
stack keep;
service web { image app.tar; environment RELEASE=1; stop_grace_period 1s; }
service made {
    image reader.tar;
    command sh -c 'mkdir -p /out; rm -f /out/*; echo $RELEASE >/out/release; echo $RELEASE >/out/$RELEASE.js; touch /ready; sleep 1000';
    environment RELEASE=1;
    healthcheck { test test -e /ready; interval 1s; }
    stop_grace_period 1s;
}
service reader {
    image reader.tar;
    command httpd -f -p 80 -h /;
    volumes static:/static:ro made:/made:ro;
    depends_on web made;
    ports 18083:80;
    stop_grace_period 1s;
}
volume static { from web:/srv/static; keep 2; }
volume made { from made:/out; keep 2; }
EOF
cd "$W" || exit 1
get() { curl -sSf --max-time 5 "http://127.0.0.1:18083/$1"; }
gone() { ! get "$1" 2>/dev/null || fail "'$1' is there still"; }
is() { [ "$(get "$1")" = "$2" ]; }
pid_of() { mb ps --json | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }
copies() { ls -d "$MINIBOX_ROOT"/containers/keep*/.generation-"$1".* 2>/dev/null | wc -l; }
release() { sed -i "s/RELEASE=[0-9]*;/RELEASE=$1;/" stack.conf; mkimg "$2"; status 0 mb up -d; }

test_up_shows_the_first() {
	status 0 mb up -d
	until_ok 20 is static/version one
	eq "$(get static/app.one.css)" 'css one'
	eq "$(get made/release)" 1
}
test_a_new_image_shows_its_own_files_and_those_of_the_last() {
	before=$(pid_of reader)
	(end=$((SECONDS + 120)); while [ ! -e stop ] && [ $SECONDS -lt $end ]; do
		get static/app.one.css >/dev/null || echo error >>errors
		get static/version >>seen || echo error >>errors
	done) & loop=$!
	release 2 two
	eq "$(get static/version)" two
	eq "$(get static/app.two.css)" 'css two'
	eq "$(get static/app.one.css)" 'css one'
	eq "$(get static/dir/one) $(get static/dir/two)" 'one two'
	eq "$(get made/release) $(get made/1.js) $(get made/2.js)" '2 1 2'
	until_ok 60 grep -q two seen
	touch stop; wait $loop
	[ ! -e errors ] || fail "$(wc -l <errors) requests failed during the refresh"
	eq "$(uniq seen | tr '\n' ' ')" 'one two '
	eq "$(pid_of reader)" "$before"
}
test_what_an_image_holds_is_not_copied_and_the_rest_once() {
	eq "$(copies static)" 0
	eq "$(copies made)" 2
}
test_the_oldest_goes_when_there_are_enough() {
	release 3 three
	eq "$(get static/version)" three
	eq "$(get static/app.two.css) $(get made/2.js)" 'css two 2'
	gone static/app.one.css
	gone made/1.js
	eq "$(copies made)" 2
}
test_an_image_whose_files_are_shown_is_in_use() {
	status 1 mb rmi app:two
	has "$OUT" "is used"
	status 0 mb rmi app:one
	status 0 mb prune --all
	eq "$(get static/app.two.css)" 'css two'
}
test_readers_made_anew_see_the_same() {
	status 0 mb restart reader
	until_ok 20 is static/version three
	eq "$(get static/app.two.css) $(get made/2.js) $(get made/release)" 'css two 2 3'
}
test_a_restart_is_no_generation_and_shows_what_was_written() {
	status 0 mb exec web sh -c 'echo late >/srv/static/late'
	gone static/late
	status 0 mb restart web
	until_ok 20 is static/late late
	eq "$(get static/app.two.css)" 'css two'
	eq "$(copies static)" 1
	status 0 mb restart web
	until_ok 20 is static/late late
	eq "$(get static/app.two.css)" 'css two'
	until_ok 20 [ "$(copies static)" = 1 ]
}
test_another_keep_is_shown_at_once_and_nothing_is_made_anew() {
	before=$(pid_of reader)$(pid_of web)
	sed -i 's/volume static.*/volume static { from web:\/srv\/static; }/' stack.conf
	status 0 mb plan
	has "$OUT" 'keep'
	status 0 mb up -d
	eq "$(get static/version) $(get static/late)" 'three late'
	gone static/app.two.css
	eq "$(copies static)" 0
	eq "$(pid_of reader)$(pid_of web)" "$before"
	sed -i 's/volume static.*/volume static { from web:\/srv\/static; keep 3; }/' stack.conf
	status 0 mb up -d
	release 4 four
	eq "$(get static/version) $(get static/app.three.css) $(get static/late)" 'four css three late'
	eq "$(pid_of reader)" "${before%"$(echo "$before" | cut -c$((${#before} / 2 + 1))-)"}"
}
test_a_refresh_killed_at_any_step_is_made_good_by_the_next() {
	for s in 0.002 0.004 0.006 0.01 0.02 0.04; do
		"$BUILD/minibox" _refresh keep web & p=$!
		sleep $s; kill -9 $p 2>/dev/null || true; wait $p || true
	done
	status 0 "$BUILD/minibox" _refresh keep web
	eq "$(get static/version) $(get static/app.three.css)" 'four css three'
	status 0 mb restart web
	until_ok 20 is static/version four
}
test_another_path_is_shown_when_the_file_says_so() {
	sed -i 's/volume static.*/volume static { from web:\/srv\/static\/dir; }/' stack.conf
	status 0 mb up -d
	eq "$(get static/four)" four
	gone static/version
}
test_nothing_is_left() {
	status 0 mb down
	eq "$(ls -A "$MINIBOX_ROOT/containers")" ''
	! grep -q "$MINIBOX_RUN/keep" /proc/self/mountinfo || fail "a mount is left"
}
test_what_a_full_disk_had_no_room_for_is_removed() {
	mkdir -p "$W/disk/at"
	(cd "$TOP" && image "$W/disk/busy.tar" busy:1)
	mount -t tmpfs -o size=6m,mode=700 disk "$W/disk/at"
	trap 'mb down --volumes --timeout 1s full; umount "$W/disk/at"' EXIT
	export MINIBOX_ROOT=$W/disk/at MINIBOX_RUN=$W/disk/run
	cat >"$W/disk/stack.conf" <<-'EOF'
		stack full;
		service a {
			image busy.tar;
			command sh -c 'mkdir /f; head -c 2000000 /dev/zero >/f/x; touch /ready; exec sleep 900';
			healthcheck { test shell 'test -e /ready'; interval 1s; }
			stop_grace_period 1s;
		}
		service r { image busy.tar; command sleep 900; stop_grace_period 1s; volumes f:/f; }
		volume f { from a:/f; keep 3; }
	EOF
	status 0 mb up -d "$W/disk/stack.conf"
	until_ok 20 sh -c "'$MINIBOX' events full | grep -q 'could not be refreshed'"
	eq "$(find "$W/disk/at/containers" -name '.generation-*')" ''
}
test_keep_without_from_and_odd_numbers_are_errors() {
	printf 'stack b;\nservice a { image app.tar; }\nvolume v { keep 2; }\nvolume w { from a:/x; keep 17; }\n' >bad.conf
	status 2 mb config bad.conf
	has "$OUT" bad.conf:3:
	has "$OUT" bad.conf:4:
}
run_tests "$@"
