#!/bin/bash
# needs: root. What hostile images and containers and careless users do, and what comes of it.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cd "$W" || exit 1
# stack NAME SERVICE-BODY...: a file NAME.conf with one service `a`
stack() { local n=$1; shift; printf 'stack %s;\nservice a { image bb.tar; stop_grace_period 1s; %s }\n' "$n" "$*" >"$n.conf"; }
# layer NAME PYTHON: a second layer NAME.tar, made entry by entry (tests/lib/mkimage.py)
layer() {
	PYTHONPATH=$TOP/tests/lib /usr/bin/python3 -c "import mkimage
t = mkimage.Tar()
$2
open('$1.tar', 'wb').write(t.data())"
}
in_top() { (cd "$TOP" && image "$@"); }
image_of() { local n=$1; shift; in_top "$W/img-$n.tar" "$n:1" --layer "$W/$n.tar" "$@" --cmd sleep 1000; }

# `down --volumes "$UNSET"` was the directory of all stacks' volumes.
test_down_of_what_is_no_name_touches_nothing() {
	printf 'stack dn;\nservice a { image bb.tar; volumes data:/data; stop_grace_period 1s; }\nvolume data;\n' >dn.conf
	status 0 mb up -d dn.conf
	mb exec dn/a sh -c 'echo kept >/data/f'
	for name in '' .host 'dn@x' '*' 'a b' "$(printf 'x%.0s' {1..300})"; do
		status 1 timeout 20 "$MINIBOX" down --volumes -- "$name"
		has "$OUT" "is no stack's name"
	done
	eq "$(mb exec dn/a cat /data/f) $(cat root/volumes/dn/data/f)" 'kept kept'
	status 0 mb down --volumes dn
}
# Deeper than a command may open files, and than a path may be long.
test_down_of_a_container_with_a_deep_tree() {
	cat >deep.c <<'END'
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
	for (int i = 0; i < 3000; i++)
		if (mkdir("d", 0755) || chdir("d"))
			return 1;
	return 0;
}
END
	musl-gcc -static -o deep deep.c
	stack dp
	status 0 mb up -d dp.conf
	mb exec -i dp/a sh -c 'cat >/deep; chmod +x /deep' <deep
	status 0 mb exec dp/a /deep
	(ulimit -n 256; status 0 mb down dp)
	eq "$(ls root/containers)" ''
}
# As images with systemd have them: links to what is there only at run time.
test_links_to_nothing_where_our_files_go() {
	layer dang "t.add('etc/hosts', 'l', link='/nowhere/at/all')
t.add('etc/resolv.conf', 'l', link='../run/systemd/resolve/stub-resolv.conf')
t.add('etc/hostname', 'l', link='../../../../../../../../tmp/hostile-name')
t.add('wd', 'l', link='newdir/wd')"
	image_of dang --workdir /wd
	stack dang && sed -i 's/bb.tar/img-dang.tar/' dang.conf
	status 0 mb up -d dang.conf
	eq "$(mb exec dang/a sh -c 'cat /etc/hostname /nowhere/at/all; pwd; ls /run/systemd/resolve' | grep -v : | tr '\n' ' ' | tr -s '\t ' ' ' | cut -d' ' -f1-3)" 'a 127.0.0.1 localhost'
	eq "$(mb exec dang/a pwd)" /newdir/wd
	has "$(mb exec dang/a cat /etc/resolv.conf)" nameserver
	[ ! -e /tmp/hostile-name ] && [ ! -e /nowhere ] && [ ! -e /newdir ]
	status 0 mb down dang
}
test_what_leads_to_the_root_or_proc_is_no_target() {
	layer lead "t.add('r', 'l', link='/')
t.add('p', 'l', link='sub')
t.add('sub', 'l', link='../proc')
t.add('self', 'l', link='/proc/self/cwd')"
	image_of lead
	for t in 'r:nothing can be mounted on' 'p:nothing can be mounted on' 'self:Too many levels' 'etc/passwd:its source is a directory'; do
		stack lead "volumes ./bb:/${t%%:*};" && sed -i 's/bb.tar/img-lead.tar/' lead.conf
		status 1 mb up -d lead.conf
		has "$OUT" "${t#*:}"
		status 0 mb down lead
	done
}
# "/data/" is "/data": it hid what the file mounts there. Names that look alike are not one.
test_volumes_that_an_image_declares() {
	in_top "$W/vols.tar" vols:1 --volume /data/ --volume //a/b --volume /a_b --volume '/c=d e' --cmd sleep 1000
	printf 'stack vl;\nservice a { image vols.tar; volumes named:/data; stop_grace_period 1s; }\nvolume named;\n' >vl.conf
	status 0 mb up -d vl.conf
	mb exec vl/a sh -c 'for d in /data /a/b /a_b "/c=d e"; do echo "$d" >"$d/f"; done'
	eq "$(cat root/volumes/vl/named/f)" /data
	eq "$(ls -A root/volumes/vl | wc -l)" 4
	status 0 mb up -d --force-recreate vl.conf
	eq "$(mb exec vl/a sh -c 'cat /data/f /a/b/f /a_b/f "/c=d e/f"' | tr '\n' ' ')" '/data /a/b /a_b /c=d e '
	status 0 mb down --volumes vl
	for v in / /proc rel /a/../b; do
		in_top "$W/vols.tar" vols:1 --volume "$v" --cmd sleep 1000
		status 1 mb up -d vl.conf
		has "$OUT" "'$v'"
		status 0 mb down --volumes vl
	done
}
# The first file that a command opens would have the number, and go into the container.
test_closed_standard_fds_hand_nothing_in() {
	stack fds
	status 0 mb up -d fds.conf
	mb run -f fds.conf a readlink /proc/self/fd/0 >in <&-
	mb exec -i fds/a readlink /proc/self/fd/0 >>in <&-
	mb run -f fds.conf a sh -c 'readlink /proc/self/fd/1 >&2' 2>>in >&-
	mb exec fds/a sh -c 'exec 3>&1 >&2; readlink /proc/self/fd/3' 2>>in >&-
	mb exec fds/a sh -c 'exec 3>&2; readlink /proc/self/fd/3' >>in 2>&-
	eq "$(sort -u in | grep -v "^$W/in$")" /dev/null
	! mb ps >&- 2>/dev/null || fail "a closed stdout goes unnoticed"
	status 0 mb down fds
}
# RUN becomes a mount, which would hide what is there.
test_a_run_directory_in_use_is_refused() {
	mkdir -p used && echo mine >used/f
	stack us
	MINIBOX_RUN=$W/used status 1 mb up -d us.conf
	has "$OUT" "'$W/used' is neither empty nor minibox's"
	eq "$(cat used/f) $(ls used)" 'mine f'
}
# The kernel's files in a cgroup have these names.
test_names_that_the_kernel_has_too() {
	printf 'stack tasks;\nservice tasks { image bb.tar; stop_grace_period 1s; }\nservice cgroup.procs { image bb.tar; stop_grace_period 1s; }\n' >tasks.conf
	status 0 mb up -d tasks.conf
	eq "$(mb ps --json tasks | grep -c '"running"')" 2
	status 0 mb exec tasks/tasks true
	status 0 mb down tasks
}
test_a_share_of_a_directory_that_the_image_does_not_have() {
	cat >sh.conf <<'END'
stack sh;
service web { image bb.tar; stop_grace_period 1s; volumes pub:/pub; depends_on app; }
service app { image bb.tar; stop_grace_period 1s; command sh -c "echo x >/made/for/it/f; sleep 1000"; }
volume pub { from app:/made/for/it; }
END
	status 0 mb up -d sh.conf
	until_ok 5 mb exec sh/web cat /pub/f
	eq "$(mb exec sh/app stat -c '%u %a' /made /made/for/it | tr '\n' ' ')" '0 755 0 755 '
	status 0 mb down sh
}
# /etc/hosts lies in RUN.
test_a_container_that_fills_its_etc_files() {
	stack full
	stack other
	status 0 mb up -d full.conf
	mb exec full/a dd if=/dev/zero of=/etc/hosts bs=1M count=100 2>/dev/null || true
	status 0 mb up -d other.conf
	status 0 mb exec other/a true
	status 0 mb down other
	status 0 mb down full
	[ ! -e run ]
}
# Its layers would go from under containers that are not in the record yet.
test_rmi_waits_for_an_up() {
	layer only "t.add('only', 'f', data='here')"
	image_of only
	{ echo 'stack rm;'; for i in $(seq 8); do echo "service s$i { image img-only.tar; stop_grace_period 1s; }"; done; } >rm.conf
	"$MINIBOX" up -d rm.conf 2>out & up=$!
	until_ok 20 grep -q 's2: created' out
	kill -STOP $up
	! timeout 1 "$MINIBOX" rmi only:1 || fail "removed"
	"$MINIBOX" rmi only:1 >rmi 2>&1 & rmi=$!
	kill -CONT $up
	wait $up
	! wait $rmi || fail "removed"
	has "$(cat rmi)" 'is used by a container'
	eq "$(mb exec rm/s1 cat /only)$(mb exec rm/s8 cat /only)" herehere
	status 0 mb down rm
	status 0 mb rmi only:1
}

run_tests "$@"
