#!/usr/bin/env bash
# Threads that hand blocks to each other: what each called, and in which order a block went through them,
# is in the store as the program itself wrote it down. FULL=1 (tests/long/own_log.sh): 248 threads.
# timeout: 1200
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
threads=48 calls=1000
[ "${FULL:-0}" = 1 ] && threads=248 calls=9300
for level in trace normal; do
    "$BUILD/hakmem-trace" run --wait --check "$level" --store "$level.db" -- \
        "$BUILD/tests/programs/own_log" $threads $calls own >out 2>err || fail "$level: ended with $?" "$(head -n 5 err)"
    said=$(python3 "$SOURCE/tests/tools/own_log.py" "$BUILD/tests/tools/reference_decoder" "$level.db" own 2>&1) || fail "$level: $said"
    echo "$level: $said"
    "$BUILD/hakmem-trace" check -s "$level.db" >check.out 2>&1 || fail "$level: check: $(head -n 5 check.out)"
    rm -f "$level.db"
done
