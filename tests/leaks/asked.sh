#!/usr/bin/env bash
# Leaks are found while the program runs, too: by hak_find_leaks(), on a signal, beside threads that
# allocate all the time, without ending the system calls of threads that wait; what is reachable is
# told when asked for.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 2
work=$(mktemp -d "${TMPDIR:-/tmp}/hakmem.leaks.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
status=0
fail() {
    echo "asked.sh: $*"
    status=1
}
gcc -O1 -g -iquote include -o "$work/asked" tests/leaks/asked.c -pthread || exit 2
gcc -O0 -g -o "$work/kept" tests/leaks/kept_globals.c || exit 2
gcc -O1 -g -iquote include -o "$work/undisturbed" tests/leaks/undisturbed.c -pthread || exit 2

for trace in on off; do
    for level in normal trace; do
        HAKMEM_CHECK=$level "$BUILD/hakmem-trace" run --trace="$trace" --log "$work/log" \
            -s "$work/call.$trace.$level.db" -- "$work/asked" call >"$work/said" 2>&1 ||
            fail "hak_find_leaks (trace $trace, $level): ended with $?: $(head -3 "$work/said")"
        grep -q '615 bytes in 5 blocks leaked' "$work/log" ||
            fail "hak_find_leaks (trace $trace, $level): $(head -1 "$work/log")"
        grep -q 'by hak_find_leaks(), in' "$work/log" || fail "the report does not say who asked"
        rm -f "$work/log"
        HAKMEM_CHECK=$level HAKMEM_LEAKS_SIGNAL=USR2 "$BUILD/hakmem-trace" run --trace="$trace" \
            --log "$work/log" -s "$work/signal.$trace.$level.db" -- "$work/asked" signal \
            >"$work/said" 2>&1 || fail "on a signal (trace $trace, $level): ended with $?"
        grep -q '615 bytes in 5 blocks leaked' "$work/log" ||
            fail "on a signal (trace $trace, $level): $(head -1 "$work/log")"
        rm -f "$work/log"
    done
done

# Waiting threads go on waiting.
mkdir "$work/watched"
HAKMEM_TRACE=off LD_PRELOAD=$BUILD/hakmem-debug.so timeout 300 "$work/undisturbed" "$work/watched" \
    >"$work/said" 2>&1 || fail "a scan ended system calls (status $?): $(head -3 "$work/said")"

# Every scan has its row; the blocks that the last one found lost are there once.
[ "$("$BUILD/hakmem-trace" sql -s "$work/call.on.normal.db" \
    "SELECT count(*), total(lost_blocks) FROM leak_scan")" = "21	5.0" ] ||
    fail "rows of leak_scan: $("$BUILD/hakmem-trace" sql -s "$work/call.on.normal.db" \
        "SELECT count(*), total(lost_blocks) FROM leak_scan")"

# Still reachable: only when asked for.
"$BUILD/hakmem-trace" run --leaks=1 --leaks-reachable=1 --log "$work/log" -s "$work/kept.db" -- \
    "$work/kept" || fail "kept_globals ended with $?"
grep -q 'nothing leaked; 510 bytes in 5 blocks are still reachable' "$work/log" ||
    fail "still reachable: $(head -1 "$work/log")"
"$BUILD/hakmem-trace" leaks -s "$work/kept.db" | grep -q '5 blocks are still reachable: --reachable' ||
    fail "leaks does not say what --reachable shows"
[ "$("$BUILD/hakmem-trace" leaks --reachable -s "$work/kept.db" | grep -c ' reachable ')" = 5 ] ||
    fail "leaks --reachable: $("$BUILD/hakmem-trace" leaks --reachable -s "$work/kept.db")"
exit "$status"
