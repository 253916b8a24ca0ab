#!/usr/bin/env bash
# `reduce` over each program of tests/faults: steps, lines of the C program, seconds, and in how many of ten runs it gives the same code.
# The table that it prints stands in docs/benchmarks/2026-11-29-reduce.md.
. "${SOURCE:?}/tests/tools/reduced.sh"
echo "| program | code | steps | lines of C | seconds | same code, of 10 |"
echo "|---|---|---|---|---|---|"
for program in $(fault_programs); do
    case $program in memory_leak | pool_leak) continue ;; esac # a leak is no row of the faults
    if row=$(reduced "$program" 10); then
        echo "| ${row// / | } |"
        [ "${row##* }" -eq 10 ] || complain "$row: not each run gives the code"
    else
        complain "$row"
    fi
done
[ $failed -eq 0 ]
