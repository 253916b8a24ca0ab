#!/usr/bin/env bash
# Nothing is fixed in size (scale.c): 300,000 replacements among 100,000 blocks, 500 threads at once, large blocks
# beyond the number of areas that the kernel gives a process; both libraries and levels. SCALE_OPERATIONS,
# SCALE_THREADS, SCALE_LARGE and SCALE_ALL=1 make it longer (tests/long/scale.sh).
# timeout: 3600
. "${SOURCE:?}/tests/tools/test.sh"
scale=$BUILD/tests/memory/scale

holds() {
    local name=$1 out
    shift
    out=$("$@" 2>&1) && [ "$out" = held ] || { echo "$name: $(head -n 4 <<<"$out")"; failed=1; }
}

for kind in plain normal trace; do
    library=hakmem-debug.so
    [ $kind = plain ] && library=libhakmem.so
    setting=(env LD_PRELOAD="$BUILD/$library")
    [ $kind = plain ] || setting+=(HAKMEM_TRACE=off HAKMEM_CHECK="$kind")
    holds "$kind, mixed" "${setting[@]}" "$scale" mixed "${SCALE_OPERATIONS:-300000}" 100000
    holds "$kind, threads" "${setting[@]}" "$scale" threads "${SCALE_THREADS:-500}"
    # Each of these makes some 200,000 system calls: one is enough where it is not asked for more.
    sizes=(40000 1300000)
    [ $kind = plain ] || [ "${SCALE_ALL:-0}" = 1 ] || sizes=()
    [ $kind = normal ] && sizes+=(1300000)
    for bytes in "${sizes[@]}"; do
        holds "$kind, large, $bytes bytes" "${setting[@]}" "$scale" large "${SCALE_LARGE:-72000}" $bytes
    done
done
holds 'recorded, threads' "$BUILD/hakmem-trace" run --check normal --store scale.db --force -- "$scale" threads 200
exit "$failed"
