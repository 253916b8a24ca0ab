#!/usr/bin/env bash
# 64 threads, STRESS_OPERATIONS in all with frees across threads, every block's bytes looked at: the plain library,
# and the debug library in both levels, whose stores are then checked event by event.
# timeout: 14400
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/collector_first.sh"
stress=$BUILD/tests/programs/stress
operations=$STRESS_OPERATIONS

run() {
    local name=$1 started=$SECONDS
    shift
    "$@" >out 2>err && [ "$(cat out)" = 'every block was whole' ] && [ ! -s err ] || fail "$name: status $?: $(head -n 3 out err)"
    echo "$name: 64 threads, $operations operations, $((SECONDS - started)) s, every block was whole"
}

run libhakmem.so env LD_PRELOAD="$BUILD/libhakmem.so" "$stress" 64 "$operations"
for check in trace normal; do
    run "hakmem-debug.so, $check" \
        "$BUILD/hakmem-trace" run --check $check --store $check.db -- "$stress" 64 "$operations"
    "$BUILD/hakmem-trace" check -s $check.db >check.out 2>&1 || { head -n 5 check.out; exit 1; }
    tail -n 1 check.out
    stat --format='%n: %s bytes' $check.db
    rm $check.db
done
