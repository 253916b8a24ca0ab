#!/usr/bin/env bash
# A signal handler that forks in the middle of malloc does not wait for locks that it has itself interrupted: in both
# libraries and both levels.
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/memory/handler_forks

got=$(timeout 200 env LD_PRELOAD="$BUILD/libhakmem.so" "$program" 2>&1)
[ "$got" = "0 failures" ] || fail "libhakmem.so: '$got'"
for check in trace normal; do
    got=$(timeout 300 "$trace" run --check $check --store forks.db --force -- "$program" 2>&1)
    [ "$got" = "0 failures" ] || fail "$check: '$got'"
    # A child of a handler that interrupted the making of a record has no ring: its calls are counted as lost.
    "$trace" check -s forks.db >check.out 2>&1
    grep -q "every block's path is legal" check.out || fail "$check: $(head -n 3 check.out)"
done
