#!/usr/bin/env bash
# Small correct programs (small_*.c) say and end with the same under both libraries as without, in every level, with
# every check, recorded, and over a kept allocator: each of them in the plain library and in two or three of these ways, with FULL=1 in all.
# timeout: 900
. "${SOURCE:?}/tests/tools/test.sh"
ran=0

# go NAME PREFIX...: the output and the status of $program $case, through pipes: a file may be limited to nothing.
go() {
    local name=$1
    shift
    rm -rf tree root.*
    { "$@" "$program" "$case" </dev/null 2>&1; echo "status $?" >"$name.status"; } 2>/dev/null | cat >"$name.out"
    cat "$name.status" >>"$name.out"
}

# same NAME PREFIX...
same() {
    go "$@"
    cmp -s due.out "$1.out" || complain "${program##*/} $case, $1: not what it gives alone (>)" "$(diff due.out "$1.out" | head -n 8)"
}

# is_due TURN OF: whether this program's turn among OF is TURN.
is_due() { [ "${FULL:-0}" = 1 ] || [ $((ran % $2)) -eq "$1" ]; }

debug=LD_PRELOAD=$BUILD/hakmem-debug.so
for program in "$BUILD"/tests/programs/small_*; do
    [ -x "$program" ] && [ "${program%.d}" = "$program" ] || continue
    for case in $("$program"); do
        ran=$((ran + 1))
        ! left_out "$case" || continue # in an emulator little_memory, vforks and children
        go due
        # The plain library is not told of strict seccomp, which bars the time stamp counter (docs/specs/allocator.md).
        [ "$case" = narrow_sandbox ] || same plain env LD_PRELOAD="$BUILD/libhakmem.so"
        is_due 0 3 && same light env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK=light HAKMEM_GUARD=sample:3
        is_due 1 3 && same trace env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK=trace
        is_due 2 3 && same normal env "$debug" HAKMEM_TRACE=off HAKMEM_CHECK=normal
        is_due 0 2 && same full env "$debug" HAKMEM_TRACE=off HAKMEM_GUARD=all HAKMEM_CHECK_STRING=1 HAKMEM_SWEEP_EVERY=500
        is_due 1 2 && same recorded "$BUILD/hakmem-trace" run --force --wait -s recorded.db --
        is_due 0 4 && same kept "$BUILD/hakmem-trace" run --force --wait --allocator keep -s kept.db --
    done
done
[ $ran -ge 40 ] || complain "only $ran programs ran"
