# For tests/pools: runs a program of this folder once for each of its misuses, and compares the reports. Sourced first.
# shellcheck shell=bash
. "${SOURCE:?}/tests/tools/faults.sh"

# misuse PROGRAM CASE: `./PROGRAM CASE` is stopped (but for the case `leak`), with exactly the report tests/pools/PROGRAM.CASE.report; with update=1 it is written.
misuse() {
    local program=$1 does=$2 report=$SOURCE/tests/pools/$1.$2.report status due failed=0 leaks=
    [ "$does" != leak ] || leaks=HAKMEM_LEAKS=error
    mkdir "run.$does"
    { (cd "run.$does" && exec env ${leaks:+"$leaks"} HAKMEM_GUARD_WATCH=off LD_PRELOAD="$BUILD/hakmem-debug.so" "../$program" "$does" >printed 2>&1); } 2>/dev/null
    status=$?
    wait_for_store "run.$does"
    normalise_report <"run.$does/printed" >"found.$does"
    [ "$update" -eq 0 ] || cp "found.$does" "$report"
    due=$(stop_status <"$report")
    [ $status -eq "$due" ] || complain "$does: status $status, expected $due"
    diff -u --label "${report##*/}" --label 'what it printed' "$report" "found.$does" || failed=1
    return $failed
}
