#!/bin/bash
# needs: root. The known ways out of a container, each tried, each refused for the right reason.
# What neighbours and the host's addresses may not reach of each other is in 30-network.
. "$(dirname "$0")/../lib/it.sh"
make -s B="$BUILD" tool-build >/dev/null || exit 1
busybox_root
cp "$BUILD/tests/lib/escape" "$W/bb/bin/escape"
image "$W/bb.tar" bb:1 --cmd sleep 1000
cd "$W" || exit 1
HOST_SOCKET=minibox-attacked-$$
cat >at.conf <<'EOC'
stack at;
service root { image bb.tar; command sh -c "escape $$HOST_PID $$HOST_SOCKET; sleep 1000"; env_file host.env; stop_grace_period 1s; }
service www { image bb.tar; user www; command sh -c "escape $$HOST_PID $$HOST_SOCKET; sleep 1000"; env_file host.env; stop_grace_period 1s; }
service host { image bb.tar; userns host; command sh -c "escape $$HOST_PID $$HOST_SOCKET; sleep 1000"; env_file host.env; stop_grace_period 1s; }
EOC
# one NAME BODY: a file NAME.conf with one service `a`
one() { printf 'stack %s;\nservice a { image bb.tar; stop_grace_period 1s; %s }\n' "$1" "$2" >"$1.conf"; }
# layer NAME PYTHON: an image NAME.tar of busybox and a layer made entry by entry
layer() {
	local n=$1 code=$2; shift 2
	PYTHONPATH=$TOP/tests/lib /usr/bin/python3 -c "import mkimage
t = mkimage.Tar()
$code
open('$n.layer', 'wb').write(t.data())"
	(cd "$TOP" && image "$W/$n.tar" "$n:1" --layer "$W/$n.layer" "$@" --cmd sleep 1000)
}
# all_denied FILE LEAST: escape came to its end, tried LEAST or more, and everything was refused
all_denied() {
	eq "$(grep -v ' denied ' "$1")" end
	[ "$(wc -l <"$1")" -ge "$2" ] || fail "only $(wc -l <"$1") attacks: $(cat "$1")"
}
LEAST=110

