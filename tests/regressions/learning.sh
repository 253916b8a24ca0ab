#!/usr/bin/env bash
# The original crashed while its fronts learned: a capacity was changed under a thread that was filling them. Windows
# as small as they go, all that can be learned, threads that hand blocks on to each other, and every profile.
. "${SOURCE:?}/tests/tools/regression.sh"
export HAKMEM_ALLOC_LEARN=1 HAKMEM_MEM_LEARN=1 HAKMEM_LEARN_ADVANCED=1
export HAKMEM_ALLOC_LEARN_WINDOW=100 HAKMEM_MEM_LEARN_WINDOW=100 HAKMEM_ALLOC_LEARN_RATE=1
for check in trace normal; do
    clean $check.db --check $check -- "$BUILD/tests/options/phases" 2 100 10
    at_least 10 "changes of capacities in level $check" \
        "$(ask $check.db "SELECT count(*) FROM event WHERE kind = 'CAPACITY'")"
    at_least 1 "changes of settings in level $check" "$(ask $check.db "SELECT count(*) FROM event WHERE kind = 'LEARN'")"
done
clean threads.db -- "$BUILD/tests/regressions/many_slabs" 4 3000
clean bands.db -- "$BUILD/tests/regressions/bands" 600
LD_PRELOAD=$BUILD/libhakmem.so "$BUILD/tests/long/larson" 4 1 >/dev/null || fail "libhakmem.so, larson: status $?"
