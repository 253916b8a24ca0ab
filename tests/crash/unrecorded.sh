#!/usr/bin/env bash
# HAKMEM_TRACE=off: faults and crashes are reported with names and with the stacks that the process
# keeps, `run` gives 1 for a fault, and a store is there only after one, and only under `run`.
. "${SOURCE:?}/tests/tools/test.sh"

# check WAY STATUS DUE NAME PATTERN...: what NAME printed is in the file `said`.
check() {
    local way=$1 status=$2 due=$3 name=$4 pattern
    shift 4
    [ "$status" -eq "$due" ] || complain "$name, $way: status $status; due: $due"
    for pattern; do
        grep -qE "$pattern" said || complain "$name, $way: this is not said: $pattern" "$(cat said)"
    done
    grep -q 'raw report' said && complain "$name, $way: the report is raw: $(cat said)"
}

# both PROGRAM STATUS PATTERN...: with LD_PRELOAD it ends with STATUS, under `run` with 1 for a fault.
both() {
    local program=$1 due=$2 name status
    name=$(basename "$program")
    shift 2
    rm -f ./*.db
    { HAKMEM_TRACE=off LD_PRELOAD=$BUILD/hakmem-debug.so "$program" >said 2>&1; status=$?; } 2>/dev/null
    check LD_PRELOAD $status "$due" "$name" "$@" 'store=none$'
    compgen -G '*.db*' >/dev/null && complain "$name: LD_PRELOAD left $(echo ./*.db*)"
    "$BUILD/hakmem-trace" run --trace=off -- "$program" >said 2>&1
    status=$?
    grep -q '^hakmem: HKM-' said && due=1
    check run $status "$due" "$name" "$@" "store=hakmem\\.$name\\.[0-9]+\\.db$"
}

F=$BUILD/tests/faults C=$BUILD/tests/crash
unrecorded='^  COMPLETENESS      nothing was recorded \(HAKMEM_TRACE=off\)'
HAKMEM_GUARD_ALIGN=16 both "$F/overflow_free" 134 "$unrecorded" '^hakmem: HKM-301 heap-buffer-overflow: 1 byte past a 24-byte block from main\(\) overflow_free.c:10, found when main\(\) overflow_free.c:12 freed it' \
    '^  ALLOCATED         by malloc$' '^      #0 main +faults/overflow_free.c:10$' '^      #0 main +faults/overflow_free.c:12$'
both "$F/double_free" 134 "$unrecorded" '^hakmem: HKM-202 double-free' '^      #0 main +faults/double_free.c:13$' \
    '^  FREED BEFORE ' '^      #0 close_session +faults/double_free.c:5$' '^      #0 close_all +faults/double_free.c:9$'
both "$C/freed_pointer" 139 "$unrecorded" '^hakmem: HKM-304 use-after-free' '^      #0 drop +crash/freed_pointer.c:[0-9]+$' \
    '^      #0 second +crash/freed_pointer.c:[0-9]+$'
both "$C/null_member" 139 "$unrecorded" '^hakmem: SIGSEGV in second_item\(\) null_member.c:[0-9]* at address 0x18: null pointer plus 24 bytes' \
    '^      #0 second_item +crash/null_member.c:[0-9]+$'
both "$C/stack_destroyed" 139 '^      #0 fill +crash/stack_destroyed.c:[0-9]+$'
both "$C/stack_overflow" 139 '^hakmem: SIGSEGV.* at address .*: stack overflow: the stack of thread 1'

rm -f ./*.db
"$BUILD/hakmem-trace" run --trace=off -- "$F/correct_sizes" >said 2>&1 || complain "correct_sizes: status $?"
[ ! -s said ] || complain "correct_sizes: something is said: $(cat said)"
! compgen -G '*.db*' >/dev/null || complain "correct_sizes: a store without a fault: $(echo ./*.db*)"
