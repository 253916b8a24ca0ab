#!/usr/bin/env bash
# Memory in which no block was ever served is closed in level normal, also when the program has gone on
# for longer than each page can be opened by itself; a write there stops the program at the instruction.
. "${SOURCE:?}/tests/tools/test.sh"
# stopped DISTANCE BLOCKS [VARIABLE=VALUE...]
stopped() {
    local distance=$1 blocks=$2
    shift 2
    { env "$@" HAKMEM_LOG="$PWD/log" LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/crash/closed_far" "$distance" "$blocks"; } >out 2>&1
    status=$?
    if [ $status -ne 139 ] || ! grep -q '^hakmem: HKM-301 heap-buffer-overflow: main() closed_far.c:[0-9]* writes .* bytes past the end of a 40-byte block from' log ||
        ! grep -q "^SUMMARY: hakmem: heap-buffer-overflow closed_far.c:[0-9]* main hop=WRITE size=40 offset=+$distance" log; then
        echo "$distance bytes behind $blocks blocks ($*): status $status"
        cat log out
        failed=1
    fi
    rm -f log
}
for trace in on off; do
    stopped 1048576 100 HAKMEM_TRACE=$trace
    stopped 262144 10000 HAKMEM_TRACE=$trace # 40 slabs, in two SuperSlabs
    stopped 262144 50000 HAKMEM_TRACE=$trace
done
# Nothing is closed where that is not asked for.
HAKMEM_CLOSE_PAGES=0 HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/crash/closed_far" 262144 100 ||
    complain "HAKMEM_CLOSE_PAGES=0: status $?"
