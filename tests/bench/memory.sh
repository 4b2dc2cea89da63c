#!/bin/bash
# memory.sh - Pss of everything that minibox leaves resident for the example's three services, and
# beside it the proportional part of private dirty pages. Needs the example's images (make example).
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/bench/lib.sh
bench_dir
export MINIBOX_ROOT=$W/root MINIBOX_RUN=$W/run PORT=18200
"$BUILD/minibox" up -q -d examples/django/stack.conf || exit 1
sleep 2
pss() { awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup"; }
dirty() { awk '/^Private_Dirty:/ {print $2}' "/proc/$1/smaps_rollup"; }
sup=$(cat "$MINIBOX_RUN/guestbook/.supervisor")
keeper=$(awk '/^PPid:/ {print $2}' "/proc/$sup/status")
inits=$("$BUILD/minibox" ps --json guestbook | grep -oE '"pid": [1-9][0-9]*' | cut -d' ' -f2)
sum=0
show() { printf '%-22s %6s KiB Pss  %6s KiB private dirty\n' "$1" "$(pss "$2")" "$(dirty "$2")"; sum=$((sum + $(pss "$2"))); }
show keeper "$keeper"
show supervisor "$sup"
for p in $inits; do show "init of $p" "$p"; done
echo "in all                 $sum KiB"
