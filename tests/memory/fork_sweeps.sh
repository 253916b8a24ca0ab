#!/usr/bin/env bash
# A child that is forked while another thread sweeps can sweep itself: what it damages is found at its exit.
. "${SOURCE:?}/tests/tools/test.sh"
for record in on off; do
    "$trace" run --trace $record --sweep-every 1 --store sweeps.db --force -- "$BUILD/tests/memory/fork_sweeps" 10 >out 2>&1
    found=$(grep -c '^hakmem: HKM-301 heap-buffer-overflow: 1 byte past a ' out)
    [ "$found" = 10 ] || fail "trace $record: $found of 10 were found" "$(head -n 5 out)"
done