# Else a program that tries nothing would pass.
test_the_attacks_work_where_nothing_is_refused() {
	one pr 'privileged on;'
	status 0 mb up -d pr.conf
	mb exec pr/a escape >control
	for what in keyctl add_key clone-user unshare-mnt unshare-user-mnt-cgroup setns mount-tmpfs mount-bind \
		fsopen open_tree sethostname pivot_root personality mount-by-32-bit-call \
		write:/proc/sys/net/ipv4/ip_forward read:/sys/firmware; do
		grep -qx "$what ESCAPED" control || fail "$what: $(grep "^$what " control)"
	done
	status 0 mb down pr
}
test_up() {
	/usr/bin/python3 -c "import socket, time
s = socket.socket(socket.AF_UNIX); s.bind('\0$HOST_SOCKET'); s.listen(); time.sleep(3600)" &
	echo $! >listener
	disown
	until_ok 5 grep -q "@$HOST_SOCKET" /proc/net/unix
	printf 'HOST_PID=%s\nHOST_SOCKET=%s\n' $$ "$HOST_SOCKET" >host.env
	status 0 mb up -d at.conf
}
test_what_up_started_gets_nowhere() {
	for s in root www host; do
		until_ok 10 eval "'$MINIBOX' logs at/$s | grep -q 'end$'"
		mb logs --no-events "at/$s" | sed 's/^[^|]*| //' >"up.$s"
		all_denied "up.$s" $LEAST
	done
	eq "$(grep -c '^socket-' up.root) $(grep -c '^socket-' up.www)" '2 4'
}
test_what_exec_started_gets_nowhere() {
	for s in root www host; do
		mb exec "at/$s" escape $$ "$HOST_SOCKET" >"exec.$s"
		all_denied "exec.$s" $LEAST
	done
	grep -qx 'chmod:/dev/null denied EROFS' exec.host
	mb exec -u www at/host escape $$ "$HOST_SOCKET" >exec.host-www
	all_denied exec.host-www $LEAST
	mb exec -t at/root escape $$ "$HOST_SOCKET" </dev/null | tr -d '\r' >exec.tty
	eq "$(grep -v ' denied ' exec.tty | grep -v TIOCSTI)" end # into its own terminal: it may
	sup=$(pgrep -P 1 -f "minibox-supervisor.*$W" | head -n 1)
	mb exec at/host escape "${sup:-$$}" nobody >exec.supervisor
	all_denied exec.supervisor $LEAST
}
test_what_run_started_gets_nowhere() {
	for s in root www host; do
		mb run -q -f at.conf "$s" escape $$ "$HOST_SOCKET" >"run.$s"
		all_denied "run.$s" $LEAST
	done
}
# CVE-2022-0492, and what else one may try who has all rights, but in a namespace of one's own.
test_root_of_a_nested_user_namespace_gets_nowhere() {
	for how in '' 'userns host;' 'user www;'; do
		one nest "security_opt seccomp=unconfined; $how"
		status 0 mb up -d nest.conf
		mb exec nest/a escape nested >nested
		# where root is the host's, its group's files are its own; the default filter
		# keeps it from mounting them
		if [ "$how" = 'userns host;' ]; then sed -i 's/^own-cgroup ESCAPED/own-cgroup denied -/' nested; fi
		all_denied nested 18
		status 0 mb down nest
	done
}
# CVE-2024-21626
test_a_working_directory_by_a_descriptor() {
	for n in $(seq 0 12); do
		status 125 mb exec -w "/proc/self/fd/$n" at/root pwd
		has "$OUT" "working directory '/proc/self/fd/$n'"
		status 125 mb exec -w "/proc/self/fd/$n/../../.." at/host pwd
	done
	status 125 mb exec -w /proc/1/cwd at/root pwd
	has "$OUT" 'Too many levels of symbolic links'
	layer fd 't.add("wd", "l", link="/proc/self/fd/7")' --workdir /wd
	one fd '' && sed -i 's/bb.tar/fd.tar/' fd.conf
	status 1 mb up -d fd.conf
	has "$OUT" "working directory '/wd'"
	status 0 mb down fd
}
# CVE-2019-5736: the image's loader is what the kernel starts for a program of the host.
test_the_program_that_joins_is_not_opened_for_writing() {
	mkdir -p ld/lib64 && cp -r bb/. ld && cp bb/bin/escape ld/lib64/ld-linux-x86-64.so.2
	printf '#!/proc/self/exe keep-exe\n' >ld/script && chmod 755 ld/script
	/usr/bin/python3 "$TOP/tests/lib/mkimage.py" ld.tar --name ld:1 --layer ld --cmd sleep 1000
	cat >ld.conf <<-'EOC'
	stack ld;
	service root { image ld.tar; stop_grace_period 1s; }
	service host { image ld.tar; userns host; stop_grace_period 1s; }
	service bare { image ld.tar; userns host; init off; stop_grace_period 1s; }
	EOC
	status 0 mb up -d ld.conf
	for how in '/proc/self/exe keep-exe' /script; do
		# in a user namespace it is nobody's file
		status 1 mb exec ld/root $how
		until_ok 5 mb exec ld/root test -e /overwritten
		has "$(mb exec ld/root cat /overwritten)" 'minibox EACCES'
		mb exec ld/root rm /overwritten
		# else it is minibox-init, which takes no loader of the image with it
		for s in host bare; do
			status 125 mb exec ld/$s $how
			[ -z "$OUT" ]
		done
		status 125 mb run -q -f ld.conf bare $how
	done
	sleep 0.5
	for s in host bare; do status 1 mb exec ld/$s test -e /overwritten; done
	status 0 mb down ld
}
# The host's root reads these for exec.
test_a_passwd_that_is_no_file() {
	one pw 'command sh -c "printf u:x:7:7:u:/:x >/proc/$$$$/comm; while :; do sleep 1000; done";'
	status 0 mb up -d pw.conf
	mb exec pw/a ln -sf /proc/2/comm /etc/passwd
	eq "$(mb exec pw/a cat /etc/passwd)" u:x:7:7:u:/:x
	status 125 mb exec -u u pw/a id
	has "$OUT" "user 'u'"
	mb exec pw/a sh -c 'rm /etc/passwd && mkfifo /etc/passwd'
	status 125 timeout 5 "$MINIBOX" exec -u u pw/a id
	has "$OUT" "'/etc/passwd' in the container is not a file"
	status 0 mb down pw
}
# CVE-2016-9962
test_a_process_that_joins_is_not_seen_before_its_time() {
	for s in root host; do
		mb exec "at/$s" escape watch 3 >"watch.$s" & watch=$!
		end=$((SECONDS + 30))
		while kill -0 $watch 2>/dev/null && [ $SECONDS -lt $end ]; do mb exec "at/$s" true; done
		wait $watch
		eq "$(cat "watch.$s")" 'joined some, 0 bytes of them seen'
	done
}
test_end() {
	status 0 mb down at
	kill "$(cat listener)"
}
# CVE-2023-27561, CVE-2025-31133, -52565, -52881: what stands where our mounts go.
test_links_of_an_image_where_mounts_go() {
	for d in proc sys dev; do
		layer "ln-$d" "t.add('$d', 'l', link='/etc')"
		one ln '' && sed -i "s/bb.tar/ln-$d.tar/" ln.conf
		status 1 mb up -d ln.conf
		has "$OUT" "open '/$d' in the container: Too many levels of symbolic links"
		status 0 mb down ln
	done
	layer ln-below "t.add('dev', 'd')
t.add('dev/pts', 'l', link='/etc')
t.add('dev/console', 'l', link='/proc/sys/kernel/core_pattern')
t.add('dev/null', 'l', link='/proc/sysrq-trigger')
t.add('proc', 'd')
t.add('proc/kcore', 'l', link='/etc/passwd')
t.add('proc/self', 'l', link='/etc')
t.add('proc/sys', 'l', link='/etc')
t.add('sys', 'd')
t.add('sys/firmware', 'l', link='/etc')"
	one ln '' && sed -i 's/bb.tar/ln-below.tar/' ln.conf
	status 0 mb up -d ln.conf
	mb exec ln/a escape >ln.out
	all_denied ln.out $LEAST
	eq "$(mb run -t -q -f ln.conf a sh -c 'stat -c %F /dev/null /dev/console; stat -f -c %T /proc/sys /dev/pts' </dev/null |
		tr -d '\r' | sort -u | tr '\n' ' ')" 'character special file devpts proc '
	status 0 mb down ln
	layer ln-etc 't.add("etc", "l", link="/proc/sys/kernel")'
	one ln '' && sed -i 's/bb.tar/ln-etc.tar/' ln.conf
	pattern=$(cat /proc/sys/kernel/core_pattern) name=$(hostname)
	status 1 mb up -d ln.conf
	status 0 mb down ln
	eq "$(cat /proc/sys/kernel/core_pattern) $(hostname)" "$pattern $name"
}
# CVE-2019-16884
test_mounts_below_proc() {
	echo 'processor: none' >cpuinfo
	for t in /proc/self /proc/self/attr /proc/sys /proc/sys/kernel /proc/1 /proc/version /p /q/sys; do
		case $t in *version) src=cpuinfo ;; *) src=bb ;; esac
		layer mp 't.add("p", "l", link="/proc/self/attr")
