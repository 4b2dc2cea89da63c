# it.sh - harness of the integration tests; sourced first by each tests/integration/NN-name.sh.
#
# A test is a function test_WHAT_IT_SHOWS. They run in the file's order, each in a subshell with
# `set -e`, and may build on what an earlier one left running. $W is the script's own directory,
# MINIBOX_ROOT and MINIBOX_RUN lie in it, so a host's real stacks are never touched. `skip WHY`
# ends a test as skipped. After the last test the host must be as before the first.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
TOP=$PWD
BUILD=${BUILD:-$TOP/build}
MINIBOX=$BUILD/minibox
NAME=$(basename "$0" .sh)
W=$(mktemp -d "${TMPDIR:-/tmp}/minibox-it.XXXXXX")
export MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run NO_COLOR=1
FAILED=0 COUNT=0

mb() { "$MINIBOX" "$@"; }
skip() { echo "$*" >"$W/.skip"; exit 77; }
fail() { echo "FAILED: $*" >&2; return 1; }
eq() { [ "$1" = "$2" ] || fail "got '$1', wanted '$2'"; }
has() { case $1 in *"$2"*) ;; *) fail "'$2' is not in: $1" ;; esac; }
hasnt() { case $1 in *"$2"*) fail "'$2' is in: $1" ;; esac; }
# status N CMD...: CMD ends with status N; its output (both) is in $OUT
status() {
	local want=$1 got=0; shift
	OUT=$("$@" 2>&1) || got=$?
	[ "$got" = "$want" ] || fail "status $got, wanted $want, of: $* -- $OUT"
}
# until_ok SECONDS CMD...: try CMD until it succeeds; a machine may be SLOW times slower
until_ok() {
	local end=$((SECONDS + $1 * ${SLOW:-1})); shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { fail "never came true: $*"; return 1; }
		sleep 0.1
	done
}

# Everything of the kernel that a stack could leave behind, one line each.
host_state() {
	# not /sys/class/net: that shows the namespace which sysfs was mounted in
	ip -o link | awk -F '[:@] *' '{print "link", $2}' | sort
	awk '{print "mount", $5}' /proc/self/mountinfo | sort
	find /sys/fs/cgroup -maxdepth 3 -type d -name 'minibox*' 2>/dev/null | sort
	nft list tables 2>/dev/null
	for p in /proc/[0-9]*; do
		{ mapfile -d '' -t p <"$p/cmdline" && echo "${p[*]}"; } 2>/dev/null
	done | grep -E "minibox(-init|-supervisor)?( |$)" | grep -v "$NAME"
	sed 's/^/ip_forward /' /proc/sys/net/ipv4/ip_forward
	ls -d /run/minibox* 2>/dev/null
}

image() { # OUT.tar NAME ARG...: a busybox image
	local out=$1 name=$2; shift 2
	/usr/bin/python3 tests/lib/mkimage.py "$out" --name "$name" --layer "$W/bb" "$@"
}
busybox_root() { # the layer of `image`: busybox and its applets as links
	mkdir -p "$W/bb/bin" "$W/bb/etc" "$W/bb/tmp" "$W/bb/var/www"
	chmod 1777 "$W/bb/tmp"
	cp /bin/busybox "$W/bb/bin/busybox"
	# busybox's shell makes a link without starting a program
	(cd "$W/bb/bin" && ./busybox sh -c 'for a in $(./busybox --list); do [ $a = busybox ] || ln -sf busybox $a; done')
	printf 'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/var/www:/bin/sh\n' >"$W/bb/etc/passwd"
	printf 'root:x:0:\nwww:x:33:\nextra:x:44:www\n' >"$W/bb/etc/group"
}

run_tests() {
	local before after t st
	before=$(host_state)
	for t in $(declare -F | awk '{print $3}' | grep '^test_' | while read -r f; do
		shopt -s extdebug; declare -F "$f"; done | sort -k2n | awk '{print $1}'); do
		[ $# -eq 0 ] || [ "$1" = "$t" ] || [ "$1" = "${t#test_}" ] || continue
		COUNT=$((COUNT + 1))
		rm -f "$W/.skip"
		# a server that the test left in the background must not outlive a failure
		(set -e; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT; "$t") >"$W/.log" 2>&1
		st=$?
		if [ $st -eq 77 ] && [ -f "$W/.skip" ]; then
			echo "ok $COUNT - $NAME ${t#test_} # SKIP $(cat "$W/.skip")"
		elif [ $st -eq 0 ]; then
			echo "ok $COUNT - $NAME ${t#test_}"
		else
			echo "not ok $COUNT - $NAME ${t#test_}"
			sed 's/^/# /' "$W/.log" | tail -n 40
			FAILED=$((FAILED + 1))
		fi
	done
	for t in $("$MINIBOX" ps -a --json 2>/dev/null | grep -o '"stack": "[^"]*"' | cut -d'"' -f4 | sort -u); do
		"$MINIBOX" down --timeout 1s --volumes "$t" >/dev/null 2>&1
	done
	# a network that only one-off containers used is removed a second after the last of them
	for _ in $(seq 40); do
		after=$(host_state)
		[ "$before" != "$after" ] || break
		sleep 0.1
	done
	COUNT=$((COUNT + 1))
	if [ "$before" = "$after" ]; then
		echo "ok $COUNT - $NAME leaves the host as it was"
	else
		echo "not ok $COUNT - $NAME leaves the host as it was"
		diff <(echo "$before") <(echo "$after") | sed 's/^/# /'
		FAILED=$((FAILED + 1))
	fi
	if [ -z "${KEEP:-}" ]; then rm -rf --one-file-system "$W"; fi
	echo "1..$COUNT"
	[ $FAILED -eq 0 ]
}
