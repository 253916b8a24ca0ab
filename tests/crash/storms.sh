#!/usr/bin/env bash
# Crashes in the middle of malloc and of the record of an event: one whole report each time, and a store
# that is in order.
. "${SOURCE:?}/tests/tools/test.sh"
for round in 1 2 3 4; do
    level=trace
    [ $((round % 2)) -eq 0 ] && level=normal
    status=0
    "$BUILD/hakmem-trace" run --check $level --store "$round.db" -- "$BUILD/tests/crash/storm" >out 2>err || status=$?
    if [ "$status" -ne 139 ] || [ "$(grep -c '^SUMMARY: hakmem: crash storm.c:[0-9]* on_tick signal=SIGSEGV' err)" -ne 1 ] ||
        ! head -n 1 err | grep -q '^hakmem: SIGSEGV in on_tick() storm.c:[0-9]* at address 0x0: null pointer'; then
        echo "round $round, $level: status $status (due 139); it said:"
        cat err
        exit 1
    fi
    # The record that the crash came in the middle of cannot be finished: it is counted as lost, and nothing else is.
    checked=0
    "$BUILD/hakmem-trace" check -s "$round.db" >checked 2>&1 || checked=$?
    [ $checked -eq 0 ] || { [ $checked -eq 4 ] && grep -q 'intact, and every block.* 1 event was lost' checked; } || fail "round $round, $level: the store is not in order:" "$(head -n 20 checked)"
done
