#!/usr/bin/env bash
# why finds a large block by an address behind its end in its last page: where an overrun would be.
. "${SOURCE:?}/tests/tools/test.sh"
export HAKMEM_GUARD=off # a guarded block ends where its last page does
for check in trace normal; do
    address=$("$BUILD/hakmem-trace" run --check $check --store $check.db -- "$BUILD/tests/regressions/large_slack") || exit 1
    "$BUILD/hakmem-trace" why "$address" -s $check.db >answer 2>&1 || { cat answer; exit 1; }
    grep -q 'bytes past the end of a block of 100,000 asked' answer || { head -n 3 answer; exit 1; }
done
