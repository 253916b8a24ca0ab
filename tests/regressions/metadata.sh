#!/usr/bin/env bash
# The original's benchmark gave its own tables, which glibc's malloc had made, to free, and these 0.84 % of all blocks
# were put among the allocator's own, or leaked. They go back to glibc, are counted, and no list ever holds one.
. "${SOURCE:?}/tests/tools/regression.sh"
for check in normal trace; do
    clean $check.db --check $check -- "$BUILD/tests/regressions/metadata" 500
    [ "$(cat out)" = 0 ] || fail "level $check: glibc still has $(cat out) bytes that were freed"
    foreign=$(ask $check.db 'SELECT foreign_frees FROM process')
    at_least 500 "blocks of glibc's that were counted in level $check" "$foreign"
    [ "$(ask $check.db "SELECT count(*) FROM life WHERE id IS NULL AND end_id IS NOT NULL")" = 0 ] ||
        fail "level $check: blocks were taken in that were never handed out"
done
out=$(LD_PRELOAD=$BUILD/libhakmem.so "$BUILD/tests/regressions/metadata" 500) || fail "libhakmem.so: status $?"
[ "$out" = 0 ] || fail "libhakmem.so: glibc still has $out bytes that were freed"
