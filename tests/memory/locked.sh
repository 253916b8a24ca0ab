#!/usr/bin/env bash
# A program that locks its memory (mlockall) does not get what hakmem only has address space for: the
# registry, the session memory, what is known of slots.
. "${SOURCE:?}/tests/tools/test.sh"
locked=$BUILD/tests/memory/locked

# $1 KiB at most, $2 the flags, the rest comes before the program.
locks() {
    local most=$1 flags=$2 kib
    shift 2
    kib=$("$@" "$locked" "$flags" 2>err) && [ ! -s err ] || fail "mlockall($flags), $*: status $?, $(head -n 3 err)"
    [ "$kib" -lt "$most" ] || fail "mlockall($flags), $*: $kib KiB are resident; less than $most were due"
}

plain=$(LD_PRELOAD='' "$locked" 3) || fail "mlockall fails without hakmem"
for flags in 1 2 3 5 7; do # MCL_CURRENT 1, MCL_FUTURE 2, MCL_ONFAULT 4
    locks $((plain + 16384)) $flags env LD_PRELOAD="$BUILD/libhakmem.so"
    locks $((plain + 131072)) $flags "$BUILD/hakmem-trace" run --check trace --store locked.$flags.db --
    locks $((plain + 131072)) $flags env HAKMEM_TRACE_FILE="light.$flags.db" "$BUILD/hakmem-trace" run --check light --
    "$BUILD/hakmem-trace" check -s locked.$flags.db >check.out 2>&1 || { head -n 3 check.out; exit 1; }
done
