#!/bin/bash
# needs: root, the Debian archive. The README's first command, and the guestbook for real:
# PostgreSQL, Django and nginx, a deploy, two of them at once.
. "$(dirname "$0")/../lib/it.sh"
export PORT=18100
STACK=examples/django/stack.conf
URL=http://127.0.0.1:$PORT
page() { curl -sSf --max-time 10 "$URL/"; }
sign() { # NAME MESSAGE: post the form as a browser does, with its cookie and token
	local jar=$W/jar token
	token=$(curl -sSf --max-time 10 -c "$jar" "$URL/" | grep -o 'csrfmiddlewaretoken" value="[^"]*' | head -n 1 | cut -d'"' -f3)
	curl -sSf --max-time 10 -b "$jar" -c "$jar" -L -e "$URL/" -o /dev/null \
		--data-urlencode "csrfmiddlewaretoken=$token" --data-urlencode "name=$1" --data-urlencode "message=$2" "$URL/"
}
css() { page | grep -o '/static/[^"]*\.css' | head -n 1; }
field() { mb ps --json guestbook | /usr/bin/python3 -c "import json,sys; print([s['$2'] for s in json.load(sys.stdin) if s['service']=='$1'][0])"; }

test_make_example() {
	URL=$URL make example B="$BUILD" >"$W/make.log" 2>&1 || { tail -n 30 "$W/make.log"; mb logs guestbook | tail -n 50; false; }
	has "$(cat "$W/make.log")" "served by nginx"
}
test_second_run_is_quick() {
	start=$(date +%s%N)
	URL=$URL make example B="$BUILD" >"$W/make2.log" 2>&1
	took=$((($(date +%s%N) - start) / 1000000))
	hasnt "$(cat "$W/make2.log")" APT
	hasnt "$(cat "$W/make2.log")" created
	[ $took -lt 10000 ] || fail "took $took ms"
}
test_services_run_as_their_own_users() {
	eq "$(mb exec guestbook/db id -un)" postgres
	hasnt "$(mb exec guestbook/web id -u)" ' 0'
	[ "$(mb exec guestbook/nginx id -u)" != 0 ]
	eq "$(field migrate state) $(field migrate exit_code)" 'exited 0'
	for s in db web nginx; do eq "$(field $s state)" healthy; done
	[ "$(awk '/^Uid:/ {print $2}' "/proc/$(field db pid)/status")" -ge 1946157056 ]
}
test_row_goes_through_nginx_and_django_into_postgres() {
	sign Ada 'first entry'
	has "$(page)" 'first entry'
	has "$(mb exec guestbook/db psql -U guestbook -tAc "select message from guestbook_entry" guestbook)" 'first entry'
}
test_row_survives_a_restart_of_the_database() {
	status 0 mb restart guestbook/db
	until_ok 30 sh -c "$MINIBOX ps guestbook | grep -q 'db .*healthy'"
	until_ok 20 page
	has "$(page)" 'first entry'
}
test_row_survives_down_and_up() {
	status 0 mb down guestbook
	! page 2>/dev/null || fail "answers after down"
	status 0 mb up -d $STACK
	has "$(page)" 'first entry'
}
test_stylesheet_comes_from_nginx_itself() {
	head=$(curl -sS --max-time 10 -D - -o "$W/css" "$URL$(css)")
	has "$head" 'Server: nginx'
	has "$head" '200'
	grep -q '{' "$W/css"
	has "$(curl -sS --max-time 10 -D - -o /dev/null "$URL/healthz")" 200
}
test_nginx_logs_to_stdout_as_another_user() {
	has "$(mb logs guestbook/nginx)" '"GET / HTTP/1.1" 200'
}
test_deploy_of_a_new_image_serves_its_files_at_once() {
	old=$(css)
	nginx=$(field nginx pid) db=$(field db pid)
	mkdir "$W/django"
	cp -a examples/django/{app,recipes,build,build-images.sh,ociwrite.py} "$W/django/"
	echo '/* the new release */' >>"$W/django/app/guestbook/static/guestbook/style.css"
	"$W/django/build-images.sh" "$W/django/images" --web-only
	cp examples/django/images/web.tar "$W/web-before.tar"
	(end=$((SECONDS + 90)); while [ ! -e "$W/stop" ] && [ $SECONDS -lt $end ]; do
		curl -sSf --max-time 5 -o /dev/null "$URL/static/guestbook/logo.svg" 2>>"$W/errors" || echo failed >>"$W/errors"
		echo >>"$W/reads"
	done) & loop=$!
	cp "$W/django/images/web.tar" examples/django/images/web.tar.new && mv examples/django/images/web.tar.new examples/django/images/web.tar
	st=0; mb up -d $STACK || st=$?
	new=$(css)
	content=$(curl -sSf --max-time 10 "$URL$new")
	touch "$W/stop"; wait $loop
	mv "$W/web-before.tar" examples/django/images/web.tar
	eq $st 0
	[ "$old" != "$new" ] || fail "the page still names $old"
	has "$content" 'the new release'
	[ ! -s "$W/errors" ] || fail "$(sort "$W/errors" | uniq -c | head -n 3)"
	[ "$(wc -l <"$W/reads")" -gt 20 ] || fail "only $(wc -l <"$W/reads") reads"
	eq "$(field nginx pid)" "$nginx"
	eq "$(field db pid)" "$db"
	has "$(page)" 'first entry'
}
test_a_second_guestbook_beside_the_first() {
	PORT=18101 status 0 mb up -d -p staging $STACK
	hasnt "$(curl -sSf --max-time 10 http://127.0.0.1:18101/)" 'first entry'
	has "$(page)" 'first entry'
	status 0 mb down --volumes staging
	has "$(page)" 'first entry'
}
test_one_off_commands() {
	status 0 mb run --rm $STACK/web python3 manage.py check
	has "$OUT" 'no issues'
	status 3 mb run --rm --no-deps $STACK/web python3 -c 'raise SystemExit(3)'
	status 1 mb exec guestbook/web python3 manage.py nonsense
}
test_resident_memory() {
	sup=$(cat "$MINIBOX_RUN/guestbook/.supervisor") sum=0
	for p in $sup "$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")" "$(field db pid)" "$(field web pid)" "$(field nginx pid)"; do
		sum=$((sum + $(awk '/^Pss:/ {print $2}' "/proc/$p/smaps_rollup")))
	done
	[ $sum -le 512 ] || fail "$sum KiB"
}
test_down_with_volumes() {
	status 0 mb down --volumes guestbook
	eq "$(mb ps -a --json)" '[]'
}
run_tests "$@"
