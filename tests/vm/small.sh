#!/bin/bash
# needs: root, a machine of 512 MiB (vm.sh), the example's images. The guestbook where memory is short:
# loaded, started, used, deployed anew, taken down, under the AppArmor profile that hosts with AppArmor
# have. Ends with what it took, in lines of comment.
#
# RELEASE is an archive of the web image with one layer more, which has /srv/static/release.txt.
. "$(dirname "$0")/../lib/it.sh"
export PORT=18110
URL=http://127.0.0.1:$PORT
page() { curl -sSf --max-time 60 "$URL/"; }
shows() { case $(page) in *"$1"*) ;; *) return 1 ;; esac; }
sign() { # NAME MESSAGE: post the form as a browser does, with its cookie and token
	local jar=$W/jar token
	token=$(curl -sSf --max-time 60 -c "$jar" "$URL/" | grep -o 'csrfmiddlewaretoken" value="[^"]*' | head -n 1 | cut -d'"' -f3)
	curl -sSf --max-time 60 -b "$jar" -c "$jar" -L -e "$URL/" -o /dev/null \
		--data-urlencode "csrfmiddlewaretoken=$token" --data-urlencode "name=$1" --data-urlencode "message=$2" "$URL/"
}
pids() { mb ps --json | grep -o '"pid": [1-9][0-9]*' | cut -d' ' -f2; }
meminfo() { awk -v k="$1:" '$1 == k {print $2}' /proc/meminfo; }
# The least MemAvailable there is until $W/stop comes, kept in $W/least. No process is started for it.
watch_memory() {
	local least='' key kib unit
	while [ ! -e "$W/stop" ]; do
		while read -r key kib unit; do
			[ "$key" != MemAvailable: ] || [ "${least:-$kib}" -lt "$kib" ] || least=$kib
		done </proc/meminfo
		echo "$least" >"$W/least"
		read -r -t 0.5 <>"$W/never" || true
	done
}
told() { echo "# $*" >>"$W/told"; }

mkdir -p "$W/django/images"
cp examples/django/{nginx.conf,secrets.env} "$W/django/"
# A machine that is emulated beside other tests may be slower than what the example takes for broken.
sed -E 's/^( +timeout +)[0-9]+s;/\120s;/; s/^( +retries +)[0-9]+;/\1100;/; /^service migrate/a restart on-failure:9;' examples/django/stack.conf >"$W/django/stack.conf"
for i in postgres web nginx; do ln -s "$TOP/examples/django/images/$i.tar" "$W/django/images/"; done
cd "$W/django" || exit 1
mkfifo "$W/never"
PROFILE=$TOP/runtime/container/apparmor/minibox-default
watch_memory & watcher=$!
began=$SECONDS

test_the_machine_is_small() {
	[ "$(meminfo MemTotal)" -lt $((512 * 1024)) ] || fail "$(meminfo MemTotal) KiB"
	eq "$(meminfo SwapTotal)" 0
	apparmor_parser -rK "$PROFILE"
	told "$(meminfo MemTotal) KiB in all, $(meminfo MemAvailable) KiB available before"
}
test_images_are_loaded() {
	for i in postgres web nginx; do
		status 0 mb load images/$i.tar
	done
	told "loaded after $((SECONDS - began)) s, least available until then $(cat "$W/least") KiB"
}
test_the_guestbook_comes_up() {
	status 0 mb up -d
	until_ok 30 shows '<title>'
	has "$(curl -sS --max-time 60 -D - -o /dev/null "$URL/static/guestbook/logo.svg")" 'Server: nginx'
	told "up after $((SECONDS - began)) s"
}
test_an_entry_is_kept() {
	until_ok 30 sign Ada 'from a small machine'
	until_ok 30 shows 'from a small machine'
}
test_services_are_confined() {
	eq "$(pids | wc -l)" 3
	for p in $(pids); do
		[ "$(readlink "/proc/$p/ns/user")" != "$(readlink /proc/self/ns/user)" ] || fail "$p is in ours"
		eq "$(tr -d '\0' <"/proc/$p/attr/apparmor/current")" 'minibox-default (enforce)'
	done
}
test_a_release_takes_the_place_of_the_old() {
	ln -sf "$RELEASE" images/web.tar
	status 0 mb up -d
	eq "$(curl -sSf --max-time 60 "$URL/static/release.txt")" 'the new release'
	until_ok 30 shows 'from a small machine'
	told "deployed anew after $((SECONDS - began)) s"
}
test_nothing_was_killed_for_memory() {
	eq "$(awk '$1 == "oom_kill" {print $2}' /proc/vmstat)" 0
	hasnt "$(mb ps)" 'out of memory'
}
test_what_stays_resident_is_little() {
	sup=$(cat "$MINIBOX_RUN/guestbook/.supervisor") sum=0
	for p in $sup "$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")" $(pids); do
		sum=$((sum + $(awk '/^Pss:/ {print $2}' "/proc/$p/smaps_rollup")))
	done
	[ $sum -gt 0 ] && [ $sum -le 512 ] || fail "$sum KiB"
	told "minibox's own resident processes: Pss $sum KiB"
	told "memory.peak: $(cd /sys/fs/cgroup && find . -path '*guestbook*' -name memory.peak |
		while read -r f; do echo "$(basename "$(dirname "$f")") $(($(cat "$f") / 1024)) KiB"; done | sort | paste -sd,)"
}
test_it_is_taken_down() {
	status 0 mb down --volumes guestbook
	eq "$(mb ps -a --json)" '[]'
	touch "$W/stop"
	apparmor_parser -R "$PROFILE"
	told "down after $((SECONDS - began)) s, least available $(cat "$W/least") KiB"
}
KEEP=1 run_tests "$@"; st=$?
touch "$W/stop"; wait $watcher
cat "$W/told"
rm -rf --one-file-system "$W"
exit $st
