#!/usr/bin/env bash
# A mix of sizes over threads keeps every byte, in the plain library and in every level and layout. FULL=1: four times as much.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
more=1
[ "${FULL:-0}" = 0 ] || more=4
try() {
    local name=$1
    shift
    if ! "$@" >out 2>err </dev/null || [ "$(cat out)" != 'every block was whole' ] || [ -s err ]; then complain "$name: $(head -n 5 out err)"; fi
}
stress=$BUILD/tests/programs/stress
try plain env LD_PRELOAD="$BUILD/libhakmem.so" "$stress" 8 $((more * 500000))
try 'plain, many threads' env LD_PRELOAD="$BUILD/libhakmem.so" "$stress" 64 $((more * 250000)) 2
for check in trace normal; do
    for layout in same header; do
        try "debug $check $layout" "$BUILD/hakmem-trace" run --check $check --layout $layout --store \
            "$check-$layout.db" -- "$stress" 4 $((more * 75000)) 3
        try "debug $check $layout, not recorded" env HAKMEM_CHECK=$check HAKMEM_LAYOUT=$layout HAKMEM_TRACE=off \
            LD_PRELOAD="$BUILD/hakmem-debug.so" "$stress" 8 $((more * 125000)) 4
    done
done
for magazine in 0 1; do
    try "magazine $magazine" env HAKMEM_TINY_MAGAZINE_ENABLE=$magazine HAKMEM_TINY_TLS_SLL_CAP=5 HAKMEM_TINY_MAG_CAP=3 \
        HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$stress" 4 $((more * 125000)) 5
done
exit "$failed"
