#!/usr/bin/env bash
# A buffer that realloc makes larger bit by bit is copied some dozens of times, not at each page: in both levels, also
# with less address space than it would like to hold in advance.
. "${SOURCE:?}/tests/tools/test.sh"

# $1 the level, $2 KiB of address space, $3 moves at the most; the rest: what is run.
moves() {
    local check=$1 kib=$2 most=$3 got count
    shift 3
    got=$( (ulimit -v "$kib"; "$trace" run --check "$check" --store growing.db --force -- "$@") 2>&1)
    [ "$got" = whole ] || { echo "$check, $kib KiB: $got"; failed=1; return; }
    count=$("$trace" sql -s growing.db "select count(*) from event where kind = 'REALLOC_FROM' and size > 32768" | tail -n 1)
    if [ "$count" -lt 1 ] || [ "$count" -gt "$most" ]; then complain "$check, $kib KiB: the buffer moved $count times, expected 1 to $most"; fi
    "$trace" check -s growing.db >check.out 2>&1 || complain "$check: $(head -n 3 check.out)"
}
for check in trace normal; do
    moves $check unlimited 300 "$BUILD/tests/memory/growing" 500000
    moves $check 2000000 2000 "$BUILD/tests/memory/growing" 200000
done
