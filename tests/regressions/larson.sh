#!/usr/bin/env bash
# Larson's server with threads, at which the original died: blocks freed by other threads than took them, threads
# that hand over and end. Recorded and checked; tests/long/larson.sh goes on for longer, with every front.
. "${SOURCE:?}/tests/tools/regression.sh"
for check in normal trace; do
    # On a busy machine it takes longer until threads have successors.
    for seconds in 1 4 16; do
        clean $check.db --check $check -f -- "$BUILD/tests/long/larson" 4 $seconds
        threads=$(ask $check.db 'SELECT count(*) FROM thread')
        handed=$(ask $check.db "SELECT count(*) FROM (SELECT 1 FROM event WHERE kind IN ('DRAIN_FRONT', 'DRAIN_SLAB') LIMIT 100)")
        [ "$threads" -lt 6 ] || [ "$handed" -lt 100 ] || break
    done
    at_least 6 "threads in level $check" "$threads"
    at_least 100 "blocks that came back by another thread in level $check" "$handed"
done
