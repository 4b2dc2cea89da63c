#!/bin/bash
# layers.sh BUILD - holds the code against the table of rooms, from the compiler's own dependency
# files, so that no spelling of an include can dodge it. One line a violation; status 1 if any.
#
# 1. a room includes only itself and the rooms of its row (ROW_* in the Makefile);
# 2. from outside a room only its public header is included directly (base is open to all);
# 3. a library's headers are included in one room only.
set -u
B=${1:?build directory}
bad=0
say() { echo "layers: $*"; bad=1; }

room_of() { # path -> room
	case $1 in
	runtime/main.*) echo main ;;
	runtime/*/*) local r=${1#runtime/}; echo "${r%%/*}" ;;
	images/parse/*) echo parse ;;
	images/fetch/*) echo fetch ;;
	images/* | netns/*) echo "${1%%/*}" ;;
	esac
}
row_of() { sed -n "s/^ROW_$1 *:= *//p" Makefile | sed 's/\$(ROW_stack)/base images parse fetch netns cgroup container supervisor/'; }
public_of() {
	case $1 in
	images) echo images/image.h ;;
	fetch) echo images/fetch/records.h ;;
	parse) echo images/parse/wire.h images/parse/magic.h ;;
	netns) echo netns/netns.h ;;
	container) echo runtime/container/container.h runtime/container/spec.h runtime/container/exact.h ;;
	*) echo "runtime/$1/$1.h" ;;
	esac
}

files=$(find "$B/obj" "$B/musl" -name '*.d' 2>/dev/null)
[ -n "$files" ] || { echo "layers: no dependency files below $B"; exit 1; }
for d in $files; do
	src=$(tr -d '\\\n' <"$d" | sed 's/^[^:]*: *//' | tr -s ' ' '\n' | sed -n '1p')
	from=$(room_of "$src")
	[ -n "$from" ] || continue
	allowed=" $from $([ "$from" = main ] && echo "base cli" || row_of "$from") "
	# main sees lower rooms through cli.h alone, so only what it names itself counts there
	[ "$from" = main ] && continue
	for h in $(tr -d '\\' <"$d" | tr -s ' ' '\n' | grep -E '^(runtime|images|netns)/.*\.h$' | sort -u); do
		to=$(room_of "$h")
		case $allowed in *" $to "*) ;; *) say "$src may not include $h ($from -> $to)" ;; esac
	done
done

while IFS=: read -r src inc; do
	from=$(room_of "$src") to=$(room_of "$inc")
	[ "$from" = "$to" ] || [ "$to" = base ] && continue
	[ "$from" = main ] && [ "$to" != cli ] && say "$src may not include $inc"
	case " $(public_of "$to") " in *" $inc "*) ;; *) say "$src includes the private header $inc" ;; esac
done < <(grep -HoE '^#include "[^"]+"' -r runtime images netns --include='*.[ch]' | sed 's/#include "//; s/"$//')

only_in() { # library-header-regex room...
	local re=$1 f; shift
	for f in $(grep -lE "^#include <($re)" -r runtime images netns --include='*.[ch]'); do
		case " $* " in *" $(room_of "$f") "*) ;; *) say "$f includes a library of another room ($re)" ;; esac
	done
}
only_in 'archive|isa-l' parse
only_in 'nettle' images
only_in 'zstd' parse images
only_in 'netlink|nftables' netns
only_in 'seccomp\.h' container parse
only_in 'sys/capability' container
only_in 'jansson' base
only_in 'curl/' fetch
# 4. what parses images is not linked into what runs as root.
nm "$B/minibox" 2>/dev/null | grep -E ' T (archive_read_|isal_inflate|job_)' | head -3 |
	while read -r _ _ sym; do echo "layers: minibox holds '$sym', which is minibox-parse's"; done | grep . && bad=1
exit $bad
