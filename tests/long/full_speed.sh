#!/usr/bin/env bash
# Eight threads at full speed, for SECONDS_EACH: in wait mode nothing is lost; two threads that hand 16 blocks to each
# other: every block's records stand in the order of their generations.
# timeout: 3000
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/collector_first.sh"
seconds=$SECONDS_EACH
fail() { echo "$mode: $*"; exit 1; }
for mode in "pairs 8" bounce; do
    rm -f store.db*
    # shellcheck disable=SC2086
    plain=$(LD_PRELOAD=$BUILD/libhakmem.so "$BUILD/tests/long/full_speed" $mode 5) || fail "plain: it failed"
    # shellcheck disable=SC2086
    HAKMEM_TRACE_FULL=wait HAKMEM_TRACE_MAX=64G "$trace" run --wait --check trace --store store.db -- \
        "$BUILD/tests/long/full_speed" $mode "$seconds" >calls 2>err || fail "ended with $?: $(head -n 3 err)"
    [ -s err ] && fail "says something: $(head -n 3 err)"
    lost=$("$trace" sql -s store.db 'select coalesce(sum(count), 0) from loss' | tail -n 1)
    [ "$lost" = 0 ] || fail "$lost events are counted as lost"
    "$trace" check -s store.db >check.out 2>&1 || fail "check: $(head -n 5 check.out)"
    python3 - "$mode" "$plain" "$(cat calls)" "$seconds" "$(stat -c %s store.db)" <<'END'
import sys
mode, plain, calls, seconds, size = sys.argv[1], *map(float, sys.argv[2:])
print(f"{mode}: {calls / seconds / 1e6:.1f} M calls a second recorded, {plain / 5e6:.1f} M without hakmem's record, "
      f"{plain / 5 / (calls / seconds):.1f} times slower; {size / calls:.2f} bytes a call, nothing lost, no order fault")
END
done
