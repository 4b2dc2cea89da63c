#!/bin/bash
# lint.sh CC - sizes of files, headers that stand alone, documented prototypes, no shelling out.
set -u
CC=${1:-gcc}
bad=0
say() { echo "lint: $*"; bad=1; }

for f in $(find runtime images netns -name '*.[ch]'); do
	n=$(wc -l <"$f")
	[ "$n" -le 600 ] || say "$f has $n lines (600 at most)"
done
for h in $(find runtime images netns -name '*.h'); do
	echo "#include \"$h\"" | $CC -std=gnu17 -Wall -Wextra -Werror -I. -I/usr/include/libnl3 -D_GNU_SOURCE \
		-x c -fsyntax-only - || say "$h does not compile alone"
done
for room in runtime/*/ images/ images/{archive,layer,parse}/ netns/; do
	[ -f "$room/README.md" ] || say "$room has no README.md"
done
if grep -nE '\b(system|popen) *\(|exec[lv]p?e? *\( *"' -r runtime images netns --include='*.c'; then
	say "the program must not run other programs by name"
fi
exit $bad
