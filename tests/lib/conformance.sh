#!/bin/bash
# conformance.sh SUITE RUNTIME [NAME...] - run a built tree of opencontainers/runtime-tools.
#
# SUITE holds runtimetest, the rootfs archive and validation/NAME/NAME.t (Go programs that print
# TAP). One line a program: pass, fail (an assertion), error (it did not get to its plan), none (no
# assertion; it may tell an error all the same). One that writes no TAP at all tells by its status
# (process_*_fail do, where a wrong value is refused as it must be). Status 0 when nothing failed.
# Each program's whole output is in $OUT, if that is set.
set -u
SUITE=${1:?tree of runtime-tools} RUNTIME=$(realpath -s "${2:?runtime}")
shift 2
cd "$SUITE" || exit 1
[ -x runtimetest ] || { echo "conformance: '$SUITE/runtimetest' is not built"; exit 1; }
log=$(mktemp) pass=0 fail=0 error=0 none=0
trap 'rm -f "$log"' EXIT
for t in validation/*/*.t; do
	[ -x "$t" ] || { echo "conformance: no validation program is built below '$SUITE'"; exit 1; }
	name=$(basename "$t" .t)
	[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
	RUNTIME=$RUNTIME timeout -k 5 120 "$t" >"$log" 2>&1 </dev/null
	st=$?
	[ -z "${OUT:-}" ] || cp "$log" "$OUT/$name.log"
	ok=$(grep -cE '^ok ' "$log") bad=$(grep -E '^not ok ' "$log" | grep -vcE '# (SKIP|TODO)')
	if [ "$bad" -gt 0 ]; then
		what=fail fail=$((fail + 1))
	elif [ $st -eq 0 ] && ! grep -qE '^TAP version' "$log"; then
		what=pass pass=$((pass + 1))
	elif [ $st -ne 0 ] || ! grep -qE '^1\.\.[0-9]' "$log"; then
		what=error error=$((error + 1))
	elif [ "$ok" -eq 0 ]; then
		what=none none=$((none + 1))
	else
		what=pass pass=$((pass + 1))
	fi
	told=
	[ $what != none ] || ! grep -q '"error":' "$log" || told=', tells an error'
	printf '%-6s %s (%d ok, %d not%s)\n' $what "$name" "$ok" "$bad" "$told"
done
echo "$pass pass, $fail fail, $error error, $none assert nothing"
[ $((fail + error)) -eq 0 ]
