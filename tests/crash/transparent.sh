#!/usr/bin/env bash
# A program sees of signals, handlers and alternate stacks what it sees without hakmem.
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/crash/signals_api
due=0 status=0
"$program" >due.out 2>due.err || due=$?
if [ "$due" -ne 5 ] || [ "$(wc -l <due.out)" -le 500 ]; then
    echo "without hakmem: status $due, $(wc -l <due.out) lines"
    exit 1
fi

compare() {
    if [ "$status" -ne "$due" ] || ! cmp -s due.out got.out || ! cmp -s due.err got.err; then
        echo "$1: status $status (due $due); differences:"
        diff due.out got.out | head -n 20
        head -n 20 got.err
        failed=1
    fi
}

for level in trace normal; do
    status=0
    HAKMEM_CHECK=$level LD_PRELOAD=$BUILD/hakmem-debug.so "$program" >got.out 2>got.err || status=$?
    compare "LD_PRELOAD, $level"
    status=0
    "$BUILD/hakmem-trace" run --check "$level" --store "$level.db" -- "$program" >got.out 2>got.err || status=$?
    compare "run, $level"
done
status=0
LD_PRELOAD=$BUILD/libhakmem.so "$program" >got.out 2>got.err || status=$?
compare "libhakmem.so"
