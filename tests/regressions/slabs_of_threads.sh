#!/usr/bin/env bash
# The original had 32 slabs and no more: with four threads the fifth class, or the 33rd slab, got none, and malloc
# gave NULL or another thread's block. Four threads hold more than a SuperSlab each of one class, at the same time.
. "${SOURCE:?}/tests/tools/regression.sh"
for check in normal trace; do
    clean $check.db --check $check -- "$BUILD/tests/regressions/many_slabs" 4 3000
    slabs=$(ask $check.db "SELECT count(DISTINCT base / 65536) FROM life WHERE size = 1024")
    at_least 180 "slabs of one class in level $check" "$slabs"
    most=$(ask $check.db "SELECT max(n) FROM (SELECT count(DISTINCT base / 65536) AS n FROM life WHERE size = 1024 GROUP BY tid)")
    at_least 40 "slabs of one thread in level $check" "$most"
done
# The plain library, with more of both.
LD_PRELOAD=$BUILD/libhakmem.so "$BUILD/tests/regressions/many_slabs" 8 40000 || fail "libhakmem.so: status $?"
