#!/bin/bash
# needs: root. Named, anonymous, bound and shared volumes.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
mkdir -p "$W/data"; echo seed >"$W/data/seed"; chmod 640 "$W/data/seed"
mkimg() { # VERSION: an image whose /srv/static says so
	mkdir -p "$W/l/srv/static" "$W/l/data"; echo "$1" >"$W/l/srv/static/version"; echo "$1" >"$W/l/srv/static/app.$1.css"
	rm -f "$W/l/srv/static"/app.*; echo "css $1" >"$W/l/srv/static/app.$1.css"
	echo seed >"$W/l/data/seed"; chown 33:33 "$W/l/data" "$W/l/data/seed"; chmod 2750 "$W/l/data"; chmod 4640 "$W/l/data/seed"
	/usr/bin/python3 tests/lib/mkimage.py "$W/app.tar" --name app:1 --layer "$W/bb" --keep-owners --layer "$W/l" \
		--volume /anon --cmd sleep 1000
}
cd "$TOP" && mkimg one
image "$W/reader.tar" reader:1 --cmd sleep 1000
cat >"$W/stack.conf" <<'EOF'
stack vol;
service web {
    image app.tar;
    command sleep 1000;
    volumes kept:/data ./host:/host ./host/file:/file:ro;
    stop_grace_period 1s;
}
service reader {
    image reader.tar;
    command httpd -f -p 80 -h /;    # not -h /static: a working directory stays where it was
    volumes static:/static:ro;
    depends_on web;
    ports 18082:80;
    stop_grace_period 1s;
}
volume kept;
volume static { from web:/srv/static; }
EOF
mkdir -p "$W/host"; echo from host >"$W/host/file"
cd "$W" || exit 1
get() { curl -sSf --max-time 5 "http://127.0.0.1:18082/static/$1"; }
id_of() { mb ps --json | /usr/bin/python3 -c "import json,sys; print([(s['id'],s['pid']) for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }

test_up() { status 0 mb up -d; }
test_named_volume_is_filled_from_the_image() {
	eq "$(mb exec web cat /data/seed)" seed
	eq "$(mb exec web stat -c '%u:%g %a' /data)" '33:33 2750'
	eq "$(mb exec web stat -c '%u:%g %a' /data/seed)" '33:33 4640'
	eq "$(stat -c '%u' "$MINIBOX_ROOT/volumes/vol/kept/seed")" 33
}
test_bind_shows_the_host_and_is_written_as_root() {
	eq "$(mb exec web cat /host/file)" 'from host'
	status 0 mb exec web sh -c 'echo inside >/host/made'
	eq "$(cat host/made) $(stat -c %u host/made)" 'inside 0'
	! mb exec web sh -c 'echo x >/file' || fail "a read-only bind was written"
}
test_anonymous_volume_is_kept_by_restart_and_recreation() {
	status 0 mb exec web sh -c 'echo mine >/anon/x'
	status 0 mb restart web
	eq "$(mb exec web cat /anon/x)" mine
	status 0 mb up -d --force-recreate stack.conf web
	eq "$(mb exec web cat /anon/x)" mine
}
test_share_shows_the_other_root_without_a_copy() {
	eq "$(get version)" one
	! mb exec reader sh -c 'echo x >/static/version' || fail "a reader wrote into the share"
	status 0 mb exec web sh -c 'echo made at run time >/srv/static/new'
	eq "$(get new)" 'made at run time'
}
test_new_image_is_served_at_once_and_the_reader_goes_on() {
	before=$(id_of reader)
	(end=$((SECONDS + 300)); while [ ! -e stop ] && [ $SECONDS -lt $end ]; do
		get version >>seen || echo error >>errors
	done) & loop=$!
	for v in two three four; do
		(cd "$TOP" && mkimg $v)
		status 0 mb up -d
		eq "$(get version)" $v
		eq "$(get app.$v.css)" "css $v"
	done
	until_ok 60 grep -q four seen # on a slow machine the loop is not round yet
	touch stop; wait $loop
	[ ! -e errors ] || fail "$(wc -l <errors) requests failed during the refresh"
	eq "$(uniq seen | tr '\n' ' ')" 'one two three four '
	eq "$(id_of reader)" "$before"
	eq "$(ls "$MINIBOX_ROOT"/containers/vol@* | grep -c '^web\.')" 1
}
test_volume_is_kept_by_down_and_goes_with_volumes() {
	status 0 mb exec web sh -c 'echo kept >/data/k'
	status 0 mb down
	status 0 mb up -d
	eq "$(mb exec web cat /data/k)" kept
	status 0 mb down --volumes
	[ ! -e "$MINIBOX_ROOT/volumes/vol" ] || fail "volumes are left"
	eq "$(ls "$MINIBOX_ROOT/containers")" ''
}
test_odd_volume_paths_of_an_image_do_not_meet() {
	/usr/bin/python3 "$TOP/tests/lib/mkimage.py" odd.tar --name odd:1 --layer bb --volume /a_b --volume /a/b --volume '/x=y z' --cmd sleep 1000
	printf 'stack odd;\nservice a { image odd.tar; stop_grace_period 1s; }\n' >odd.conf
	status 0 mb up -d odd.conf
	status 0 mb exec odd/a sh -c 'echo 1 >/a_b/f; echo 2 >/a/b/f; echo 3 >"/x=y z/f"; cat /a_b/f /a/b/f "/x=y z/f"'
	eq "$(echo $OUT)" '1 2 3'
	status 0 mb down --volumes odd
	/usr/bin/python3 "$TOP/tests/lib/mkimage.py" odd.tar --name odd:1 --layer bb --volume /a/../../etc --cmd sleep 1000
	status 1 mb up -d odd.conf
	has "$OUT" '/a/../../etc'
	status 0 mb down --volumes odd
}
test_missing_bind_source_names_its_line() {
	printf 'stack b;\nservice a {\n  image app.tar;\n  volumes ./nowhere:/x;\n}\n' >bad.conf
	status 2 mb up -d bad.conf
	has "$OUT" bad.conf:4:
	has "$OUT" nowhere
}
test_one_off_readers_and_volumes() {
	status 0 mb run --no-deps web cat /data/seed
	has "$OUT" seed
	eq "$(ls "$MINIBOX_ROOT/volumes/vol" | tr '\n' ' ')" 'kept '
	eq "$(mb ps -a --json)" '[]'
	status 0 mb down --volumes
}
test_secrets_and_configs() {
	printf 'pass-%s' alpha >key
	echo 'listen 80' >site
	cat >sec.conf <<'EOF'
stack sec;
service a { image odd.tar; stop_grace_period 1s; user 999; command sh -c "cat /run/secrets/key; sleep 1000";
	secrets key { uid 999; gid 7; mode 0400; } secrets key:/etc/app/key; configs site:/etc/site.conf; }
service b { image odd.tar; stop_grace_period 1s; configs site; read_only on; tmpfs /run; secrets key; userns host; }
service c { image odd.tar; stop_grace_period 1s; command cat; stdin_open on; }
secret key { file key; }
config site { file site; }
EOF
	/usr/bin/python3 "$TOP/tests/lib/mkimage.py" odd.tar --name odd:1 --layer bb --cmd sleep 1000
	status 0 mb up -d sec.conf
	until_ok 10 sh -c "$MINIBOX logs sec/a | grep -q pass-alpha"
	eq "$(mb exec sec/a stat -c '%u %g %a %s' /run/secrets/key /etc/app/key | tr '\n' ' ')" '999 7 400 10 0 0 444 10 '
	eq "$(mb exec -u www sec/a cat /etc/app/key /etc/site.conf)" 'pass-alphalisten 80'
	! mb exec -u www sec/a cat /run/secrets/key || fail "another user reads it"
	! mb exec -u root sec/a sh -c 'chmod 666 /run/secrets/key; echo x >/run/secrets/key' || fail "it was written to"
	eq "$(mb exec sec/a awk '$2 == "/run/secrets/key" {print $3, $4}' /proc/mounts | grep -cE '^tmpfs ro,nosuid,nodev,noexec')" 1
	eq "$(mb exec sec/b cat /run/secrets/key /site)" 'pass-alphalisten 80'
	# nowhere but on that tmpfs
	eq "$(grep -rl pass-alpha "$MINIBOX_ROOT" "$MINIBOX_RUN" 2>/dev/null | grep -v "/logs/\|/secrets/" || true)" ''
	eq "$(stat -f -c %T "$MINIBOX_RUN/sec/a/secrets")" tmpfs
	hasnt "$(mb inspect sec/a sec/b; mb plan sec.conf; mb config sec.conf; mb ps --json sec)" pass-alpha
	# what ran goes on with what it was started with; up takes what was written since
	ids() { mb ps --json sec | /usr/bin/python3 -c 'import json,sys; print([s["id"] for s in json.load(sys.stdin) if s["service"] == sys.argv[1]])' "$1"; }
	old=$(ids a)
	status 0 mb up -d sec.conf
	eq "$(ids a)" "$old"
	sed -i 's/configs site;//' sec.conf
	echo 'listen 81' >site.new
	mv site.new site
	status 0 mb restart sec/a
	eq "$(mb exec sec/a cat /etc/site.conf)" 'listen 80'
	has "$(mb plan sec.conf)" 'config site'
	old=$(ids c)
	status 0 mb up -d sec.conf
	eq "$(mb exec sec/a cat /etc/site.conf)" 'listen 81'
	eq "$(ids c)" "$old"
	! mb exec sec/b ls /site 2>/dev/null || fail "it is still there"
	# standard input that is open does not end
	eq "$(mb ps --json sec | grep -c '"running"')" 3
	printf 'stack sec;\nservice a { image odd.tar; secrets key { uid 70000; } }\nsecret key { file key; }\n' >ids.conf
	status 1 mb up -d ids.conf
	has "$OUT" "secret 'key': id '70000' is outside of the container's 65536 ids"
	status 0 mb down --volumes sec
}
run_tests "$@"
