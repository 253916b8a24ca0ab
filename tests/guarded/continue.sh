#!/usr/bin/env bash
# With HAKMEM_ON_FAULT=continue a program goes on after a fault in a guarded block as it would have without
# hakmem: the block that it touched is opened, and each fault is reported once.
. "${SOURCE:?}/tests/tools/test.sh"

# goes_on PROGRAM CODE: what is wrong is said once, and `run` ends with 1, since the program itself ended with 0.
goes_on() {
    rm -f "$1.db"
    env HAKMEM_GUARD=all HAKMEM_ON_FAULT=continue "$BUILD/hakmem-trace" run --wait --store "$1.db" -- "$BUILD/tests/guarded/$1" \
        >"$1.out" 2>&1
    local status=$? reports
    reports=$(grep -c "^hakmem: $2 " "$1.out")
    [ "$status" -eq 1 ] && grep -q "^SUMMARY" "$1.out" && [ "$reports" -eq 1 ] || complain "$1: status $status, $reports reports of $2" "$(head -n 20 "$1.out")"
}
goes_on read_after HKM-301
goes_on read_freed HKM-304
goes_on write_freed HKM-304
goes_on write_freed HKM-303 # the freed block is filled when it is opened, so that each write is found
goes_on double_free HKM-202
goes_on free_between HKM-201
