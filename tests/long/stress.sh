#!/usr/bin/env bash
# 64 threads and 100 M operations in the plain library; 20 M in each level of the debug library.
# timeout: 7200
set -u
unset "${!HAKMEM_@}"
stress=$BUILD/tests/programs/stress
LD_PRELOAD=$BUILD/libhakmem.so "$stress" 64 100000000 || exit 1
for check in trace normal; do
    "$BUILD/hakmem-trace" run --check $check --store $check.db -- "$stress" 8 20000000 || exit 1
    "$BUILD/hakmem-trace" check -s $check.db || exit 1
    "$BUILD/hakmem-trace" sql -s $check.db 'select count(*) from event' || exit 1
    ls -l $check.db
done
