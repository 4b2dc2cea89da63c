#!/bin/bash
# needs: root. What hostile images and containers and careless users do, and what comes of it.
. "$(dirname "$0")/../lib/it.sh"
busybox_root
image "$W/bb.tar" bb:1 --cmd sleep 1000
cd "$W" || exit 1
# stack NAME SERVICE-BODY...: a file NAME.conf with one service `a`
stack() { local n=$1; shift; printf 'stack %s;\nservice a { image bb.tar; stop_grace_period 1s; %s }\n' "$n" "$*" >"$n.conf"; }

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

run_tests "$@"
