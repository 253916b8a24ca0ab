#!/usr/bin/env bash
# A program may close pages of its own blocks, or unmap some: nothing of hakmem's faults there, in no level, guarded
# or not, beside another thread; nothing is said, a live block's pages stay as they are, and the recording is whole.
# info and the reports say what was left out because of it. FULL=1: each in each level.
. "${SOURCE:?}/tests/tools/test.sh"
program=$BUILD/tests/guarded/pages

library=$BUILD/hakmem-debug.so

# run WHAT VARIABLE=VALUE...
run() {
    local what=$1 status
    shift
    env "$@" HAKMEM_TRACE=off LD_PRELOAD="$library" "$program" "$what" >said 2>&1
    status=$?
    [ $status -eq 0 ] && [ ! -s said ] || complain "$what, $*: status $status: $(head -n 3 said)"
}

# has_line FILE NAME EXPRESSION
has_line() {
    grep -Eq "$3" "$1" || complain "$2: no line like \"$3\":" "$(cat "$1")"
}

for level in normal trace light; do
    run kept HAKMEM_CHECK=$level
    [ "${FULL:-0}.$level" = 0.normal ] || run given HAKMEM_CHECK=$level
    run beside HAKMEM_CHECK=$level HAKMEM_GUARD=off
    run at_end HAKMEM_CHECK=$level HAKMEM_GUARD=all
    run unheard HAKMEM_CHECK=$level HAKMEM_GUARD=all
    run blocked HAKMEM_CHECK=$level HAKMEM_GUARD=off
    run toggled HAKMEM_CHECK=$level
done
run kept HAKMEM_GUARD=all
run given HAKMEM_GUARD=all
[ "${FULL:-0}" = 0 ] || run given HAKMEM_GUARD=off
run beside HAKMEM_SWEEP_EVERY=500
library=$BUILD/libhakmem.so
for what in kept beside large blocked at_end toggled; do
    run $what
done

for level in normal trace; do
    "$BUILD/hakmem-trace" run --check $level --leaks --wait -s $level.db -- "$program" at_end >said 2>&1
    status=$?
    [ $status -eq 0 ] && [ ! -s said ] || complain "recorded, $level: status $status: $(head -n 3 said)"
    "$BUILD/hakmem-trace" info -s $level.db >info 2>&1
    grep -q ' exited with 0 ' info || complain "info of $level:" "$(cat info)"
    [ $level = normal ] && swept='sweeps left out 1 block, ' || swept=
    has_line info "$level" "closed  *the program closed pages of its blocks: ${swept}leak scans left out [3-4]\.[0-9] KiB$"
done

"$BUILD/hakmem-trace" run --check normal --guard off --wait -s resized.db -- "$program" resized >said 2>&1
"$BUILD/hakmem-trace" info -s resized.db >info 2>&1
has_line info resized 'closed  *the program closed pages of its blocks: sweeps left out 1 block, the malloc family opened [1-9][0-9]* pages*$'

"$BUILD/hakmem-trace" run --check normal --guard off --wait -s damaged.db -- "$program" damaged >said 2>&1
has_line said damaged '  COMPLETENESS  *1 block was not looked at: the program has closed pages of it'
"$BUILD/hakmem-trace" info --json -s damaged.db >info
has_line info json '"sweeps_left_out_blocks": *[1-9]'
