#!/bin/bash
# needs: root. Hostile, broken and odd images: each is refused with one line and nothing else changes, or
# its tree is exactly what the specification makes of it. The cases: tests/lib/evil_*.py.
#
# In a mount namespace of its own, with the store in memory: a layer is synced to its disk, and that of a
# busy machine takes longer than all the rest. Other tests have their stores on the disk.
[ -n "${IT_OWN_MOUNTS:-}" ] || IT_OWN_MOUNTS=1 exec unshare -m bash "$0" "$@"
. "$(dirname "$0")/../lib/it.sh"
make -s B="$BUILD" tool-build >/dev/null || exit 1
mkdir "$W/ram" && mount -t tmpfs -o size=1g,mode=755 ram "$W/ram" || exit 1
PYTHONDONTWRITEBYTECODE=1 timeout 600 /usr/bin/python3 tests/lib/evil_run.py test "$MINIBOX" "$BUILD/tests/lib/mount_image" "$W/ram"
st=$?
umount "$W/ram"
rm -rf --one-file-system "$W"
exit $st
