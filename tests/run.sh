#!/bin/bash
# run.sh - all tests: build, lint, unit, fuzz corpora, integration. Ends with `N passed, N failed`.
#
# Skipped tests are named; how many a kind of machine may skip is written in tests/skips.
# A part alone: tests/run.sh unit | lint | fuzz | integration [NN-name].
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-$PWD/build}
PASSED=0 FAILED=0 SKIPPED=0
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT

# tally CMD...: run something that prints TAP, count its lines; a crash counts as a failure
tally() {
	local st=0
	"$@" >"$LOG" 2>&1 || st=$?
	grep -E '^ok .*# SKIP' "$LOG" || true
	! grep -q '^not ok' "$LOG" || grep -E '^not ok|^#' "$LOG"
	PASSED=$((PASSED + $(grep -E '^ok ' "$LOG" | grep -vc '# SKIP')))
	SKIPPED=$((SKIPPED + $(grep -cE '^ok .*# SKIP' "$LOG")))
	local bad; bad=$(grep -cE '^not ok ' "$LOG")
	if [ $st -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "not ok - $*: status $st"; tail -n 20 "$LOG"; bad=1
	fi
	FAILED=$((FAILED + bad))
}
# check NAME CMD...: one check that passes or fails by its status
check() {
	local name=$1; shift
	if "$@" >"$LOG" 2>&1; then PASSED=$((PASSED + 1))
	else FAILED=$((FAILED + 1)); echo "not ok - $name"; tail -n 40 "$LOG"; fi
}
part() { [ ${#PARTS[@]} -eq 0 ] || [ "${PARTS[0]}" = "$1" ]; }
PARTS=("$@")
kind() { # of machine, for tests/skips
	local cg=v2; [ -d /sys/fs/cgroup/memory ] && cg=v1
	echo "$cg"
}

make -j2 B="$BUILD" all >"$LOG" 2>&1 || { cat "$LOG"; echo "0 passed, 1 failed"; exit 1; }
if part lint; then
	echo "== lint"
	check "the layers" tests/lib/layers.sh "$BUILD"
	check "sizes and headers" tests/lib/lint.sh gcc
	check "the format" clang-format --dry-run -Werror $(find runtime images netns tests -name '*.[ch]')
	check "clang builds it without a warning" make -j2 B="$BUILD/clang" CC=clang all
fi
if part unit; then
	echo "== unit tests"
	check "unit tests build" make -j2 B="$BUILD" unit-build
	for t in "$BUILD"/tests/test_*; do [ -x "$t" ] && [ ! -d "$t" ] && tally "$t"; done
fi
if part fuzz; then
	echo "== fuzz corpora"
	check "fuzz targets build" make -j2 B="$BUILD" fuzz-build
	for t in "$BUILD"/fuzz/fuzz_*; do
		check "corpus of $(basename "$t")" "$t" tests/fuzz/corpus/"$(basename "$t" | sed 's/^fuzz_//')"/*
	done
fi
if part integration; then
	echo "== integration tests"
	for t in tests/integration/*"${PARTS[1]:-}"*.sh; do
		start=$SECONDS
		tally timeout -k 10 1500 bash "$t"
		echo "   $(basename "$t" .sh): $((SECONDS - start)) s"
	done
fi
want=$(sed -n "s/^$(kind) //p" tests/skips)
if [ ${#PARTS[@]} -eq 0 ] && [ "$SKIPPED" != "${want:-0}" ]; then
	echo "not ok - $SKIPPED tests were skipped; tests/skips says ${want:-0} for a $(kind) machine"
	FAILED=$((FAILED + 1))
fi
echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
[ "$FAILED" -eq 0 ]