t.add("q", "l", link="/proc")'
		one mp "volumes ./$src:$t;" && sed -i 's/bb.tar/mp.tar/' mp.conf
		status 1 mb up -d mp.conf
		has "$OUT" "nothing can be mounted below '/proc'"
		status 0 mb down mp
	done
	layer mp '' --volume /proc/sys
	one mp '' && sed -i 's/bb.tar/mp.tar/' mp.conf
	status 1 mb up -d mp.conf
	has "$OUT" "/proc"
	status 0 mb down --volumes mp
	one mp 'volumes ./cpuinfo:/proc/cpuinfo:ro;' # as lxcfs does
	status 0 mb up -d mp.conf
	eq "$(mb exec mp/a cat /proc/cpuinfo)" 'processor: none'
	status 0 mb down mp
}
# CVE-2021-30465
test_a_directory_swapped_for_a_link_while_another_mounts_there() {
	cat >race.conf <<-'EOC'
	stack race;
	service swap {
	    image bb.tar; stop_grace_period 1s; volumes shared:/s;
	    command sh -c "cd /s; mkdir -p d; while :; do ln -s / l; mv d e; mv l d; rm d; mv e d; done";
	}
	service a { image bb.tar; stop_grace_period 1s; volumes shared:/s other:/s/d; depends_on swap; }
	volume shared;
	volume other;
	EOC
	status 0 mb up -d race.conf swap
	mkdir -p root/volumes/race/other && echo here >root/volumes/race/other/mark
	for _ in $(seq 8); do
		# mounted in the container, or not at all, but never on anything of the host
		"$MINIBOX" up -d --force-recreate race.conf a >race.out 2>&1 || has "$(cat race.out)" "'/s/d'"
		if mb exec race/a true 2>/dev/null; then
			eq "$(mb exec race/a sh -c 'cat /mark /s/mark 2>/dev/null; ls /bin/sh')" /bin/sh
		fi
	done
	! grep -q "volumes/race/other" /proc/self/mountinfo || fail "mounted on the host"
	[ ! -e /mark ]
	status 0 mb down --volumes race
}
test_nodes_of_devices() {
	layer node 't.add("disk", "b", dev=(8, 0), mode=0o666)
t.add("zero", "c", dev=(1, 5), mode=0o666)
t.add("mem", "c", dev=(1, 1), mode=0o666)'
	for more in '' 'userns host; cap_add MKNOD;'; do
		one node "volumes v:/v; tmpfs /tm; $more" && sed -i 's/bb.tar/node.tar/' node.conf && echo 'volume v;' >>node.conf
		status 0 mb up -d node.conf
		for n in disk zero mem; do
			if mb exec node/a test -e /$n; then
				status 1 mb exec node/a head -c 1 /$n
				has "$OUT" 'Permission denied'
			fi
		done
		for d in / /dev /dev/shm /v /tm; do
			if [ -z "$more" ]; then
				status 1 mb exec node/a mknod $d/z c 1 5
				has "$OUT" 'Operation not permitted'
				continue
			fi
			status 0 mb exec node/a mknod $d/z c 1 5 # one of the usual devices
			status 1 mb exec node/a head -c 1 $d/z
			has "$OUT" 'Permission denied'
		done
		status 0 mb down --volumes node
	done
}
test_bombs_stay_inside() {
	cat >bomb.conf <<-'EOC'
	stack bomb;
	service a { image bb.tar; stop_grace_period 1s; pids_limit 60; mem_limit 64m; }
	service other { image bb.tar; stop_grace_period 1s; command httpd -f -p 80 -h /etc; }
	EOC
	status 0 mb up -d bomb.conf
	pid=$(mb ps --json bomb | /usr/bin/python3 -c "import json,sys; print([s['pid'] for s in json.load(sys.stdin) if s['service']=='other'][0])")
	# processes: a second exec may come too late to join
	mb exec bomb/a timeout -s KILL 3 sh -c 'b() { b | b & }; b; sleep 2' >/dev/null 2>&1 || true
	n=$(pgrep -f -c "^sh -c b\(\)" || true)
	[ "$n" -le 60 ] || fail "$n processes"
	until_ok 5 mb exec bomb/other wget -q -O /dev/null http://127.0.0.1/passwd
	status 0 mb restart bomb/a
	# memory
	status 137 mb exec bomb/a sh -c 'exec dd if=/dev/zero of=/dev/null bs=200M count=1'
	# files in memory, and files of nothing
	status 1 mb exec bomb/other dd if=/dev/zero of=/dev/shm/f bs=1M count=65
	has "$OUT" 'No space left on device'
	status 0 mb exec bomb/other rm /dev/shm/f
	status 1 mb exec bomb/other sh -c 'cd /dev/shm && for d in $(seq 20); do mkdir $d && cd $d && touch $(seq 1000) && cd .. || exit 1; done'
	has "$OUT" 'No space left on device'
	# descriptors
	status 1 mb exec bomb/other sh -c 'ulimit -Hn 1000000'
	has "$OUT" 'Operation not permitted'
	eq "$(mb exec bomb/other wget -q -O - http://127.0.0.1/passwd | head -c 4)" root
	eq "$(mb ps --json bomb | grep -c '"running"')" 2
	[ -d "/proc/$pid" ] || fail "the other service was hit"
	status 0 mb down bomb
}
# A host user who could reach it would be root (idmapped: the file is root's on disk).
test_setuid_files_on_a_volume_are_out_of_reach() {
	one su 'volumes v:/v;' && echo 'volume v;' >>su.conf
	status 0 mb up -d su.conf
	status 0 mb exec su/a sh -c 'cp /bin/busybox /v/sh && cp /bin/busybox /sh && chmod 4755 /v/sh /sh'
	eq "$(stat -c '%u %a' root/volumes/su/v/sh)" '0 4755'
	chmod 755 "$W"
	status 126 setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'exec "$0" -c id' "$W/root/volumes/su/v/sh"
	has "$OUT" 'Permission denied'
	eq "$(stat -c '%u %a' root run | tr '\n' ' ')" '0 700 0 700 '
	status 0 mb down --volumes su
}

run_tests "$@"
