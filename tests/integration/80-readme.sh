#!/bin/bash
# needs: root. Every line of the README that can be held against the program is.
. "$(dirname "$0")/../lib/it.sh"

test_first_stack_is_right() {
	sed -n '/^```nginx/,/^```/p' README.md | grep -v '^```' >"$W/stack.conf"
	[ "$(wc -l <"$W/stack.conf")" -le 10 ] || fail "a first stack has more than ten lines"
	status 0 mb config "$W/stack.conf"
	has "$OUT" 'stack hello'
}
test_commands_of_the_table_exist() {
	for c in $(sed -n '/^## Commands/,/^Every command/p' README.md | grep -o '^| `.*` |' | grep -oE '`[a-z]+' | tr -d '`'); do
		status 0 mb "$c" --help
	done
	help=$(mb --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
	for c in $help; do grep -qE "\`$c\b" README.md || fail "'$c' is not in the README"; done
}
test_links_lead_somewhere() {
	for l in $(grep -oE '\]\([^)]*\)' README.md | tr -d '()]'); do
		case $l in http*) ;; *) [ -e "$l" ] || fail "$l is not there" ;; esac
	done
}
test_keys_of_the_table_are_taken() {
	# each key alone, with a word that it takes
	declare -A word=([command]='sleep 1' [entrypoint]='/bin/sh' [environment]='A=b' [env_file]="$W/e.env" [tmpfs]=/t
		[ports]=18300:80 [restart]=always [user]=root [working_dir]=/ [hostname]=h [init]=off [tty]=on [stdin_open]=on [labels]=a=b
		[profiles]=p [extra_hosts]=h=10.0.0.1 [dns]=10.0.0.1 [stop_signal]=SIGINT [stop_grace_period]=1s [mem_limit]=1m
		[cpus]=0.5 [pids_limit]=5 [shm_size]=1m [ulimits]=nofile=100 [sysctls]=net.core.somaxconn=5 [read_only]=on
		[cap_add]=NET_ADMIN [cap_drop]=ALL [privileged]=off [security_opt]=no-new-privileges [userns]=required [memswap_limit]='-1; mem_limit 8m' [mem_reservation]=1m [cpu_shares]=2 [cpu_period]=50ms [cpu_quota]=50ms
		[cpuset]=0 [oom_score_adj]=1 [oom_group]=on [devices]=/dev/full [volumes]=/tmp:/t)
	echo A=b >"$W/e.env"
	for k in "${!word[@]}"; do
		printf 'stack k;\nservice a { image x.tar; %s %s; }\n' "$k" "${word[$k]}" >"$W/k.conf"
		status 0 mb config "$W/k.conf"
		grep -q "\`$k[\` ]" README.md || fail "'$k' is not in the README"
	done
}
test_install_gives_a_working_program() {
	make -s install B="$BUILD" DESTDIR="$W/inst" PREFIX=/usr >/dev/null
	status 0 "$W/inst/usr/bin/minibox" --version
	status 0 "$W/inst/usr/bin/minibox-oci" --version
	has "$OUT" "minibox oci version"
	eq "$(ls "$W/inst/usr/lib/minibox" | tr '\n' ' ')" 'minibox minibox-fetch minibox-init minibox-parse minibox-supervisor '
	[ ! -e "$W/inst/etc" ] || fail "a host without AppArmor gets its files"
	mkdir -p "$W/inst/etc/apparmor.d"
	make -s install B="$BUILD" DESTDIR="$W/inst" PREFIX=/usr >/dev/null
	apparmor_parser -QTK "$W/inst/etc/apparmor.d/minibox-default"
	busybox_root
	image "$W/bb.tar" bb:1 --cmd sleep 1000
	printf 'stack inst;\nservice a { image bb.tar; stop_grace_period 1s; }\n' >"$W/inst.conf"
	status 0 "$W/inst/usr/bin/minibox" up -d "$W/inst.conf"
	status 0 "$W/inst/usr/bin/minibox" down inst
}
test_every_package_is_named() {
	# whose headers the compiler reads, and what apt would have to bring for them
	for h in $(gcc -M -std=gnu17 -D_GNU_SOURCE -I. -I/usr/include/libnl3 $(find runtime images netns -name '*.c') |
		tr -s ' \\' '\n' | grep '^/usr/include' | sort -u); do
		dpkg -S "$h" 2>/dev/null | cut -d: -f1
	done | sort -u >"$W/packages"
	[ "$(wc -l <"$W/packages")" -gt 5 ]
	for p in $(grep -vE '^(libc6-dev|linux-libc-dev|libcrypt-dev|gcc-.*|libgcc-.*)$' "$W/packages"); do
		sed -n '/^BUILD_DEPS/,/^EXAMPLE_DEPS/p' Makefile | grep -q -- "$p\b" || fail "$p is not in the Makefile"
	done
}
run_tests "$@"
