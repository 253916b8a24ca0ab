#!/usr/bin/env bash
# Leaks are found while the program runs, too: by hak_find_leaks(), on a signal, beside threads that
# allocate all the time, without ending the system calls of threads that wait; what is reachable is
# told when asked for.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
work=$PWD
cd "$SOURCE" || exit 2
gcc -O1 -g -iquote include -o "$work/asked" tests/leaks/asked.c -pthread || exit 2
gcc -O0 -g -o "$work/kept" tests/leaks/kept_globals.c || exit 2
gcc -O1 -g -iquote include -o "$work/undisturbed" tests/leaks/undisturbed.c -pthread || exit 2

for trace in on off; do
    for level in normal trace; do
        HAKMEM_CHECK=$level "$BUILD/hakmem-trace" run --trace="$trace" --log "$work/log" \
            -s "$work/call.$trace.$level.db" -- "$work/asked" call >"$work/said" 2>&1 ||
            complain "hak_find_leaks (trace $trace, $level): ended with $?: $(head -3 "$work/said")"
        grep -q '615 bytes in 5 blocks leaked' "$work/log" ||
            complain "hak_find_leaks (trace $trace, $level): $(head -1 "$work/log")"
        grep -q 'by hak_find_leaks(), in' "$work/log" || complain "the report does not say who asked"
        rm -f "$work/log"
        HAKMEM_CHECK=$level HAKMEM_LEAKS_SIGNAL=USR2 "$BUILD/hakmem-trace" run --trace="$trace" \
            --log "$work/log" -s "$work/signal.$trace.$level.db" -- "$work/asked" signal \
            >"$work/said" 2>&1 || complain "on a signal (trace $trace, $level): ended with $?"
        grep -q '615 bytes in 5 blocks leaked' "$work/log" ||
            complain "on a signal (trace $trace, $level): $(head -1 "$work/log")"
        rm -f "$work/log"
    done
done

# Waiting threads go on waiting.
mkdir "$work/watched"
HAKMEM_TRACE=off LD_PRELOAD=$BUILD/hakmem-debug.so timeout 300 "$work/undisturbed" "$work/watched" \
    >"$work/said" 2>&1 || complain "a scan ended system calls (status $?): $(head -3 "$work/said")"

# Every scan has its row; the blocks that the last one found lost are there once.
[ "$("$BUILD/hakmem-trace" sql -s "$work/call.on.normal.db" \
    "SELECT count(*), total(lost_blocks) FROM leak_scan")" = "21	5.0" ] ||
    complain "rows of leak_scan: $("$BUILD/hakmem-trace" sql -s "$work/call.on.normal.db" \
        "SELECT count(*), total(lost_blocks) FROM leak_scan")"

# Still reachable: only when asked for.
"$BUILD/hakmem-trace" run --leaks=1 --leaks-reachable=1 --log "$work/log" -s "$work/kept.db" -- \
    "$work/kept" || complain "kept_globals ended with $?"
grep -q 'nothing leaked; 510 bytes in 5 blocks are still reachable' "$work/log" ||
    complain "still reachable: $(head -1 "$work/log")"
"$BUILD/hakmem-trace" leaks -s "$work/kept.db" | grep -q '5 blocks are still reachable: --reachable' ||
    complain "leaks does not say what --reachable shows"
[ "$("$BUILD/hakmem-trace" leaks --reachable -s "$work/kept.db" | grep -c ' reachable ')" = 5 ] ||
    complain "leaks --reachable: $("$BUILD/hakmem-trace" leaks --reachable -s "$work/kept.db")"
