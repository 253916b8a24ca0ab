#!/usr/bin/env bash
# Instructions that want 16 bytes at a multiple of 16 do the same in a guarded block that lies elsewhere, as HAKMEM_GUARD_ALIGN=size has it:
# each of them, also where another thread closes the page at that moment; the next blocks of such a stack are aligned, and those of threads whose
# SIGSEGV is blocked; the program's own handler hears of its own faults alone. By default such a
# block is aligned, so it does not matter who has SIGSEGV blocked.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export HAKMEM_GUARD_SIDE=after

# through CASE LEVEL VARIABLES...
through() {
    local name=$1 level=$2
    shift 2
    env "$@" HAKMEM_GUARD=all HAKMEM_CHECK="$level" HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/guarded/vectors" "$name" >out 2>&1 </dev/null
    status=$?
    [ $status -eq 0 ] && [ "$(cat out)" = through ] || complain "$name, $level: status $status, it says $(head -n 5 out)"
}
for level in normal trace; do
    for name in by_default blocked ignored; do
        through "$name" "$level" -u HAKMEM_GUARD_ALIGN
    done
    for name in each_instruction same_stack blocked ignored handler counters read_only at_once; do
        through "$name" "$level" HAKMEM_GUARD_ALIGN=size
    done
done
export HAKMEM_GUARD_ALIGN=size
# Recorded, with the first blocks of each site alone, and on the light path.
for variables in HAKMEM_GUARD=all HAKMEM_GUARD=sites:4 'HAKMEM_CHECK=light HAKMEM_GUARD=sample:1'; do
    # shellcheck disable=SC2086 # two of them
    env $variables "$trace" run --store out.db --force -- "$BUILD/tests/guarded/vectors" each_instruction >out 2>&1 </dev/null
    status=$?
    [ $status -eq 0 ] && [ "$(cat out)" = through ] || complain "$variables: status $status, it says $(head -n 5 out)"
done
